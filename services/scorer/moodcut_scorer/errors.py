"""The scorer's errors."""

from __future__ import annotations

from moodcut_kit.errors import FailedPreconditionError, InvalidArgumentError, NotFoundError


class ModelMissingError(FailedPreconditionError):
    """A model's file is not there; the message names the command that makes it."""

    reason = "MODEL_MISSING"


class ModelDamagedError(FailedPreconditionError):
    """A model's file is there and cannot be used."""

    reason = "MODEL_DAMAGED"


class BadImageError(InvalidArgumentError):
    """Not an array of RGB pixels."""

    reason = "BAD_IMAGE"


class BadAudioError(InvalidArgumentError):
    """Not a usable mono signal."""

    reason = "BAD_AUDIO"


class BadTextError(InvalidArgumentError):
    """Nothing to encode."""

    reason = "BAD_TEXT"


class BadScoringError(InvalidArgumentError):
    """Embeddings, units or options that do not fit together."""

    reason = "BAD_SCORING_INPUT"


class UnknownModelError(InvalidArgumentError):
    """No model of that name on this server."""

    reason = "MODEL_UNKNOWN"


class RequestError(InvalidArgumentError):
    """A request whose fields are missing or do not go together."""

    reason = "SCORER_REQUEST_INVALID"


class MusicMissingError(NotFoundError):
    """The music named is not in the store."""

    reason = "MUSIC_NOT_FOUND"


class KeyframesDamagedError(FailedPreconditionError):
    """The keyframe pack or its index cannot be read."""

    reason = "KEYFRAMES_DAMAGED"
