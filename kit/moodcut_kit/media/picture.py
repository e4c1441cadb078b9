"""Decoded frames as RGB arrays, with the colours a player would show."""

from __future__ import annotations

from typing import Literal, TypeAlias, cast

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter
from numpy.typing import NDArray

Scaling: TypeAlias = Literal["area", "bilinear", "bicubic", "lanczos"]

_SCALINGS = {
    "area": Interpolation.AREA,
    "bilinear": Interpolation.BILINEAR,
    "bicubic": Interpolation.BICUBIC,
    "lanczos": Interpolation.LANCZOS,
}
# A frame names its matrix by ITU-T H.273 (table 4); swscale has names of its own.
_MATRICES = {
    1: Colorspace.ITU709,
    4: Colorspace.FCC,
    5: Colorspace.ITU601,
    6: Colorspace.ITU601,
    7: Colorspace.SMPTE240M,
    9: Colorspace.BT2020,
    10: Colorspace.BT2020,
}
_HIGH_DEFINITION = (1280, 577)
_DRAFT_FORMATS = ("yuv420p", "yuvj420p")
_DRAFT_STEP = 4


class PictureConverter:
    """Scales frames to ``width`` x ``height`` and converts them to RGB. Keep one per use: it remembers its tables.

    The frame's own matrix and range are respected. A frame that names no matrix is taken for BT.709 from 1280 pixels of
    width or 577 lines on, else for BT.601; one that names no range for limited range. Transfer curves are left as they
    are: no tone mapping. Not for several threads at once.

    ``draft``: frames at least eight times as wide and high are averaged to four times the size first, which spares
    a third to a half of the time and changes most values by one or two.
    """

    def __init__(self, *, width: int, height: int, scaling: Scaling = "area", draft: bool = False) -> None:
        if width < 1 or height < 1:
            raise ValueError(f"width and height must be at least 1, not {width} and {height}")
        self.width = width
        self.height = height
        self._interpolation = _SCALINGS[scaling] | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT
        self._reformatter = VideoReformatter()
        self._first_step = VideoReformatter() if draft else None

    def to_rgb(self, frame: VideoFrame) -> NDArray[np.uint8]:
        """uint8 [height, width, 3], red first, full range. Neither rotated nor cropped; aspect is the caller's."""
        converted = self._reformatter.reformat(
            self._reduced(frame),
            width=self.width,
            height=self.height,
            format="rgb24",
            src_colorspace=matrix_of(frame),
            src_color_range=ColorRange.JPEG if frame.color_range == ColorRange.JPEG else ColorRange.UNSPECIFIED,
            dst_color_range=ColorRange.JPEG,
            interpolation=self._interpolation,
            threads=1,
        )
        return cast("NDArray[np.uint8]", converted.to_ndarray())

    def _reduced(self, frame: VideoFrame) -> VideoFrame:
        """The frame, or a draft of it at four times the size wanted."""
        width, height = _DRAFT_STEP * self.width, _DRAFT_STEP * self.height
        large = frame.width >= 2 * width and frame.height >= 2 * height
        if self._first_step is None or not large or frame.format.name not in _DRAFT_FORMATS:
            return frame
        return self._first_step.reformat(frame, width=width, height=height, interpolation=Interpolation.AREA, threads=1)


def matrix_of(frame: VideoFrame) -> Colorspace:
    """swscale's name of the matrix between the frame's YUV and RGB."""
    named = _MATRICES.get(frame.colorspace)
    if named is not None:
        return named
    wide, high = _HIGH_DEFINITION
    return Colorspace.ITU709 if frame.width >= wide or frame.height >= high else Colorspace.ITU601


def upright(picture: NDArray[np.uint8], rotation_degrees: int) -> NDArray[np.uint8]:
    """Turn a picture [height, width, 3] counterclockwise by 0, 90, 180 or 270 degrees, as the film asks for."""
    if rotation_degrees % 90:
        raise ValueError(f"rotation_degrees must be a multiple of 90, not {rotation_degrees}")
    return np.ascontiguousarray(np.rot90(picture, rotation_degrees // 90))
