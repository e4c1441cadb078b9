"""What the director reports."""

from moodcut_kit.errors import (
    AlreadyExistsError,
    FailedPreconditionError,
    InvalidArgumentError,
    MoodcutError,
    NotFoundError,
)


class MontageNotFoundError(NotFoundError):
    """There is no montage of that id."""

    reason = "MONTAGE_NOT_FOUND"


class MediaNotFoundError(NotFoundError):
    """The film or music named by its hash is not in the store."""

    reason = "MEDIA_NOT_FOUND"


class RequestIdTakenError(AlreadyExistsError):
    """The request_id was used before with another body."""

    reason = "REQUEST_ID_TAKEN"


class OptionError(InvalidArgumentError):
    """An option of the request is out of range or contradicts another."""

    reason = "OPTION_INVALID"


class MusicTooShortError(FailedPreconditionError):
    """No complete unit of the grid lies in the part of the music asked for."""

    reason = "MUSIC_TOO_SHORT"


class UnitTooShortError(FailedPreconditionError):
    """Some unit of the grid lasts less than a frame of the film."""

    reason = "UNIT_TOO_SHORT"


class NoFootageError(FailedPreconditionError):
    """Nothing of the film, or of the part of it asked for, can be used."""

    reason = "NO_FOOTAGE"


class NoSelectionError(FailedPreconditionError):
    """No choice of shots meets all constraints; the message says which one binds and what would help."""

    reason = "NO_SELECTION"


class SolverTimeoutError(MoodcutError):
    """The solver ran out of time before it found a selection or proved that there is none."""

    code = "DEADLINE_EXCEEDED"
    reason = "SOLVER_TIMEOUT"


class NotFinishedError(FailedPreconditionError):
    """A file was asked for that the montage does not have (yet)."""

    reason = "NOT_FINISHED"


class LeaseLostError(MoodcutError):
    """Another replica has taken over the montage."""

    code = "ABORTED"
    reason = "LEASE_LOST"


class TooManyAttemptsError(MoodcutError):
    """The montage was taken up several times and ended each time without a word."""

    code = "ABORTED"
    reason = "TOO_MANY_ATTEMPTS"
