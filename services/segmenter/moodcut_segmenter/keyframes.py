"""Which frames stand for a shot, and the pack they are stored in. Pure.

While a film is read, every few frames a sample is kept as JPEG. A shot's keyframes are the samples nearest to 1/6, 1/2
and 5/6 of its usable part; a shot so short that no sample lies in it gives its middle frame, which is decoded by
itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from moodcut_segmenter.shots import (
    HARD_CUT_FRAMES,
    ShotSpan,
    Transition,
    keyframe_targets,
    shots_from_transitions,
)

SHORT_SIDE = 256
JPEG_QUALITY = 90
_SAMPLES_PER_SECOND = 4


@dataclass(frozen=True, slots=True)
class PackEntry:
    """One keyframe in the pack: the shot's index, the frame, and where its JPEG bytes lie."""

    shot: int
    frame: int
    offset: int
    byte_count: int


def sample_stride(frame_rate: Fraction) -> int:
    """Frames from one sample to the next: about four samples a second. Samples lie on multiples of it."""
    return max(1, round(frame_rate / _SAMPLES_PER_SECOND))


def keyframe_size(width: int, height: int) -> tuple[int, int]:
    """(width, height) of a keyframe of a film of this size: short side 256, aspect kept."""
    if width >= height:
        return max(1, round(width * SHORT_SIDE / height)), SHORT_SIDE
    return SHORT_SIDE, max(1, round(height * SHORT_SIDE / width))


def keyframes_of(shot: ShotSpan, stride: int) -> list[int]:
    """One to three frames of a shot, increasing: samples nearest to the targets, or else its middle frame.

    Of two samples equally near the earlier one is taken.
    """
    start, end = shot.keyframe_range()
    first, last = -(-start // stride), (end - 1) // stride
    targets = keyframe_targets(shot)
    if first > last:
        return [targets[1]]
    return sorted({min(max((target + (stride - 1) // 2) // stride, first), last) * stride for target in targets})


def needed_samples(
    transitions: Sequence[Transition], start_frame: int, end_frame: int, stride: int, *, film_frame_count: int
) -> set[int]:
    """Samples of a range that may become keyframes, when only the range is known.

    ``transitions`` are those of the range alone, numbered from its start. One that keeps clear of the range's ends is
    the same in the whole film, so of shots between such only the keyframes are needed; of what lies outside them, every
    sample. The film's own ends are certain.
    """
    length = end_frame - start_frame
    at_start, at_end = start_frame == 0, end_frame == film_frame_count
    cuts = [
        each.cut_frame
        for each in transitions
        if 0 < each.cut_frame < length
        and (at_start or min(each.start_frame, each.cut_frame) > HARD_CUT_FRAMES)
        and (at_end or max(each.end_frame, each.cut_frame) < length - HARD_CUT_FRAMES)
    ]
    low = 0 if at_start else min(cuts, default=length)
    high = length if at_end else max(cuts, default=0)
    if low >= high:
        return _samples(start_frame, end_frame, stride)
    needed = _samples(start_frame, start_frame + low, stride) | _samples(start_frame + high, end_frame, stride)
    for shot in shots_from_transitions(transitions, length):
        if low <= shot.start_frame and shot.end_frame <= high:
            frames = keyframes_of(shot.moved(start_frame), stride)
            needed.update(frame for frame in frames if frame % stride == 0)
    return needed


def pack_layout(frames: Iterable[tuple[int, int, int]]) -> list[PackEntry]:
    """Entries of (shot, frame, byte count) laid one after the other."""
    entries, offset = [], 0
    for shot, frame, byte_count in frames:
        entries.append(PackEntry(shot, frame, offset, byte_count))
        offset += byte_count
    return entries


def _samples(start_frame: int, end_frame: int, stride: int) -> set[int]:
    return set(range(-(-start_frame // stride) * stride, end_frame, stride))
