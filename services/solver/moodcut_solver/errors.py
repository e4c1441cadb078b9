"""The solver's errors. A problem without a solution is not among them: that is an answer."""

from __future__ import annotations

from moodcut_kit.errors import CancelledError, InvalidArgumentError


class InvalidProblemError(InvalidArgumentError):
    """A field of the problem is wrong; the message and the metadata key ``field`` name it."""

    reason = "INVALID_PROBLEM"

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}", field=field)
        self.field = field


class ProblemTooLargeError(InvalidArgumentError):
    """The problem exceeds a published limit (:data:`moodcut_solver.LIMITS`)."""

    reason = "PROBLEM_TOO_LARGE"

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}", field=field)
        self.field = field


class SolveCancelledError(CancelledError):
    """The caller gave up; the computation was stopped."""

    reason = "SOLVE_CANCELLED"
