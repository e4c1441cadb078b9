"""What is noted of a film's samples on the way: features for the scenes, what is wrong with a picture, black bars, and
a JPEG that may become a keyframe."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from moodcut_kit.media.renditions import jpeg_bytes
from moodcut_segmenter.keyframes import JPEG_QUALITY
from moodcut_segmenter.letterbox import PictureArea, picture_area
from moodcut_segmenter.picture_defects import Defect, is_blurred, is_credits
from moodcut_segmenter.picture_features import THUMBNAIL_HEIGHT, THUMBNAIL_WIDTH, darkness, picture_features
from moodcut_segmenter.picture_store import PictureStore

Picture = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmShape:
    """The picture as shown, how far a stored frame is turned counterclockwise for it, and the part that is measured
    (None: all of it)."""

    width: int
    height: int
    rotation_degrees: int
    measured: PictureArea | None = None


def luma_of(picture: Picture) -> Picture:
    """Brightness of a picture uint8 [height, width, 3], RGB: uint8 [height, width]."""
    return np.asarray(Image.fromarray(picture).convert("L"))


class Peaks:
    """The brightest luma of every row and column over the pictures seen."""

    def __init__(self) -> None:
        self.rows: NDArray[np.uint8] = np.zeros(0, np.uint8)
        self.columns: NDArray[np.uint8] = np.zeros(0, np.uint8)

    def add(self, luma: Picture) -> None:
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


class Samples:
    """Samples of a range, taken on the way: ``frames``, and of each its ``features``, ``defects`` and JPEG."""

    def __init__(self, shape: FilmShape) -> None:
        self.frames: list[int] = []
        self.features: list[NDArray[np.float16]] = []
        self.defects: list[Defect] = []
        self.peaks = Peaks()
        self.jpegs = PictureStore()
        self._shape = shape

    def take(self, frames: Iterable[int], pictures: Iterable[Picture]) -> None:
        """Samples of a keyframe's size: uint8 [height, width, 3], RGB."""
        for frame, picture in zip(frames, pictures, strict=True):
            image, luma, box = Image.fromarray(picture), luma_of(picture), self._box(picture)
            small = image.resize((THUMBNAIL_WIDTH, THUMBNAIL_HEIGHT), Image.Resampling.BOX, box=box)
            thumbnail = np.asarray(small)
            left, top, right, bottom = box
            self.frames.append(frame)
            self.features.append(picture_features(thumbnail).astype(np.float16))
            self.defects.append(_defect(thumbnail, luma[top:bottom, left:right]))
            self.peaks.add(luma)
            self.jpegs.add([(frame, jpeg_bytes(picture, JPEG_QUALITY))])

    def _box(self, picture: Picture) -> tuple[int, int, int, int]:
        """Left, top, right and bottom of the part that is measured."""
        height, width = picture.shape[:2]
        if self._shape.measured is None:
            return 0, 0, width, height
        size = (self._shape.width, self._shape.height)
        area = self._shape.measured.scaled(from_size=size, to_size=(width, height))
        return area.left, area.top, area.left + area.width, area.top + area.height


def _defect(thumbnail: Picture, luma: Picture) -> Defect:
    if is_credits(luma):
        return Defect.CREDITS
    if darkness(thumbnail).is_blank:
        return Defect.BLANK
    return Defect.BLURRED if is_blurred(luma) else Defect.NONE
