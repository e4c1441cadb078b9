"""Read frames of a film by number: any range, exactly the frames a decoding of the whole film would give."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from types import TracebackType
from typing import Self

import av.error
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from moodcut_kit.media.errors import MediaUnreadableError
from moodcut_kit.media.frameindex import FrameIndex, read_frame_index
from moodcut_kit.media.open import DEFAULT_LIMITS, MediaLimits, open_container, translated, video_stream
from moodcut_kit.media.source import Source
from moodcut_kit.time import round_half_up


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoInfo:
    """A film's picture. ``width`` and ``height`` are those of the stored frames; the display's respect pixel aspect
    ratio and rotation. ``rotation_degrees`` is how far a stored frame is turned counterclockwise for display, in
    steps of 90 (0, 90, 180, 270).
    """

    width: int
    height: int
    display_width: int
    display_height: int
    rotation_degrees: int
    pixel_aspect_ratio: Fraction
    codec: str
    pixel_format: str


class VideoReader:
    """Frames of a film by number. Not for several threads at once; a context manager.

    ``index`` spares reading it again (:func:`~moodcut_kit.media.frameindex.read_frame_index`). ``missing`` counts the
    frames the decoder did not give, in whose place a neighbour was repeated. ``thread_count`` is the decoder's; 0
    takes one per core. Results do not depend on it. ``draft`` leaves out the deblocking of H.264 frames that no other
    frame is predicted from, a sixth of the work at 1080p: nothing to be seen once a picture is made much smaller.
    """

    def __init__(
        self,
        path: Source,
        index: FrameIndex | None = None,
        *,
        limits: MediaLimits = DEFAULT_LIMITS,
        thread_count: int = 0,
        draft: bool = False,
    ) -> None:
        self.path = path
        self.index = index if index is not None else read_frame_index(path, limits=limits)
        self.missing = 0
        self._limits = limits
        self._thread_count = thread_count
        self._draft = draft
        self._container: InputContainer | None = None
        self._fresh = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file. Reading again opens it again."""
        if self._container is not None:
            self._container.close()
            self._container = None

    def info(self) -> VideoInfo:
        """What the first frame looks like."""
        with open_container(self.path, limits=self._limits) as container:
            stream = video_stream(self.path, container, limits=self._limits)
            pixel_aspect_ratio, codec = stream.sample_aspect_ratio or Fraction(1), stream.codec_context.name
        missing = self.missing
        _, frame = next(self.frames(0, 1))
        self.missing = missing
        rotation = round(frame.rotation / 90) * 90 % 360
        shown = (max(1, round_half_up(frame.width * pixel_aspect_ratio)), frame.height)
        display_width, display_height = shown if rotation % 180 == 0 else shown[::-1]
        return VideoInfo(
            width=frame.width,
            height=frame.height,
            display_width=display_width,
            display_height=display_height,
            rotation_degrees=rotation,
            pixel_aspect_ratio=pixel_aspect_ratio,
            codec=codec,
            pixel_format=frame.format.name,
        )

    def frames(self, start_frame: int, end_frame: int) -> Iterator[tuple[int, VideoFrame]]:
        """Yield (frame number, frame) for each number in [start_frame, end_frame), none left out.

        Frames are as decoded: stored size, not rotated, with their colour information; convert them with
        :class:`~moodcut_kit.media.picture.PictureConverter`. Only one such iteration at a time. Raises ValueError for a
        range outside the film, MediaUnreadableError if nothing can be decoded there.
        """
        if not 0 <= start_frame <= end_frame <= self.index.times.frame_count:
            count = self.index.times.frame_count
            raise ValueError(f"frames [{start_frame}, {end_frame}) are not within the film's {count}")
        expected, neighbour = start_frame, None
        if expected == end_frame:
            return
        with translated(self.path):
            for number, frame in self._numbered_from(start_frame):
                while expected < min(number, end_frame):
                    self.missing += 1
                    yield expected, neighbour if neighbour is not None else frame
                    expected += 1
                if expected < end_frame and number == expected:
                    yield number, frame
                    expected += 1
                neighbour = frame
                if expected == end_frame:
                    return
        if neighbour is None:
            message = f"No picture can be decoded in frames {start_frame} to {end_frame} of {self.path}."
            raise MediaUnreadableError(message, file=self.path, start_frame=start_frame, end_frame=end_frame)
        for number in range(expected, end_frame):
            self.missing += 1
            yield number, neighbour

    def _numbered_from(self, start_frame: int) -> Iterator[tuple[int, VideoFrame]]:
        """Frames with their numbers, from some frame at or before ``start_frame``, or from the start of the file."""
        for keyframe in self._places_before(start_frame):
            numbered = self._numbered(keyframe)
            first = next(numbered, None)
            if keyframe == 0 or (first is not None and first[0] <= start_frame):
                return chain(() if first is None else (first,), numbered)
        raise AssertionError("the start of the file is always tried")

    def _places_before(self, frame: int) -> Iterator[int]:
        """Keyframes to try: the last one before ``frame``, then earlier ones in growing steps, at last 0.

        Seeking in some containers is by guess, and some streams need more than a keyframe to begin with.
        """
        keyframes = self.index.keyframes
        at, back = int(np.searchsorted(keyframes, frame, side="right")) - 1, 1
        while at > 0:
            yield int(keyframes[at])
            at, back = at - back, back * 4
        yield 0

    def _numbered(self, keyframe: int) -> Iterator[tuple[int, VideoFrame]]:
        if not len(self.index.keyframes):
            yield from enumerate(self._decoded(0))
            return
        bounds = self.index.times.boundaries_pts
        for frame in self._decoded(keyframe):
            if frame.pts is None:
                continue
            after = min(max(int(np.searchsorted(bounds, frame.pts)), 1), len(bounds) - 1)
            number = after if bounds[after] - frame.pts < frame.pts - bounds[after - 1] else after - 1
            # Where a container states few times the rest is counted on, and after a seek may be a tick or two off.
            if number < len(bounds) - 1 and abs(bounds[number] - frame.pts) * 4 <= bounds[number + 1] - bounds[number]:
                yield number, frame

    def _decoded(self, keyframe: int) -> Iterator[VideoFrame]:
        """Decode from ``keyframe``, or from wherever the container lands in seeking it, to the end."""
        container, stream = self._positioned(keyframe)
        waiting = keyframe > 0
        for packet in container.demux(stream):
            if waiting and packet.size and not packet.is_keyframe:
                continue
            waiting = False
            try:
                yield from packet.decode()
            except av.error.FFmpegError:
                continue

    def _positioned(self, keyframe: int) -> tuple[InputContainer, VideoStream]:
        if self._container is not None and keyframe == 0 and not self._fresh:
            self.close()
        if self._container is None:
            self._container = open_container(self.path, limits=self._limits)
            self._fresh = True
        stream = video_stream(self.path, self._container, limits=self._limits)
        if self._fresh:
            stream.codec_context.thread_count = self._thread_count
            stream.codec_context.thread_type = "AUTO"
            if self._draft:
                stream.codec_context.options = {"skip_loop_filter": "noref"}
        if keyframe > 0:
            self._container.seek(int(self.index.times.boundaries_pts[keyframe]), stream=stream, backward=True)
        self._fresh = False
        return self._container, stream
