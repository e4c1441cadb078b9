"""One decoding pass over a range of a film: pictures for the detector, samples for keyframes and scenes."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from moodcut_kit.media.ahead import read_ahead
from moodcut_kit.media.errors import MediaUnreadableError
from moodcut_kit.media.frameindex import FrameIndex
from moodcut_kit.media.isolated import FilmFacts
from moodcut_kit.media.limits import DEFAULT_PROCESS_LIMITS, ProcessLimits
from moodcut_kit.media.open import DEFAULT_LIMITS, MediaLimits
from moodcut_kit.media.renditions import Batch, Rendition, render_frames
from moodcut_kit.media.source import Source
from moodcut_segmenter.detectors import ShotDetector, Span, TransitionProbabilities
from moodcut_segmenter.film_sound import film_sound
from moodcut_segmenter.keyframes import keyframe_size, needed_samples, sample_stride
from moodcut_segmenter.picture_features import FEATURE_COUNT
from moodcut_segmenter.samples import FilmShape, Peaks, Samples, luma_of
from moodcut_segmenter.shots import find_transitions

# Looked at before the film is analysed, to leave black bars out of what is measured: so many keyframes, if there are.
_GLANCE_COUNT = 12
# Batches of pictures that may wait while the detector works: some 15 MB.
_AHEAD = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoding:
    """How a film is decoded: ``threads`` (0: every core), which ``limits`` it keeps, and those of the process that
    decodes it (None: this one does). The result does not depend on it."""

    threads: int = 0
    limits: MediaLimits = DEFAULT_LIMITS
    process_limits: ProcessLimits | None = DEFAULT_PROCESS_LIMITS


DEFAULT_DECODING = Decoding()


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class RangeResult:
    """What one pass found in frames ``start_frame`` to ``end_frame``.

    ``sample_frames``: int64 [n]; ``features``: float16 [n, 410]; ``defects``: uint8 [n], values of
    :class:`~moodcut_segmenter.picture_defects.Defect`. ``row_peaks``, ``column_peaks``: the brightest luma over all
    samples, uint8 [height] and [width] of a keyframe. ``sound``: float16 [windows, 48], the half seconds of sound that
    belong to the range. ``jpegs``: by frame, only those samples that may become keyframes. ``missing_count``: frames
    that could not be decoded, in whose place a neighbour was taken.
    """

    start_frame: int
    end_frame: int
    probabilities: TransitionProbabilities
    sample_frames: NDArray[np.int64]
    features: NDArray[np.float16]
    defects: NDArray[np.uint8]
    row_peaks: NDArray[np.uint8]
    column_peaks: NDArray[np.uint8]
    sound: NDArray[np.float16]
    jpegs: Mapping[int, bytes]
    missing_count: int


def film_shape(
    path: Source,
    facts: FilmFacts,
    *,
    decoding: Decoding = DEFAULT_DECODING,
    check: Callable[[], None] = lambda: None,
) -> FilmShape:
    """The shape of a film. Looks for black bars at a few keyframes, where there are as many and they can be decoded."""
    info, keyframes = facts.info, facts.index.keyframes
    shape = FilmShape(width=info.display_width, height=info.display_height, rotation_degrees=info.rotation_degrees)
    if len(keyframes) < _GLANCE_COUNT:
        return shape
    glances = keyframes[np.linspace(0, len(keyframes) - 1, _GLANCE_COUNT).astype(np.int64)]
    ranges, peaks = [(int(frame), int(frame) + 1) for frame in glances], Peaks()
    try:
        for batch in _rendered(path, facts.index, shape, ranges, (keyframe_rendition(shape),), decoding, check):
            for picture in batch.pictures[0]:
                peaks.add(luma_of(picture))
    except MediaUnreadableError:
        return shape
    return replace(shape, measured=peaks.area(shape))


def keyframe_rendition(shape: FilmShape) -> Rendition:
    """Frames of a film in the size of keyframes: short side 256."""
    width, height = keyframe_size(shape.width, shape.height)
    return Rendition(width=width, height=height)


def analyze_frames(
    path: Source,
    index: FrameIndex,
    shape: FilmShape,
    detector: ShotDetector,
    *,
    start_frame: int,
    end_frame: int,
    decoding: Decoding = DEFAULT_DECODING,
    check: Callable[[], None] = lambda: None,
) -> RangeResult:
    """Decode frames ``start_frame`` to ``end_frame`` once, with the context the detector needs, and analyse them.

    The range's ends lie on multiples of the detector's alignment, or are the film's. ``check`` is called every second
    or so and may raise to stop the work.
    """
    frame_count, rate = index.times.frame_count, index.times.rate()
    span = Span(
        first_frame=max(0, start_frame - detector.context_frames),
        last_frame_end=min(frame_count, end_frame + detector.context_frames),
        start_frame=start_frame,
        end_frame=end_frame,
        frame_count=frame_count,
        frame_rate=rate,
    )
    stride = sample_stride(rate)
    # The authors of TransNet V2 had FFmpeg scale with its default, bicubic.
    width, height = detector.picture.size_for(shape.width, shape.height)
    renditions = (
        Rendition(width=width, height=height, scaling="bicubic"),
        replace(keyframe_rendition(shape), every=stride, start_frame=start_frame, end_frame=end_frame),
    )
    frames = [(span.first_frame, span.last_frame_end)]
    reading = _Reading(Samples(shape), detector.picture.colour_order)
    draft = detector.picture.draft_for(shape.width, shape.height)
    counted = (start_frame, end_frame)
    rendered = _rendered(path, index, shape, frames, renditions, decoding, check, counted=counted, draft=draft)
    with (
        ThreadPoolExecutor(1, thread_name_prefix="sound") as pool,
        closing(read_ahead(rendered, count=_AHEAD)) as batches,
    ):
        sound = pool.submit(
            film_sound,
            path,
            index.times,
            start_frame=start_frame,
            end_frame=end_frame,
            limits=decoding.limits,
            process_limits=decoding.process_limits,
            check=check,
        )
        probabilities = detector.detect(reading.pictures(batches), span, check=check)
        # What the detector did not need may still hold samples.
        for batch in batches:
            reading.take(batch)
    samples = reading.samples
    transitions = find_transitions(probabilities.single, probabilities.many)
    needed = needed_samples(transitions, start_frame, end_frame, stride, film_frame_count=frame_count)
    return RangeResult(
        start_frame=start_frame,
        end_frame=end_frame,
        probabilities=probabilities,
        sample_frames=np.array(samples.frames, dtype=np.int64),
        features=np.array(samples.features, dtype=np.float16).reshape(-1, FEATURE_COUNT),
        defects=np.array(samples.defects, dtype=np.uint8),
        row_peaks=samples.peaks.rows,
        column_peaks=samples.peaks.columns,
        sound=sound.result(),
        jpegs=samples.jpegs.only(needed),
        missing_count=reading.missing_count,
    )


class _Reading:
    """Puts the samples aside while the detector takes its pictures one by one."""

    def __init__(self, samples: Samples, colour_order: str) -> None:
        self.samples = samples
        self.missing_count = 0
        self._colour_order = colour_order

    def pictures(self, batches: Iterator[Batch]) -> Iterator[NDArray[np.uint8]]:
        for batch in batches:
            self.take(batch)
            for picture in batch.pictures[0]:
                yield picture if self._colour_order == "rgb" else np.ascontiguousarray(picture[..., ::-1])

    def take(self, batch: Batch) -> None:
        self.samples.take(batch.frames[1], batch.pictures[1])
        self.missing_count = batch.missing_count


def _rendered(
    path: Source,
    index: FrameIndex,
    shape: FilmShape,
    frames: list[tuple[int, int]],
    renditions: tuple[Rendition, ...],
    decoding: Decoding,
    check: Callable[[], None],
    *,
    counted: tuple[int, int] | None = None,
    draft: bool = False,
) -> Generator[Batch, None, None]:
    return render_frames(
        path,
        index,
        frames,
        renditions,
        rotation_degrees=shape.rotation_degrees,
        counted=counted,
        draft=draft,
        decoder_threads=decoding.threads,
        limits=decoding.limits,
        process_limits=decoding.process_limits,
        check=check,
    )
