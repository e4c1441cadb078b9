"""What the renderer reports."""

from moodcut_kit.errors import FailedPreconditionError, InvalidArgumentError, MoodcutError, NotFoundError


class TimelineError(InvalidArgumentError):
    """The timeline contradicts itself, the film or the music; ``field`` in the metadata says where."""

    reason = "TIMELINE_INVALID"


class RenderOptionError(InvalidArgumentError):
    """An option of the encoder is out of range."""

    reason = "RENDER_OPTION_INVALID"


class MediaMissingError(NotFoundError):
    """The film or the music a timeline names is not in the store."""

    reason = "MEDIA_NOT_FOUND"


class FfmpegMissingError(FailedPreconditionError):
    """There is no ffmpeg program."""

    reason = "FFMPEG_MISSING"


class EncodingError(MoodcutError):
    """ffmpeg ended with an error; the message carries its last log line."""

    reason = "ENCODING_FAILED"
