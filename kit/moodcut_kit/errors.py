"""The errors that cross a service boundary.

An error class carries its own fate: the gRPC code, a stable reason and whether trying again can help. One interceptor
(:mod:`moodcut_kit.server`) turns it into a ``google.rpc.Status``; one function (:mod:`moodcut_kit.client`) turns it
back. This module imports nothing of gRPC, so pure code may raise these errors.
"""

from __future__ import annotations

from typing import ClassVar

DOMAIN = "moodcut"


class MoodcutError(Exception):
    """Root of all errors moodcut raises on purpose.

    ``code`` is the name of a gRPC status code, ``reason`` an UPPER_SNAKE word that programs may rely on, ``metadata``
    holds the values that were wrong as strings.
    """

    code: ClassVar[str] = "INTERNAL"
    reason: ClassVar[str] = "INTERNAL"
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, **metadata: object) -> None:
        super().__init__(message)
        self.message = message
        self.metadata = {key: str(value) for key, value in metadata.items()}


class InvalidArgumentError(MoodcutError):
    """The request itself is wrong; it would be wrong at any time."""

    code = "INVALID_ARGUMENT"
    reason = "INVALID_ARGUMENT"


class FailedPreconditionError(MoodcutError):
    """The request is well formed, but what it needs is not so: a model not built, a film without pictures."""

    code = "FAILED_PRECONDITION"
    reason = "FAILED_PRECONDITION"


class NotFoundError(MoodcutError):
    """A named thing does not exist."""

    code = "NOT_FOUND"
    reason = "NOT_FOUND"


class AlreadyExistsError(MoodcutError):
    """The name is taken by something else."""

    code = "ALREADY_EXISTS"
    reason = "ALREADY_EXISTS"


class OverloadedError(MoodcutError):
    """The server has as many calls as it admits; the metadata key ``retry_delay_seconds`` says when to come back."""

    code = "RESOURCE_EXHAUSTED"
    reason = "OVERLOADED"
    retryable = True


class UnavailableError(MoodcutError):
    """Something needed is not reachable now."""

    code = "UNAVAILABLE"
    reason = "UNAVAILABLE"
    retryable = True


class CancelledError(MoodcutError):
    """The caller gave up, and the work was stopped."""

    code = "CANCELLED"
    reason = "CANCELLED"
