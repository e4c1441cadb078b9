"""What ffmpeg is told: pure, from options and plain values to arguments."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from moodcut_kit.contract import Json
from moodcut_kit.v1 import renderer_pb2
from moodcut_renderer.errors import RenderOptionError
from moodcut_renderer.picture import ColourTags

PRESETS = (
    "ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow",
)  # fmt: skip
_MAX_CRF = 51
# x264's output depends on its number of threads, so it is the same on every machine.
_X264_THREADS = 4
_AAC_BIT_RATE = 256_000


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderOptions:
    """Quality and speed of the picture's encoding: x264's constant rate factor, 1 to 51, and its preset."""

    crf: int = 20
    preset: str = "veryfast"

    def __post_init__(self) -> None:
        if not 1 <= self.crf <= _MAX_CRF:
            raise RenderOptionError(f"crf is {self.crf}; it must be from 1 (best) to {_MAX_CRF}", field="crf")
        if self.preset not in PRESETS:
            message = f"preset is {self.preset!r}; it must be one of {', '.join(PRESETS)}"
            raise RenderOptionError(message, field="preset")

    @classmethod
    def from_message(cls, message: renderer_pb2.RenderOptions) -> EncoderOptions:
        """Options of a request, defaults filled in. Raises RenderOptionError."""
        default = cls()
        return cls(crf=message.crf or default.crf, preset=message.preset or default.preset)

    def parameters(self) -> dict[str, Json]:
        """What a result depends on, for its fingerprint."""
        return {"crf": self.crf, "preset": self.preset, "threads": _X264_THREADS, "sound_bit_rate": _AAC_BIT_RATE}


def encoder_arguments(
    *,
    width: int,
    height: int,
    rate: Fraction,
    colours: ColourTags,
    sound_name: str,
    sample_rate: int,
    output_name: str,
    options: EncoderOptions,
) -> list[str]:
    """Arguments of ffmpeg: raw yuv420p frames on standard input and raw float sound in a file to one MP4 file.

    Nothing in them comes from a client but checked numbers. The same input gives the same bytes.
    """
    number = f"{rate.numerator}/{rate.denominator}"
    tags = (
        f"setparams=range=tv:colorspace={colours.matrix}:color_primaries={colours.primaries}"
        f":color_trc={colours.transfer}"
    )
    return [
        *("-f", "rawvideo", "-pix_fmt", "yuv420p", "-video_size", f"{width}x{height}", "-framerate", number),
        *("-i", "pipe:0"),
        *("-f", "f32le", "-ar", str(sample_rate), "-ac", "2", "-i", sound_name),
        *("-map", "0:v:0", "-map", "1:a:0", "-vf", tags, "-fps_mode", "passthrough"),
        *("-c:v", "libx264", "-preset", options.preset, "-crf", str(options.crf), "-threads:v", str(_X264_THREADS)),
        *("-pix_fmt", "yuv420p", "-flags:v", "+bitexact"),
        *("-color_range", "tv", "-colorspace", str(colours.matrix)),
        *("-color_primaries", str(colours.primaries), "-color_trc", str(colours.transfer)),
        *("-c:a", "aac", "-b:a", str(_AAC_BIT_RATE), "-flags:a", "+bitexact"),
        *("-map_metadata", "-1", "-fflags", "+bitexact", "-movflags", "+faststart", "-f", "mp4", "-y", output_name),
    ]
