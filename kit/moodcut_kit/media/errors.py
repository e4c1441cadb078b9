"""What can be wrong with a film or a piece of music."""

from __future__ import annotations

from moodcut_kit.errors import (
    FailedPreconditionError,
    InvalidArgumentError,
    MoodcutError,
    NotFoundError,
    UnavailableError,
)


class MediaNotFoundError(NotFoundError):
    """There is no such file."""

    reason = "MEDIA_NOT_FOUND"


class MediaCutShortError(FailedPreconditionError):
    """A stored object no longer gives all the bytes it had when it was opened."""

    reason = "MEDIA_CUT_SHORT"


class DecoderLostError(UnavailableError):
    """The decoding process was ended from outside: by a person, or by a system short of memory."""

    reason = "DECODER_LOST"


class DecoderFailedError(MoodcutError):
    """The decoding process failed for a reason that is not the file's."""

    reason = "DECODER_FAILED"


class DecoderLimitsError(FailedPreconditionError):
    """The limits of the decoding process, as the environment states them, are no numbers that can be limits."""

    reason = "DECODER_LIMITS_INVALID"


class MediaError(InvalidArgumentError):
    """Root of all that is wrong with a media file itself."""

    reason = "MEDIA_INVALID"


class MediaFormatUnknownError(MediaError):
    """The file's first bytes are not those of a container that is accepted."""

    reason = "MEDIA_FORMAT_UNKNOWN"


class MediaUnreadableError(MediaError):
    """The container is accepted, but FFmpeg cannot read what is in it."""

    reason = "MEDIA_UNREADABLE"


class MediaLimitError(MediaError):
    """The file is larger, longer or wider than is allowed."""

    reason = "MEDIA_LIMIT_EXCEEDED"


class MediaWithoutSoundError(MediaError):
    """The file has no audio stream, or not one sample of it can be decoded."""

    reason = "MEDIA_WITHOUT_SOUND"


class MediaTrackError(MediaError):
    """The file has fewer sound tracks than the one asked for."""

    reason = "MEDIA_TRACK_MISSING"


class MediaWithoutPictureError(MediaError):
    """The file has no video stream, or not one frame of it can be decoded."""

    reason = "MEDIA_WITHOUT_PICTURE"
