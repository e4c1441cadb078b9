"""A film's frame index and shape, and a file's sound, read in a process of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, cast

import numpy as np
from numpy.typing import NDArray

from moodcut_kit.media.audio import joined_sound, sound_pieces
from moodcut_kit.media.chapters import read_chapters
from moodcut_kit.media.child import run_work
from moodcut_kit.media.errors import DecoderFailedError
from moodcut_kit.media.frameindex import FrameIndex, read_frame_index
from moodcut_kit.media.framing import Record
from moodcut_kit.media.limits import DEFAULT_PROCESS_LIMITS, ProcessLimits
from moodcut_kit.media.open import DEFAULT_LIMITS, MediaLimits
from moodcut_kit.media.source import Source
from moodcut_kit.media.video import VideoInfo, VideoReader
from moodcut_kit.time import FrameTimes

_PIECE_SAMPLES = 1 << 16


@dataclass(frozen=True, slots=True, eq=False)
class FilmFacts:
    """What is known of a film before its pictures are decoded. ``chapters_seconds``: see
    :func:`~moodcut_kit.media.chapters.read_chapters`."""

    index: FrameIndex
    info: VideoInfo
    chapters_seconds: tuple[Fraction, ...]


def read_film_facts(
    path: Source,
    *,
    limits: MediaLimits = DEFAULT_LIMITS,
    process_limits: ProcessLimits | None = DEFAULT_PROCESS_LIMITS,
    check: Callable[[], None] = lambda: None,
) -> FilmFacts:
    """The frame index (:func:`~moodcut_kit.media.frameindex.read_frame_index`), the first frame's looks, the chapters.

    Raises what :func:`~moodcut_kit.media.child.run_work` and reading raise.
    """
    try:
        (record,) = run_work(_film_facts, path, limits, process_limits=process_limits, check=check)
        numbers = [int(each) for each in _integers(record, "numbers")]
        bounds, keyframes = _integers(record, "boundaries_pts"), _integers(record, "keyframes")
        chapters = _integers(record, "chapters").reshape(-1, 2)
        chapters_seconds = tuple(Fraction(int(over), int(under)) for over, under in chapters)
        words = [str(record[name]) for name in ("codec", "pixel_format")]
        base, aspect = Fraction(numbers[0], numbers[1]), Fraction(numbers[2], numbers[3])
        index = FrameIndex(FrameTimes(base, bounds), keyframes)
        width, height, display_width, display_height, rotation = numbers[4:]
    except (KeyError, ValueError, ZeroDivisionError) as error:
        raise DecoderFailedError(f"The process that read {path} gave no index of a film.", file=path) from error
    return FilmFacts(
        index,
        VideoInfo(
            width=width,
            height=height,
            display_width=display_width,
            display_height=display_height,
            rotation_degrees=rotation,
            pixel_aspect_ratio=aspect,
            codec=words[0],
            pixel_format=words[1],
        ),
        chapters_seconds,
    )


def decode_sound(
    path: Source,
    *,
    sample_rate: int,
    channels: Literal[1, 2],
    track: int = 0,
    limits: MediaLimits = DEFAULT_LIMITS,
    process_limits: ProcessLimits | None = DEFAULT_PROCESS_LIMITS,
    check: Callable[[], None] = lambda: None,
) -> NDArray[np.float32]:
    """What :func:`~moodcut_kit.media.audio.decode_audio` gives, decoded in a process of its own.

    Raises what that and :func:`~moodcut_kit.media.child.run_work` raise.
    """
    pieces: list[NDArray[np.float32]] = []
    count, heard, most = -1, 0, (limits.max_duration_seconds + 1) * sample_rate
    records = run_work(_sound, path, sample_rate, channels, track, limits, process_limits=process_limits, check=check)
    for record in records:
        samples, stated = record.get("samples"), record.get("sample_count", -1)
        if not (isinstance(samples, np.ndarray) and samples.dtype == np.float32 and samples.ndim == 2):
            raise DecoderFailedError(f"The process that read {path} gave no sound.", file=path)
        heard += samples.shape[1]
        if heard > most:
            raise DecoderFailedError(f"The process that read {path} gave more sound than it may have.", file=path)
        pieces.append(samples)
        count = stated if isinstance(stated, int) else -1
    if not 0 <= count <= most:
        raise DecoderFailedError(f"The process that read {path} gave no length of its sound.", file=path)
    return joined_sound(pieces, count, channels)


def _film_facts(path: Source, limits: MediaLimits) -> Iterator[Record]:
    index = read_frame_index(path, limits=limits)
    with VideoReader(path, index, limits=limits) as reader:
        info = reader.info()
    chapters = read_chapters(path, index.times, limits=limits)
    base, aspect = index.times.time_base, info.pixel_aspect_ratio
    numbers = (base.numerator, base.denominator, aspect.numerator, aspect.denominator)
    sizes = (info.width, info.height, info.display_width, info.display_height, info.rotation_degrees)
    yield {
        "numbers": np.array((*numbers, *sizes), dtype=np.int64),
        "boundaries_pts": index.times.boundaries_pts,
        "keyframes": index.keyframes,
        "chapters": np.array([each.as_integer_ratio() for each in chapters], dtype=np.int64).ravel(),
        "codec": info.codec,
        "pixel_format": info.pixel_format,
    }


def _sound(
    path: Source, sample_rate: int, channels: Literal[1, 2], track: int, limits: MediaLimits
) -> Iterator[Record]:
    waiting: list[NDArray[np.float32]] = []
    pieces = sound_pieces(path, sample_rate=sample_rate, channels=channels, track=track, limits=limits)
    while True:
        try:
            waiting.append(next(pieces))
        except StopIteration as end:
            yield {"samples": _put_together(waiting, channels), "sample_count": end.value}
            return
        if sum(piece.shape[1] for piece in waiting) >= _PIECE_SAMPLES:
            yield {"samples": _put_together(waiting, channels)}
            waiting = []


def _put_together(pieces: list[NDArray[np.float32]], channels: int) -> NDArray[np.float32]:
    return np.concatenate(pieces, axis=1) if pieces else np.empty((channels, 0), dtype=np.float32)


def _integers(record: Record, name: str) -> NDArray[np.int64]:
    found = record[name]
    if not isinstance(found, np.ndarray) or found.dtype != np.int64 or found.ndim != 1:
        raise ValueError(f"{name} is no list of integers")
    return cast("NDArray[np.int64]", found)
