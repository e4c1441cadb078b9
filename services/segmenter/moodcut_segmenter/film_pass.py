"""One decoding pass over a range of a film: pictures for the detector, samples for keyframes and scenes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from moodcut_kit.media.frameindex import FrameIndex
from moodcut_kit.media.limits import DEFAULT_PROCESS_LIMITS, ProcessLimits
from moodcut_kit.media.open import DEFAULT_LIMITS, MediaLimits
from moodcut_kit.media.renditions import Batch, Rendition, render_frames
from moodcut_kit.media.source import Source
from moodcut_kit.media.video import VideoInfo
from moodcut_segmenter.detectors import ShotDetector, Span, TransitionProbabilities
from moodcut_segmenter.keyframes import JPEG_QUALITY, keyframe_size, needed_samples, sample_stride
from moodcut_segmenter.picture_features import (
    FEATURE_COUNT,
    THUMBNAIL_HEIGHT,
    THUMBNAIL_WIDTH,
    darkness,
    picture_features,
)
from moodcut_segmenter.picture_store import PictureStore
from moodcut_segmenter.shots import find_transitions


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoding:
    """How a film is decoded: ``threads`` (0: every core), which ``limits`` it keeps, and those of the process that
    decodes it (None: this one does). The result does not depend on it."""

    threads: int = 0
    limits: MediaLimits = DEFAULT_LIMITS
    process_limits: ProcessLimits | None = DEFAULT_PROCESS_LIMITS


DEFAULT_DECODING = Decoding()


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmShape:
    """The picture as shown, and how far a stored frame is turned counterclockwise for it."""

    width: int
    height: int
    rotation_degrees: int


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class RangeResult:
    """What one pass found in frames ``start_frame`` to ``end_frame``.

    ``sample_frames``: int64 [n]; ``features``: float16 [n, 410]; ``blank``: bool [n], nothing to be seen. ``jpegs``: by
    frame, only those samples that may become keyframes. ``missing_count``: frames that could not be decoded, in whose
    place a neighbour was taken.
    """

    start_frame: int
    end_frame: int
    probabilities: TransitionProbabilities
    sample_frames: NDArray[np.int64]
    features: NDArray[np.float16]
    blank: NDArray[np.bool_]
    jpegs: Mapping[int, bytes]
    missing_count: int


def film_shape(info: VideoInfo) -> FilmShape:
    """The shape of a film with such frames."""
    return FilmShape(width=info.display_width, height=info.display_height, rotation_degrees=info.rotation_degrees)


def keyframe_rendition(shape: FilmShape) -> Rendition:
    """Frames of a film as JPEG keyframes: short side 256, quality 90."""
    width, height = keyframe_size(shape.width, shape.height)
    return Rendition(width=width, height=height, jpeg_quality=JPEG_QUALITY)


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
    samples = _Samples()
    sampled = replace(keyframe_rendition(shape), every=stride, start_frame=start_frame, end_frame=end_frame)
    # The authors of TransNet V2 had FFmpeg scale with its default, bicubic.
    width, height = detector.picture.size_for(shape.width, shape.height)
    renditions = (
        Rendition(width=width, height=height, scaling="bicubic"),
        replace(sampled, width=THUMBNAIL_WIDTH, height=THUMBNAIL_HEIGHT, jpeg_quality=0),
        sampled,
    )
    batches = render_frames(
        path,
        index,
        [(span.first_frame, span.last_frame_end)],
        renditions,
        rotation_degrees=shape.rotation_degrees,
        decoder_threads=decoding.threads,
        limits=decoding.limits,
        process_limits=decoding.process_limits,
        check=check,
    )
    with closing(batches):
        probabilities = detector.detect(_pictures(batches, samples, detector.picture.colour_order), span, check=check)
        # What the detector did not need may still hold samples.
        for batch in batches:
            samples.take(batch)
    transitions = find_transitions(probabilities.single, probabilities.many)
    needed = needed_samples(transitions, start_frame, end_frame, stride, film_frame_count=frame_count)
    return RangeResult(
        start_frame=start_frame,
        end_frame=end_frame,
        probabilities=probabilities,
        sample_frames=np.array(samples.frames, dtype=np.int64),
        features=np.array(samples.features, dtype=np.float16).reshape(-1, FEATURE_COUNT),
        blank=np.array(samples.blank, dtype=np.bool_),
        jpegs=samples.jpegs.only(needed),
        missing_count=samples.missing_count,
    )


class _Samples:
    """Samples taken on the way."""

    def __init__(self) -> None:
        self.frames: list[int] = []
        self.features: list[NDArray[np.float16]] = []
        self.blank: list[bool] = []
        self.jpegs = PictureStore()
        self.missing_count = 0

    def take(self, batch: Batch) -> None:
        _, frames, keyframes = batch.frames
        self.frames += frames
        for thumbnail in batch.pictures[1]:
            self.features.append(picture_features(thumbnail).astype(np.float16))
            self.blank.append(darkness(thumbnail).is_blank)
        self.jpegs.add(zip(keyframes, batch.jpegs[2], strict=True))
        self.missing_count = batch.missing_count


def _pictures(batches: Iterator[Batch], samples: _Samples, colour_order: str) -> Iterator[NDArray[np.uint8]]:
    """The detector's pictures, one by one, while the samples are put aside."""
    for batch in batches:
        samples.take(batch)
        for picture in batch.pictures[0]:
            yield picture if colour_order == "rgb" else np.ascontiguousarray(picture[..., ::-1])
