"""Which samples become keyframes."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moodcut_segmenter.keyframes import keyframe_size, keyframes_of, needed_samples, pack_layout, sample_stride
from moodcut_segmenter.ranges import plan_ranges
from moodcut_segmenter.shots import ShotSpan, find_shots, find_transitions


def _shot(start: int, end: int) -> ShotSpan:
    return ShotSpan(start, end, start, end)


@pytest.mark.parametrize(
    ("shot", "frames"),
    [(_shot(0, 60), [12, 30, 48]), (_shot(1, 5), [3]), (_shot(1, 8), [6]), (ShotSpan(0, 90, 20, 50), [24, 36, 42])],
)
def test_samples_nearest_to_the_targets(shot: ShotSpan, frames: list[int]) -> None:
    assert keyframes_of(shot, 6) == frames


@given(start=st.integers(0, 500), length=st.integers(1, 400), stride=st.integers(1, 20))
def test_keyframes_lie_in_the_usable_part(start: int, length: int, stride: int) -> None:
    shot = ShotSpan(max(0, start - 3), start + length + 2, start, start + length)
    frames = keyframes_of(shot, stride)
    assert 1 <= len(frames) <= 3
    assert all(start <= frame < start + length for frame in frames)
    if len(frames) > 1:
        assert all(frame % stride == 0 for frame in frames)
        targets = (start + length // 6, start + length // 2, start + length * 5 // 6)
        for target in targets:
            assert min(abs(frame - target) for frame in frames) <= stride - 1


@settings(max_examples=300)
@given(data=st.data(), frame_count=st.integers(1, 420), stride=st.integers(1, 9), range_frames=st.integers(50, 200))
def test_ranges_keep_every_sample_that_becomes_a_keyframe(
    data: st.DataObject, frame_count: int, stride: int, range_frames: int
) -> None:
    single, many = np.zeros(frame_count, np.float32), np.zeros(frame_count, np.float32)
    edges = st.integers(0, frame_count - 1)
    for start in data.draw(st.lists(edges, max_size=12)):
        single[start : start + data.draw(st.integers(1, 4))] = 0.9
    for start in data.draw(st.lists(edges, max_size=8)):
        many[start : start + data.draw(st.integers(1, 60))] = 0.9
    wanted = {frame for shot in find_shots(single, many) for frame in keyframes_of(shot, stride) if not frame % stride}
    kept: set[int] = set()
    for start, end in plan_ranges(frame_count, alignment_frames=50, range_frames=range_frames):
        found = find_transitions(single[start:end], many[start:end])
        part = needed_samples(found, start, end, stride, film_frame_count=frame_count)
        assert all(start <= frame < end and frame % stride == 0 for frame in part - wanted)
        kept |= part
    assert wanted <= kept


def test_inside_a_range_only_keyframes_are_kept() -> None:
    single = np.zeros(1000, np.float32)
    single[[199, 399, 599, 799]] = 1.0
    found = find_transitions(single, single)
    kept = needed_samples(found, 1000, 2000, 5, film_frame_count=9000)
    inner = {frame for frame in kept if 1200 <= frame < 1800}
    assert len(inner) == 9
    assert {frame for frame in kept if frame < 1200} == set(range(1000, 1200, 5))


@pytest.mark.parametrize(
    ("size", "expected"),
    [((1920, 1080), (455, 256)), ((640, 360), (455, 256)), ((360, 640), (256, 455)), ((9, 9), (256, 256))],
)
def test_the_short_side_is_256(size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert keyframe_size(*size) == expected


def test_about_four_samples_a_second() -> None:
    assert [sample_stride(Fraction(rate)) for rate in (1, 24, 25, 60)] == [1, 6, 6, 15]


def test_the_pack_has_no_gaps() -> None:
    entries = pack_layout([(0, 10, 5), (0, 20, 7), (1, 40, 3)])
    assert [(entry.offset, entry.byte_count) for entry in entries] == [(0, 5), (5, 7), (12, 3)]


@given(frame_count=st.integers(1, 100_000), alignment=st.sampled_from([0, 1, 50]), length=st.integers(50, 9000))
def test_ranges_tile_the_film_on_the_alignment(frame_count: int, alignment: int, length: int) -> None:
    ranges = plan_ranges(frame_count, alignment_frames=alignment, range_frames=length)
    assert ranges[0][0] == 0
    assert ranges[-1][1] == frame_count
    assert all(a[1] == b[0] for a, b in itertools.pairwise(ranges))
    assert all(start < end for start, end in ranges)
    if alignment:
        assert all(start % alignment == 0 for start, _ in ranges)
        assert max(end - start for start, end in ranges) <= length + alignment
    else:
        assert len(ranges) == 1


@given(
    frame_count=st.integers(1, 40_000),
    length=st.integers(50, 9000),
    keyframes=st.lists(st.integers(1, 40_000), max_size=60),
)
def test_ranges_begin_soon_after_a_keyframe(frame_count: int, length: int, keyframes: list[int]) -> None:
    known = np.array(sorted({0, *(each for each in keyframes if each < frame_count)}), dtype=np.int64)
    plain = plan_ranges(frame_count, alignment_frames=50, range_frames=length)
    ranges = plan_ranges(frame_count, alignment_frames=50, context_frames=25, range_frames=length, keyframes=known)
    assert [start for start, _ in ranges[1:]] == [end for _, end in ranges[:-1]]
    assert (ranges[0][0], ranges[-1][1]) == (0, frame_count)
    assert all(start < end and start % 50 == 0 for start, end in ranges)
    longest = length if len(known) >= len(plain) else 3 * length
    assert max(end - start for start, end in ranges) <= 1.25 * (longest + 50)
    if len(ranges) != len(plain):
        assert len(ranges) < len(plain)
        return

    def wasted(start: int) -> int:
        return start - 25 - int(known[known <= start - 25].max())

    for (start, _), (nominal, _) in zip(ranges[1:], plain[1:], strict=False):
        assert abs(start - nominal) <= max(end - begin for begin, end in plain) // 8
        assert wasted(start) <= wasted(nominal)


def test_a_film_that_cannot_be_sought_in_is_divided_into_few_ranges() -> None:
    nowhere = np.empty(0, dtype=np.int64)
    assert len(plan_ranges(16_000, alignment_frames=50)) == 16
    assert len(plan_ranges(16_000, alignment_frames=50, keyframes=nowhere)) == 4
    once = np.zeros(1, dtype=np.int64)
    assert len(plan_ranges(180_000, alignment_frames=50, keyframes=once)) == 40


def test_films_have_enough_ranges_for_several_segmenters() -> None:
    counts = [len(plan_ranges(frames, alignment_frames=50)) for frames in (900, 2500, 15_000, 40_000, 172_800)]
    assert counts == [1, 3, 15, 27, 116]
