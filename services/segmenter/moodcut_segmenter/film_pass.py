"""One decoding pass over a range of a film: pictures for the detector, samples for keyframes and scenes."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray
from PIL import Image

from moodcut_kit.media.frameindex import FrameIndex
from moodcut_kit.media.picture import PictureConverter, Scaling, upright
from moodcut_kit.media.video import VideoReader
from moodcut_segmenter.detectors import PictureFormat, ShotDetector, Span, TransitionProbabilities
from moodcut_segmenter.keyframes import JPEG_QUALITY, keyframe_size, needed_samples, sample_stride
from moodcut_segmenter.letterbox import PictureArea, picture_area
from moodcut_segmenter.picture_defects import Defect, is_blurred, is_credits
from moodcut_segmenter.picture_features import (
    FEATURE_COUNT,
    THUMBNAIL_HEIGHT,
    THUMBNAIL_WIDTH,
    darkness,
    picture_features,
)
from moodcut_segmenter.shots import find_transitions

# Looked at before the film is analysed, to leave black bars out of what is measured: so many keyframes, if there are.
_GLANCE_COUNT = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmShape:
    """The picture as shown, how far a stored frame is turned counterclockwise for it, and the part that is measured
    (None: all of it)."""

    width: int
    height: int
    rotation_degrees: int
    measured: PictureArea | None = None


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class RangeResult:
    """What one pass found in frames ``start_frame`` to ``end_frame``.

    ``sample_frames``: int64 [n]; ``features``: float16 [n, 410]; ``defects``: uint8 [n], values of
    :class:`~moodcut_segmenter.picture_defects.Defect`. ``row_peaks``, ``column_peaks``: the brightest luma over all
    samples, uint8 [height] and [width] of a keyframe. ``jpegs``: by frame, only those samples that may become
    keyframes. ``missing_count``: frames that could not be decoded, in whose place a neighbour was taken.
    """

    start_frame: int
    end_frame: int
    probabilities: TransitionProbabilities
    sample_frames: NDArray[np.int64]
    features: NDArray[np.float16]
    defects: NDArray[np.uint8]
    row_peaks: NDArray[np.uint8]
    column_peaks: NDArray[np.uint8]
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

    def picture(self, frame: VideoFrame) -> Image.Image:
        """The keyframe's picture, RGB."""
        return Image.fromarray(self._pictures.of(frame))

    def jpeg(self, frame: VideoFrame) -> bytes:
        """The JPEG file's bytes."""
        return jpeg_bytes(self.picture(frame))


def jpeg_bytes(picture: Image.Image) -> bytes:
    """A keyframe's picture as a JPEG file's bytes."""
    target = io.BytesIO()
    picture.save(target, format="JPEG", quality=JPEG_QUALITY)
    return target.getvalue()


def film_shape(reader: VideoReader) -> FilmShape:
    """The shape of the film behind ``reader``. Looks for black bars at a few keyframes, where there are as many."""
    info = reader.info()
    shape = FilmShape(width=info.display_width, height=info.display_height, rotation_degrees=info.rotation_degrees)
    keyframes = reader.index.keyframes
    if len(keyframes) < _GLANCE_COUNT:
        return shape
    maker, peaks, missing = KeyframeMaker(shape), Peaks(), reader.missing
    for number in keyframes[np.linspace(0, len(keyframes) - 1, _GLANCE_COUNT).astype(np.int64)]:
        for _, frame in reader.frames(int(number), int(number) + 1):
            peaks.add(luma_of(maker.picture(frame)))
    reader.missing = missing
    return replace(shape, measured=peaks.area(shape))


def luma_of(picture: Image.Image) -> NDArray[np.uint8]:
    """Brightness of a picture: uint8 [height, width]."""
    return np.asarray(picture.convert("L"))


class Peaks:
    """The brightest luma of every row and column over the pictures seen."""

    def __init__(self) -> None:
        self.rows: NDArray[np.uint8] = np.zeros(0, np.uint8)
        self.columns: NDArray[np.uint8] = np.zeros(0, np.uint8)

    def add(self, luma: NDArray[np.uint8]) -> None:
        """See another picture (uint8 [height, width]), always of the same size."""
        self.add_peaks(luma.max(axis=1), luma.max(axis=0))

    def add_peaks(self, rows: NDArray[np.uint8], columns: NDArray[np.uint8]) -> None:
        """See what another has seen."""
        self.rows = np.maximum(self.rows, rows) if len(self.rows) else rows
        self.columns = np.maximum(self.columns, columns) if len(self.columns) else columns

    def area(self, shape: FilmShape) -> PictureArea:
        """The film's picture without its black bars, in pixels as shown."""
        if not len(self.rows):
            return PictureArea(left=0, top=0, width=shape.width, height=shape.height)
        size = (len(self.columns), len(self.rows))
        return picture_area(self.rows, self.columns).scaled(from_size=size, to_size=(shape.width, shape.height))


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
    samples, missing = _Samples(shape), 0
    with VideoReader(path, index, thread_count=decoder_threads) as reader:

        def pictures() -> Iterator[NDArray[np.uint8]]:
            nonlocal missing
            before = 0
            wanted = _detector_pictures(shape, detector.picture)
            for number, frame in reader.frames(span.first_frame, span.last_frame_end):
                if number % stride == 0 and start_frame <= number < end_frame:
                    samples.take(number, frame)
                if start_frame <= number < end_frame:
                    missing += reader.missing - before  # What the context lacks, the neighbouring range reports.
                before = reader.missing
                yield wanted(frame)

        probabilities = detector.detect(pictures(), span, check=check)
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
        jpegs={frame: data for frame, data in samples.jpegs.items() if frame in needed},
        missing_count=missing,
    )


class _Samples:
    """Samples taken on the way."""

    def __init__(self, shape: FilmShape) -> None:
        self.frames: list[int] = []
        self.features: list[NDArray[np.float32]] = []
        self.defects: list[Defect] = []
        self.peaks = Peaks()
        self.jpegs: dict[int, bytes] = {}
        self._keyframes = KeyframeMaker(shape)
        size = keyframe_size(shape.width, shape.height)
        whole = PictureArea(left=0, top=0, width=shape.width, height=shape.height)
        self._area = (shape.measured or whole).scaled(from_size=(shape.width, shape.height), to_size=size)

    def take(self, number: int, frame: VideoFrame) -> None:
        picture, area = self._keyframes.picture(frame), self._area
        luma = luma_of(picture)
        box = (area.left, area.top, area.left + area.width, area.top + area.height)
        small = picture.resize((THUMBNAIL_WIDTH, THUMBNAIL_HEIGHT), Image.Resampling.BOX, box=box)
        thumbnail = np.asarray(small)
        self.frames.append(number)
        self.features.append(picture_features(thumbnail))
        self.defects.append(_defect(thumbnail, luma[box[1] : box[3], box[0] : box[2]]))
        self.peaks.add(luma)
        self.jpegs[number] = jpeg_bytes(picture)


def _defect(thumbnail: NDArray[np.uint8], luma: NDArray[np.uint8]) -> Defect:
    if is_credits(luma):
        return Defect.CREDITS
    if darkness(thumbnail).is_blank:
        return Defect.BLANK
    return Defect.BLURRED if is_blurred(luma) else Defect.NONE


def _detector_pictures(shape: FilmShape, wanted: PictureFormat) -> Callable[[VideoFrame], NDArray[np.uint8]]:
    # The authors of TransNet V2 had FFmpeg scale with its default, bicubic.
    pictures = Pictures(shape, *wanted.size_for(shape.width, shape.height), scaling="bicubic")
    if wanted.colour_order == "rgb":
        return pictures.of
    return lambda frame: np.ascontiguousarray(pictures.of(frame)[..., ::-1])
