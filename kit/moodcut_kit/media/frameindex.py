"""When each frame of a film is shown and where decoding can begin: from the packets alone, if they can be trusted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice, pairwise

import av.error
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from moodcut_kit.media.errors import MediaLimitError, MediaWithoutPictureError
from moodcut_kit.media.open import (
    DEFAULT_LIMITS,
    MediaLimits,
    container_format,
    last_words,
    open_container,
    translated,
    video_stream,
)
from moodcut_kit.media.source import Source
from moodcut_kit.time import FrameTimes

_PROBE_FRAME_COUNT = 48
_MAX_LEADING_COUNT = 64
_FALLBACK_RATE = Fraction(25)
# Raw streams have no clock: FFmpeg makes one up, and seeking in them is by guess.
_WITHOUT_CLOCK = frozenset({"mpegvideo"})


@dataclass(frozen=True, slots=True)
class FrameIndex:
    """A film's frames, numbered from 0 in presentation order.

    ``keyframes``: int64, increasing: the frames from which decoding can begin, 0 the first of them. Empty if the
    file's time stamps cannot be trusted: then frames are numbered in the order in which they come out of the
    decoder from the start of the file, and ``times`` is a clock of the nominal rate.
    """

    times: FrameTimes
    keyframes: NDArray[np.int64]

    def keyframe_before(self, frame: int) -> int:
        """The last keyframe at or before ``frame``; 0 if none is known."""
        at = int(np.searchsorted(self.keyframes, frame, side="right")) - 1
        return int(self.keyframes[at]) if at >= 0 else 0


@dataclass(frozen=True, slots=True)
class PacketTimes:
    """What the container says of one packet, in ticks of the stream's time base."""

    pts: int | None
    dts: int | None
    duration: int
    is_keyframe: bool


def read_frame_index(path: Source, *, limits: MediaLimits = DEFAULT_LIMITS) -> FrameIndex:
    """Read when each frame of the film ``path`` is shown.

    Reads the packets without decoding them and checks them against the first few decoded frames. If they disagree, or
    time stamps are missing or out of order, the whole film is decoded instead, which takes minutes for a long film.

    Raises MediaWithoutPictureError (no film, or no frame decodes), MediaLimitError, MediaUnreadableError and what
    :func:`~moodcut_kit.media.open.open_container` raises.
    """
    if container_format(path, limits=limits) in _WITHOUT_CLOCK:
        return _counted_index(path, limits)
    with open_container(path, limits=limits) as container, translated(path):
        stream = video_stream(path, container, limits=limits)
        time_base = _time_base(stream)
        packets = _read_packets(path, container, stream, limits)
        end_pts = _stated_end(container, stream)
    index = index_from_packets(packets, time_base=time_base, end_pts=end_pts)
    if index is None:
        return _counted_index(path, limits)
    with open_container(path, limits=limits) as container, translated(path):
        decoded = [frame.pts for frame in islice(decoded_frames(path, container, limits), _PROBE_FRAME_COUNT)]
    agreed = without_leading(index, decoded)
    if agreed is None:
        agreed = _decoded_index(path, limits, index)
    if agreed.times.duration_seconds > limits.max_duration_seconds:
        message = f"{path} lasts over {limits.max_duration_seconds} s, the most accepted."
        raise MediaLimitError(message, file=path, max=limits.max_duration_seconds)
    return agreed


def index_from_packets(
    packets: Sequence[PacketTimes], *, time_base: Fraction, end_pts: int | None = None
) -> FrameIndex | None:
    """The index that packets in decoding order give, or None if their time stamps cannot be trusted. Pure.

    Trusted are time stamps that are all there, with decoding times that never run backwards. Of frames shown at the
    same time one remains. The last frame ends at ``end_pts`` if that is credible, else it lasts as its packet says,
    else as long as the median frame.
    """
    known = [packet for packet in packets if packet.pts is not None]
    dts = [packet.dts for packet in packets if packet.dts is not None]
    if not known or len(known) < len(packets) or any(after < before for before, after in pairwise(dts)):
        return None
    pts = np.array([packet.pts for packet in known], dtype=np.int64)
    starts, first_of = np.unique(pts, return_index=True)
    last = known[int(first_of[-1])]
    steps = np.diff(starts)
    usual = int(np.median(steps)) if len(steps) else 0
    longest = 2 * max(usual, last.duration, 1)
    if end_pts is not None and 0 < end_pts - int(starts[-1]) <= longest:
        end = end_pts
    else:
        end = int(starts[-1]) + (last.duration or usual or max(1, round(1 / (_FALLBACK_RATE * time_base))))
    is_key = np.array([packet.is_keyframe for packet in known], dtype=bool)
    keyframes = np.union1d([0], np.searchsorted(starts, pts[is_key])).astype(np.int64)
    return FrameIndex(FrameTimes(time_base, np.append(starts, end)), keyframes)


def without_leading(index: FrameIndex, decoded_pts: Sequence[int | None]) -> FrameIndex | None:
    """``index`` without the frames at the start that no decoder can give, or None if it disagrees with the decoder.

    A recording that begins in the middle of a group of pictures has packets before its first decodable frame. Pure.
    """
    if not decoded_pts or decoded_pts[0] is None:
        return None
    bounds = index.times.boundaries_pts
    skip = int(np.searchsorted(bounds, decoded_pts[0]))
    count = len(decoded_pts)
    if skip > _MAX_LEADING_COUNT or skip + count >= len(bounds) or None in decoded_pts:
        return None
    if not np.array_equal(bounds[skip : skip + count], np.array(decoded_pts, dtype=np.int64)):
        return None
    if not skip:
        return index
    keyframes = np.union1d([0], index.keyframes[index.keyframes >= skip] - skip).astype(np.int64)
    return FrameIndex(FrameTimes(index.times.time_base, bounds[skip:]), keyframes)


def decoded_frames(path: Source, container: InputContainer, limits: MediaLimits) -> Iterator[VideoFrame]:
    """All frames from the container's present position, in the order the decoder gives them; broken packets left out.

    Raises MediaWithoutPictureError with FFmpeg's words if not one frame can be decoded.
    """
    stream = video_stream(path, container, limits=limits)
    stream.codec_context.thread_type = "AUTO"
    count, problem = 0, ""
    for packet in container.demux(stream):
        try:
            frames = packet.decode()
        except av.error.FFmpegError as error:
            problem = last_words(error)
            continue
        count += len(frames)
        yield from frames
    if not count:
        message = f"Not one picture of {path} can be decoded{f': {problem}' if problem else ''}."
        raise MediaWithoutPictureError(message, file=path)


def _read_packets(
    path: Source, container: InputContainer, stream: VideoStream, limits: MediaLimits
) -> list[PacketTimes]:
    packets = [
        PacketTimes(packet.pts, packet.dts, packet.duration or 0, packet.is_keyframe)
        for packet in container.demux(stream)
        if packet.size and not packet.is_discard
    ]
    if not packets:
        raise MediaWithoutPictureError(f"{path} has a video stream without a single picture.", file=path)
    return packets


def _decoded_index(path: Source, limits: MediaLimits, index: FrameIndex) -> FrameIndex:
    """Decode everything; keep the decoder's time stamps if they are in order, else count."""
    with open_container(path, limits=limits) as container, translated(path):
        found = [frame.pts for frame in decoded_frames(path, container, limits)]
    starts = np.array([pts for pts in found if pts is not None], dtype=np.int64)
    if len(starts) < len(found) or bool(np.any(np.diff(starts) <= 0)):
        return _counted_index(path, limits, frame_count=len(found))
    bounds = index.times.boundaries_pts
    ends = bounds[bounds > starts[-1]]
    end = int(ends[0]) if len(ends) else int(starts[-1]) + max(1, int(np.median(np.diff(starts))))
    shown = np.intersect1d(bounds[index.keyframes], starts)
    keyframes = np.union1d([0], np.searchsorted(starts, shown)).astype(np.int64)
    return FrameIndex(FrameTimes(index.times.time_base, np.append(starts, end)), keyframes)


def _counted_index(path: Source, limits: MediaLimits, frame_count: int | None = None) -> FrameIndex:
    """An index by counting what comes out of the decoder, on a clock of the stream's nominal rate."""
    with open_container(path, limits=limits) as container, translated(path):
        stream = video_stream(path, container, limits=limits)
        rate = stream.guessed_rate or stream.average_rate or _FALLBACK_RATE
        count = frame_count or sum(1 for _ in decoded_frames(path, container, limits))
    return FrameIndex(FrameTimes(1 / rate, np.arange(count + 1, dtype=np.int64)), np.empty(0, dtype=np.int64))


def _stated_end(container: InputContainer, stream: VideoStream) -> int | None:
    """Where the container says the film ends: only MP4/MOV knows; its packets last as in decoding order."""
    if stream.duration is None or stream.start_time is None or not container.format.name.startswith("mov"):
        return None
    return stream.start_time + stream.duration


def _time_base(stream: VideoStream) -> Fraction:
    if not stream.time_base:
        return 1 / _FALLBACK_RATE
    return stream.time_base
