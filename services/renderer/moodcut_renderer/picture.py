"""Film frames as the output shows them: upright, square pixels, even size, 8-bit 4:2:0."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter
from numpy.typing import NDArray

from moodcut_kit.media.picture import matrix_of
from moodcut_kit.media.video import VideoInfo

_PASS_THROUGH = frozenset({"yuv420p"})
_SCALING = (
    Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT | Interpolation.FULL_CHR_H_INP
)
# Codes of ITU-T H.273 for matrices as swscale names them, and the primaries and transfer that usually go with them.
_MATRIX_CODES = {
    Colorspace.ITU709: 1,
    Colorspace.FCC: 4,
    Colorspace.ITU601: 6,
    Colorspace.SMPTE240M: 7,
    Colorspace.BT2020: 9,
}
_USUAL = {1: (1, 1), 4: (4, 4), 6: (6, 6), 7: (7, 7), 9: (9, 1)}
_UNSPECIFIED = (0, 2, 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class ColourTags:
    """How the output's colours are to be understood: codes of ITU-T H.273. The range is always limited."""

    matrix: int
    primaries: int
    transfer: int


def colour_tags(frame: VideoFrame) -> ColourTags:
    """Tags of the output: those of the film's frame, and what is usual for its matrix where it names none."""
    matrix = _MATRIX_CODES[matrix_of(frame)]
    primaries, transfer = _USUAL[matrix]
    named_primaries, named_transfer = int(frame.color_primaries), int(frame.color_trc)
    return ColourTags(
        matrix=matrix,
        primaries=primaries if named_primaries in _UNSPECIFIED else named_primaries,
        transfer=transfer if named_transfer in _UNSPECIFIED else named_transfer,
    )


class FrameShaper:
    """Turns decoded frames into the bytes the encoder reads. Keep one per film; not for several threads at once.

    ``width`` and ``height`` are those of the output: the film's display size, rounded down to even numbers. A film of
    odd size loses a row or a column rather than sharpness; one of other than square pixels is scaled once.
    """

    def __init__(self, info: VideoInfo) -> None:
        self._turns = info.rotation_degrees // 90
        display = (info.display_width, info.display_height)
        self.width, self.height = (max(2, each - each % 2) for each in display)
        stored = (self.width, self.height) if self._turns % 2 == 0 else (self.height, self.width)
        self._size = stored
        self._crops = info.pixel_aspect_ratio == 1 and (info.width, info.height) != stored
        self._reformatter = VideoReformatter()

    def to_bytes(self, frame: VideoFrame) -> bytes:
        """Planes Y, U, V one after the other, as ffmpeg's raw yuv420p."""
        if self._crops and abs(frame.width - self._size[0]) <= 1 and abs(frame.height - self._size[1]) <= 1:
            frame = self._cropped(frame)
        limited = frame.color_range != ColorRange.JPEG
        if (frame.width, frame.height) != self._size or frame.format.name not in _PASS_THROUGH or not limited:
            frame = self._converted(frame, self._size, "yuv420p")
        planes = np.asarray(frame.to_ndarray(), dtype=np.uint8)
        if self._turns:
            return self._turned(planes)
        return planes.tobytes()

    def _converted(self, frame: VideoFrame, size: tuple[int, int], pixel_format: str) -> VideoFrame:
        matrix = matrix_of(frame)
        full = frame.color_range == ColorRange.JPEG
        return self._reformatter.reformat(
            frame,
            width=size[0],
            height=size[1],
            format=pixel_format,
            src_colorspace=matrix,
            dst_colorspace=matrix,
            src_color_range=ColorRange.JPEG if full else ColorRange.UNSPECIFIED,
            dst_color_range=ColorRange.MPEG,
            interpolation=_SCALING,
            threads=1,
        )

    def _cropped(self, frame: VideoFrame) -> VideoFrame:
        """The frame without its last row or column, as 4:4:4, whose planes can be cut anywhere."""
        width, height = self._size
        whole = self._converted(frame, (frame.width, frame.height), "yuv444p").to_ndarray()
        planes = np.asarray(whole, dtype=np.uint8)
        cut = VideoFrame.from_ndarray(np.ascontiguousarray(planes[:, :height, :width]), format="yuv444p")
        cut.colorspace, cut.color_range = frame.colorspace, ColorRange.MPEG
        return cut

    def _turned(self, planes: NDArray[np.uint8]) -> bytes:
        width, height = self._size
        flat = planes.reshape(-1)
        count = width * height
        luma = flat[:count].reshape(height, width)
        chroma = flat[count:].reshape(2, height // 2, width // 2)
        parts = (luma, chroma[0], chroma[1])
        return b"".join(np.ascontiguousarray(np.rot90(part, self._turns)).tobytes() for part in parts)
