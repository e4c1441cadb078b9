"""One media file as the judges see it: frames evenly over its picture, its sound, and what was computed from them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TypeVar

import av.error
import numpy as np
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from moodcut_kit.media.audio import decode_audio
from moodcut_kit.media.errors import MediaUnreadableError, MediaWithoutPictureError, MediaWithoutSoundError
from moodcut_kit.media.open import open_container, translated, video_stream
from moodcut_kit.media.picture import PictureConverter, upright
from moodcut_scorer.mel import SAMPLE_RATE, SHORTEST_SECONDS

FRAME_COUNT = 24
_SHORT_SIDE = 256
_UNKNOWN_STEP_SECONDS = 0.5
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """``frames`` uint8 [height, width, 3] RGB, none without a picture; ``samples`` mono float32 [n] at 16 kHz or None.

    ``kept`` remembers what several judges need, so that it is computed once.
    """

    frames: list[np.ndarray]
    samples: np.ndarray | None
    kept: dict[str, object] = field(default_factory=dict)

    def once(self, name: str, compute: Callable[[], _Value]) -> _Value:
        """The value of ``compute()``, computed when first asked for under this name."""
        if name not in self.kept:
            self.kept[name] = compute()
        return self.kept[name]  # type: ignore[return-value]


def read_media(path: Path, *, frame_count: int = FRAME_COUNT) -> Media:
    """Frames and sound of a file that has at least one of both.

    Raises MediaError if it cannot be read, or has neither picture nor half a second of sound.
    """
    try:
        samples: np.ndarray | None = decode_audio(path, sample_rate=SAMPLE_RATE, channels=1)
    except MediaWithoutSoundError:
        samples = None
    if samples is not None and len(samples) < SHORTEST_SECONDS * SAMPLE_RATE:
        samples = None
    try:
        frames = even_frames(path, frame_count)
    except MediaWithoutPictureError:
        frames = []
    if not frames and samples is None:
        raise MediaUnreadableError(f"{path} has neither a picture nor sound of {SHORTEST_SECONDS} s.", file=path)
    return Media(frames=frames, samples=samples)


def even_frames(path: Path, count: int) -> list[np.ndarray]:
    """``count`` frames evenly over a film, uint8 [height, width, 3] RGB, short side at most 256; fewer if it has fewer.

    Where the file does not say how long it is, the frames are thinned out as they come.
    """
    found: list[np.ndarray] = []
    with open_container(path) as container:
        stream = video_stream(path, container)
        stream.thread_type = "AUTO"
        step = float(Fraction(container.duration or 0, av.time_base)) / count or _UNKNOWN_STEP_SECONDS
        convert: PictureConverter | None = None
        start, due = None, step / 2
        with translated(path):
            for frame in _decoded(container.demux(stream)):
                time = frame.time if frame.time is not None else 0.0
                start = time if start is None else start
                if time - start < due:
                    continue
                if convert is None:
                    shrink = min(1.0, _SHORT_SIDE / min(frame.width, frame.height))
                    width, height = (max(1, round(side * shrink)) for side in (frame.width, frame.height))
                    convert = PictureConverter(width=width, height=height)
                found.append(upright(convert.to_rgb(frame), round(frame.rotation / 90) * 90 % 360))
                due += step
                if len(found) == 4 * count:
                    found, step = found[::2], 2 * step
    kept = np.linspace(0, len(found) - 1, min(count, len(found))).round().astype(int)
    return [found[index] for index in kept]


def _decoded(packets: Iterator[Packet[VideoStream]]) -> Iterator[VideoFrame]:
    """The frames of a film; a packet that cannot be decoded is passed over."""
    for packet in packets:
        try:
            yield from packet.decode()
        except av.error.FFmpegError:
            continue
