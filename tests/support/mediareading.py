"""Reads films and sound with PyAV alone, for checks that must not share code with what they check."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

GREY_WIDTH, GREY_HEIGHT = 96, 54


@dataclass(frozen=True)
class Picture:
    """All frames of a file, small and grey. ``greys``: uint8 [n, GREY_HEIGHT * GREY_WIDTH]; ``pts``: int64 [n]."""

    greys: NDArray[np.uint8]
    pts: NDArray[np.int64]
    time_base: Fraction
    duration_seconds: Fraction
    width: int
    height: int
    codec: str
    pixel_format: str
    colour: tuple[int, int, int, int]

    @property
    def start_seconds(self) -> Fraction:
        """When the first frame is shown, by the file's clock."""
        return int(self.pts[0]) * self.time_base


@dataclass(frozen=True)
class Sound:
    """The sound as a player presents it. ``samples``: float32 [n], mono; ``start_seconds`` by the file's clock."""

    samples: NDArray[np.float32]
    sample_rate: int
    start_seconds: Fraction

    @property
    def duration_seconds(self) -> Fraction:
        """Exact length."""
        return Fraction(len(self.samples), self.sample_rate)


def read_picture(path: Path) -> Picture:
    """Decode every frame, upright."""
    greys: list[NDArray[np.uint8]] = []
    pts: list[int] = []
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        last: Any = None
        for frame in container.decode(stream):
            turns = round(frame.rotation / 90) % 4
            size = (GREY_WIDTH, GREY_HEIGHT) if turns % 2 == 0 else (GREY_HEIGHT, GREY_WIDTH)
            small = frame.reformat(width=size[0], height=size[1], format="gray", interpolation="AREA").to_ndarray()
            greys.append(np.rot90(np.asarray(small, dtype=np.uint8), turns).reshape(-1))
            if frame.pts is None:
                raise AssertionError(f"frame {len(pts)} of {path} has no time stamp")
            pts.append(frame.pts)
            last = frame
        time_base = Fraction(stream.time_base or 0)
        step = last.duration or (pts[-1] - pts[-2])
        colour = (int(last.colorspace), int(last.color_primaries), int(last.color_trc), int(last.color_range))
        return Picture(
            greys=np.stack(greys),
            pts=np.array(pts, dtype=np.int64),
            time_base=time_base,
            duration_seconds=(pts[-1] + step - pts[0]) * time_base,
            width=last.width,
            height=last.height,
            codec=stream.codec_context.name,
            pixel_format=last.format.name,
            colour=colour,
        )


def read_sound(path: Path, *, sample_rate: int | None = None) -> Sound:
    """Decode the sound to mono, resampled if ``sample_rate`` is given and another."""
    chunks: list[NDArray[np.float32]] = []
    start: Fraction | None = None
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        rate = sample_rate or stream.codec_context.sample_rate
        resampler = av.AudioResampler(format="fltp", layout="stereo", rate=rate)
        stated = Fraction(stream.duration or 0) * Fraction(stream.time_base or 0)
        for frame in container.decode(stream):
            if start is None:
                start = Fraction(frame.pts or 0) * Fraction(frame.time_base or 0)
            chunks.extend(out.to_ndarray().mean(axis=0) for out in resampler.resample(frame))
        chunks.extend(out.to_ndarray().mean(axis=0) for out in resampler.resample(None))
    samples = np.concatenate(chunks).astype(np.float32)
    # MP4 states where the presentation ends; what a codec decodes beyond it is its padding.
    if path.suffix in (".mp4", ".m4a", ".mov") and stated and len(samples) - stated * rate < 4096:
        samples = samples[: round(stated * rate)]
    return Sound(samples, rate, start or Fraction(0))
