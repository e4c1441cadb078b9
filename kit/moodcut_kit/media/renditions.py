"""Pictures of a film in several sizes from one decoding, in batches of plain arrays."""

from __future__ import annotations

import io
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import cast

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from moodcut_kit.media.child import run_work
from moodcut_kit.media.errors import DecoderFailedError
from moodcut_kit.media.frameindex import FrameIndex
from moodcut_kit.media.framing import Record
from moodcut_kit.media.limits import DEFAULT_PROCESS_LIMITS, ProcessLimits
from moodcut_kit.media.open import DEFAULT_LIMITS, MediaLimits
from moodcut_kit.media.picture import PictureConverter, Scaling, upright
from moodcut_kit.media.source import Source
from moodcut_kit.media.video import VideoReader

_BATCH_FRAMES = 64
_BATCH_BYTE_COUNT = 1 << 21


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendition:
    """One size in which pictures are wanted: those of every ``every``-th frame, counted from the film's start, from
    ``start_frame`` to ``end_frame`` (0: the end).

    ``width`` and ``height`` are those of the upright picture. With ``jpeg_quality`` (1 to 95) pictures are JPEG files,
    else arrays.
    """

    width: int
    height: int
    scaling: Scaling = "area"
    every: int = 1
    start_frame: int = 0
    end_frame: int = 0
    jpeg_quality: int = 0

    def has(self, frame: int) -> bool:
        """Whether it shows this frame."""
        return not frame % self.every and self.start_frame <= frame and (not self.end_frame or frame < self.end_frame)


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Pictures of some successive frames: for each rendition the frames it shows, and their pictures.

    ``pictures``: uint8 [n, height, width, 3], RGB; ``jpegs``: JPEG files. Of the two, one is empty. ``missing_count``:
    how many frames until now could not be decoded, in whose place a neighbour stands.
    """

    frames: tuple[list[int], ...]
    pictures: tuple[NDArray[np.uint8], ...]
    jpegs: tuple[list[bytes], ...]
    missing_count: int


def render_frames(
    path: Source,
    index: FrameIndex,
    ranges: Sequence[tuple[int, int]],
    renditions: Sequence[Rendition],
    *,
    rotation_degrees: int = 0,
    counted: tuple[int, int] | None = None,
    draft: bool = False,
    decoder_threads: int = 0,
    limits: MediaLimits = DEFAULT_LIMITS,
    process_limits: ProcessLimits | None = DEFAULT_PROCESS_LIMITS,
    check: Callable[[], None] = lambda: None,
) -> Generator[Batch, None, None]:
    """Decode frames ``ranges`` (half-open, in the order given) once and render them all.

    Missing frames are counted from the first to the second frame of ``counted``, or all of them. ``draft``: see
    :class:`~moodcut_kit.media.video.VideoReader` and :class:`~moodcut_kit.media.picture.PictureConverter`.

    Decodes in a process of its own unless ``process_limits`` is None (:func:`~moodcut_kit.media.child.run_work`, which
    see for the errors, with those of :class:`~moodcut_kit.media.video.VideoReader`). Results do not depend on that.
    Close the iterator if it is not read to its end. JPEG files need the package ``pillow``.
    """
    records = run_work(
        _render,
        path,
        index,
        tuple(ranges),
        tuple(renditions),
        rotation_degrees,
        counted,
        draft,
        decoder_threads,
        limits,
        process_limits=process_limits,
        check=check,
    )
    with closing(records):
        for record in records:
            yield _batch(record, renditions)


def _render(
    path: Source,
    index: FrameIndex,
    ranges: Sequence[tuple[int, int]],
    renditions: Sequence[Rendition],
    rotation_degrees: int,
    counted: tuple[int, int] | None,
    draft: bool,
    decoder_threads: int,
    limits: MediaLimits,
) -> Iterator[Record]:
    collected = [_Collected(each, rotation_degrees, draft) for each in renditions]
    with VideoReader(path, index, limits=limits, thread_count=decoder_threads, draft=draft) as reader:
        missing = before = 0
        for wanted in _runs(ranges, index):
            count = 0
            for number, frame in reader.frames(wanted[0][0], wanted[-1][1]):
                if counted is None or counted[0] <= number < counted[1]:
                    missing += reader.missing - before
                before = reader.missing
                if not any(start <= number < end for start, end in wanted):
                    continue
                for each in collected:
                    if each.rendition.has(number):
                        each.take(number, frame)
                count += 1
                if count == _BATCH_FRAMES or sum(each.byte_count for each in collected) >= _BATCH_BYTE_COUNT:
                    yield _record(collected, missing)
                    count = 0
            if count:
                yield _record(collected, missing)


def _runs(ranges: Sequence[tuple[int, int]], index: FrameIndex) -> list[list[tuple[int, int]]]:
    """Ranges to be read in one go: between two of a run there is no keyframe that would spare decoding."""
    runs: list[list[tuple[int, int]]] = []
    for start, end in ranges:
        if runs and start - runs[-1][-1][1] >= 0 and index.keyframe_before(start) <= runs[-1][-1][1]:
            runs[-1].append((start, end))
        else:
            runs.append([(start, end)])
    return runs


class _Collected:
    """The pictures of one rendition that are not on their way yet."""

    def __init__(self, rendition: Rendition, rotation_degrees: int, draft: bool) -> None:
        self.rendition = rendition
        self._rotation = rotation_degrees
        turned = rotation_degrees % 180 != 0
        width, height = (rendition.height, rendition.width) if turned else (rendition.width, rendition.height)
        self._converter = PictureConverter(width=width, height=height, scaling=rendition.scaling, draft=draft)
        self.clear()

    def clear(self) -> None:
        self.frames: list[int] = []
        self.pictures: list[NDArray[np.uint8]] = []
        self.jpegs: list[bytes] = []
        self.byte_count = 0

    def take(self, number: int, frame: VideoFrame) -> None:
        picture = self._converter.to_rgb(frame)
        if self._rotation:
            picture = upright(picture, self._rotation)
        self.frames.append(number)
        if self.rendition.jpeg_quality:
            self.jpegs.append(jpeg_bytes(picture, self.rendition.jpeg_quality))
            self.byte_count += len(self.jpegs[-1])
        else:
            self.pictures.append(picture)
            self.byte_count += picture.nbytes

    def stacked(self) -> NDArray[np.uint8]:
        """uint8 [n, height, width, 3], n 0 for JPEG files."""
        shape = (0, self.rendition.height, self.rendition.width, 3)
        return np.stack(self.pictures) if self.pictures else np.empty(shape, dtype=np.uint8)


def _record(collected: Sequence[_Collected], missing_count: int) -> Record:
    record: Record = {"missing_count": missing_count}
    for number, each in enumerate(collected):
        record[f"frames{number}"] = each.frames
        record[f"pictures{number}"] = each.stacked()
        record[f"jpegs{number}"] = each.jpegs
        each.clear()
    return record


def _batch(record: Record, renditions: Sequence[Rendition]) -> Batch:
    """Checked, since the process that made it has read a hostile file."""
    frames: list[list[int]] = []
    pictures: list[NDArray[np.uint8]] = []
    jpegs: list[list[bytes]] = []
    for number, rendition in enumerate(renditions):
        shown, arrays, files = (record.get(f"{name}{number}") for name in ("frames", "pictures", "jpegs"))
        if not (isinstance(shown, list) and isinstance(arrays, np.ndarray) and isinstance(files, list)):
            raise DecoderFailedError("The decoding process gave no pictures.")
        wanted = [frame for frame in shown if isinstance(frame, int) and rendition.has(frame)]
        if sorted(set(wanted)) != shown:
            raise DecoderFailedError("The decoding process gave pictures of other frames than were asked for.")
        count = 0 if rendition.jpeg_quality else len(shown)
        if arrays.dtype != np.uint8 or arrays.shape != (count, rendition.height, rendition.width, 3):
            raise DecoderFailedError(f"The decoding process gave pictures of {arrays.dtype} {arrays.shape}.")
        if len(files) != len(shown) - count:
            raise DecoderFailedError(f"The decoding process gave {len(files)} JPEG files for {len(shown)} frames.")
        frames.append(cast("list[int]", shown))
        pictures.append(arrays)
        jpegs.append(cast("list[bytes]", files))
    missing = record.get("missing_count")
    return Batch(tuple(frames), tuple(pictures), tuple(jpegs), missing if isinstance(missing, int) else 0)


def jpeg_bytes(picture: NDArray[np.uint8], quality: int) -> bytes:
    """A picture (uint8 [height, width, 3], RGB) as a JPEG file of a quality from 1 to 95. Needs the package pillow."""
    from PIL import Image

    target = io.BytesIO()
    Image.fromarray(picture).save(target, format="JPEG", quality=quality)
    return target.getvalue()
