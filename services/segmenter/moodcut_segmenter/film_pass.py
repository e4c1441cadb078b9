"""One decoding pass over a range of a film: pictures for the detector, samples for keyframes and scenes."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray
from PIL import Image

from moodcut_kit.media.frameindex import FrameIndex
from moodcut_kit.media.picture import PictureConverter, Scaling, upright
from moodcut_kit.media.video import VideoReader
from moodcut_segmenter.detectors import PictureFormat, ShotDetector, Span, TransitionProbabilities
from moodcut_segmenter.film_sound import film_sound
from moodcut_segmenter.keyframes import JPEG_QUALITY, keyframe_size, needed_samples, sample_stride
from moodcut_segmenter.picture_features import (
    FEATURE_COUNT,
    THUMBNAIL_HEIGHT,
    THUMBNAIL_WIDTH,
    darkness,
    picture_features,
)
from moodcut_segmenter.shots import find_transitions


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmShape:
    """The picture as shown, and how far a stored frame is turned counterclockwise for it."""

    width: int
    height: int
    rotation_degrees: int


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class RangeResult:
    """What one pass found in frames ``start_frame`` to ``end_frame``.

    ``sample_frames``: int64 [n]; ``features``: float16 [n, 410]; ``blank``: bool [n], nothing to be seen. ``sound``:
    float16 [windows, 48], the half seconds of sound that belong to the range. ``jpegs``: by frame, only those samples
    that may become keyframes. ``missing_count``: frames that could not be decoded, in whose place a neighbour was
    taken.
    """

    start_frame: int
    end_frame: int
    probabilities: TransitionProbabilities
    sample_frames: NDArray[np.int64]
    features: NDArray[np.float16]
    blank: NDArray[np.bool_]
    sound: NDArray[np.float16]
    jpegs: dict[int, bytes]
    missing_count: int


class Pictures:
    """Converts frames of one film to upright RGB pictures of one size."""

    def __init__(self, shape: FilmShape, width: int, height: int, scaling: Scaling = "area") -> None:
        turned = shape.rotation_degrees % 180 != 0
        self._rotation = shape.rotation_degrees
        self._converter = PictureConverter(
            width=height if turned else width, height=width if turned else height, scaling=scaling
        )

    def of(self, frame: VideoFrame) -> NDArray[np.uint8]:
        """uint8 [height, width, 3], RGB."""
        picture = self._converter.to_rgb(frame)
        return upright(picture, self._rotation) if self._rotation else picture


class KeyframeMaker:
    """Turns frames of one film into JPEG keyframes: short side 256, quality 90."""

    def __init__(self, shape: FilmShape) -> None:
        self._pictures = Pictures(shape, *keyframe_size(shape.width, shape.height))

    def jpeg(self, frame: VideoFrame) -> bytes:
        """The JPEG file's bytes."""
        target = io.BytesIO()
        Image.fromarray(self._pictures.of(frame)).save(target, format="JPEG", quality=JPEG_QUALITY)
        return target.getvalue()


def film_shape(reader: VideoReader) -> FilmShape:
    """The shape of the film behind ``reader``."""
    info = reader.info()
    return FilmShape(width=info.display_width, height=info.display_height, rotation_degrees=info.rotation_degrees)


def analyze_frames(
    path: Path,
    index: FrameIndex,
    shape: FilmShape,
    detector: ShotDetector,
    *,
    start_frame: int,
    end_frame: int,
    decoder_threads: int = 0,
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
    samples = _Samples(shape)
    with VideoReader(path, index, thread_count=decoder_threads) as reader:

        def pictures() -> Iterator[NDArray[np.uint8]]:
            wanted = _detector_pictures(shape, detector.picture)
            for number, frame in reader.frames(span.first_frame, span.last_frame_end):
                if number % stride == 0 and start_frame <= number < end_frame:
                    samples.take(number, frame)
                yield wanted(frame)

        probabilities = detector.detect(pictures(), span, check=check)
        missing = reader.missing
    transitions = find_transitions(probabilities.single, probabilities.many)
    needed = needed_samples(transitions, start_frame, end_frame, stride, film_frame_count=frame_count)
    return RangeResult(
        start_frame=start_frame,
        end_frame=end_frame,
        probabilities=probabilities,
        sample_frames=np.array(samples.frames, dtype=np.int64),
        features=np.array(samples.features, dtype=np.float16).reshape(-1, FEATURE_COUNT),
        blank=np.array(samples.blank, dtype=np.bool_),
        sound=film_sound(path, index.times, start_frame=start_frame, end_frame=end_frame, check=check),
        jpegs={frame: data for frame, data in samples.jpegs.items() if frame in needed},
        missing_count=missing,
    )


class _Samples:
    """Samples taken on the way."""

    def __init__(self, shape: FilmShape) -> None:
        self.frames: list[int] = []
        self.features: list[NDArray[np.float32]] = []
        self.blank: list[bool] = []
        self.jpegs: dict[int, bytes] = {}
        self._keyframes = KeyframeMaker(shape)
        self._thumbnails = Pictures(shape, THUMBNAIL_WIDTH, THUMBNAIL_HEIGHT)

    def take(self, number: int, frame: VideoFrame) -> None:
        thumbnail = self._thumbnails.of(frame)
        self.frames.append(number)
        self.features.append(picture_features(thumbnail))
        self.blank.append(darkness(thumbnail).is_blank)
        self.jpegs[number] = self._keyframes.jpeg(frame)


def _detector_pictures(shape: FilmShape, wanted: PictureFormat) -> Callable[[VideoFrame], NDArray[np.uint8]]:
    # The authors of TransNet V2 had FFmpeg scale with its default, bicubic.
    pictures = Pictures(shape, *wanted.size_for(shape.width, shape.height), scaling="bicubic")
    if wanted.colour_order == "rgb":
        return pictures.of
    return lambda frame: np.ascontiguousarray(pictures.of(frame)[..., ::-1])
