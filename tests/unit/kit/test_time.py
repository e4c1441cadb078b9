from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moodcut_kit.time import FrameTimes, round_half_up, standard_rate, ticks_floor, ticks_nearest

NTSC = Fraction(24000, 1001)
frame_times = st.builds(
    lambda base, first, steps: FrameTimes(
        Fraction(1, base), first + np.concatenate(([0], np.cumsum(steps, dtype=np.int64))).astype(np.int64)
    ),
    base=st.sampled_from([1000, 90_000, 12_800]),
    first=st.integers(-1000, 10**9),
    steps=st.lists(st.integers(1, 5000), min_size=1, max_size=50),
)


def test_rounding_is_what_its_name_says() -> None:
    assert [round_half_up(Fraction(n, 2)) for n in (-3, -1, 1, 3)] == [-1, 0, 1, 2]
    assert ticks_nearest(Fraction(1), NTSC) == 24
    assert ticks_floor(Fraction(1), NTSC) == 23


@pytest.mark.parametrize(
    ("measured", "expected"),
    [
        (Fraction("23.976"), NTSC),
        (Fraction("29.97"), Fraction(30000, 1001)),
        (Fraction(25), Fraction(25)),
        (Fraction("59.94"), Fraction(60000, 1001)),
        (Fraction("17.3333"), Fraction("17.333")),
    ],
)
def test_standard_rate(measured: Fraction, expected: Fraction) -> None:
    assert standard_rate(measured) == expected


@given(times=frame_times)
def test_runs_are_the_same_clock(times: FrameTimes) -> None:
    again = FrameTimes.from_runs(time_base=times.time_base, first_pts=int(times.boundaries_pts[0]), runs=times.runs())
    assert np.array_equal(again.boundaries_pts, times.boundaries_pts)


@given(times=frame_times, data=st.data())
def test_the_frame_shown_at_a_time_contains_it(times: FrameTimes, data: st.DataObject) -> None:
    frame = data.draw(st.integers(0, times.frame_count - 1))
    start, end = times.start_seconds(frame), times.start_seconds(frame + 1)
    assert times.frame_at(start) == frame
    assert times.frame_at((start + end) / 2) == frame
    assert times.boundary_nearest(start) == frame
    assert times.boundary_nearest(start + (end - start) * Fraction(2, 3)) == frame + 1


@given(times=frame_times)
def test_outside_the_film_is_its_first_or_last_frame(times: FrameTimes) -> None:
    assert times.frame_at(Fraction(-5)) == 0
    assert times.frame_at(times.duration_seconds + 5) == times.frame_count - 1


rates = st.sampled_from([NTSC, Fraction(10), Fraction(25), Fraction(60), Fraction("30.303")])


@given(times=frame_times, rate=rates, data=st.data())
def test_resampled_frames_are_those_a_player_shows(times: FrameTimes, rate: Fraction, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, times.frame_count - 1))
    shown = times.resampled(start_frame=start, frame_count=20, rate=rate)
    assert shown[0] == start
    assert np.all(np.diff(shown) >= 0)
    for index, frame in enumerate(shown.tolist()):
        seconds = times.start_seconds(start) + index / rate
        played = times.frame_at(seconds)
        if frame != played:
            early = times.start_seconds(frame) - seconds
            assert frame == played + 1
            assert 0 < early <= min(times.time_base, 1 / (2 * rate))
            assert early <= seconds - times.start_seconds(played)


@given(times=frame_times, rate=rates, data=st.data())
def test_resampled_count_is_what_resampling_gives_from_inside_the_range(
    times: FrameTimes, rate: Fraction, data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, times.frame_count - 1))
    end = data.draw(st.integers(start, times.frame_count - 1))
    count = times.resampled_count(start_frame=start, end_frame=end, rate=rate)
    shown = times.resampled(start_frame=start, frame_count=count + 1, rate=rate)
    assert count == int(np.count_nonzero(shown < end))
    # The film's end is where its last frame ends, as it would be if another one followed.
    longer = FrameTimes(times.time_base, np.append(times.boundaries_pts, times.boundaries_pts[-1] + 1000))
    film_end = times.frame_count
    to_end = times.resampled_count(start_frame=start, end_frame=film_end, rate=rate)
    assert to_end == longer.resampled_count(start_frame=start, end_frame=film_end, rate=rate)
    assert abs(to_end - (times.duration_seconds - times.start_seconds(start)) * rate) <= 1


@given(
    base=st.sampled_from([600, 1000, 12_800, 24_000, 30_000, 90_000, 10**6]),
    rate=st.sampled_from(
        [Fraction(24), NTSC, Fraction(25), Fraction(30000, 1001), Fraction(50), Fraction(60000, 1001)]
    ),
    rounding=st.sampled_from([math.floor, math.ceil, round, round_half_up]),
    phase=st.fractions(0, 1, max_denominator=1000),
    data=st.data(),
)
def test_constant_rate_stays_constant_however_its_time_stamps_are_rounded(
    base: int, rate: Fraction, rounding: Callable[[Fraction], int], phase: Fraction, data: st.DataObject
) -> None:
    pts = [rounding((index + phase) * base / rate) for index in range(301)]
    times = FrameTimes(Fraction(1, base), np.array(pts, dtype=np.int64))
    start = data.draw(st.integers(0, 299))
    end = data.draw(st.integers(start + 1, 300))
    shown = times.resampled(start_frame=start, frame_count=end - start, rate=rate)
    assert shown.tolist() == list(range(start, end))
    assert times.resampled_count(start_frame=start, end_frame=end, rate=rate) == end - start


def test_one_tick_a_frame_is_exact() -> None:
    times = FrameTimes.from_runs(time_base=Fraction(1, 25), first_pts=3, runs=[(1, 10), (12, 1), (1, 10)])
    shown = times.resampled(start_frame=5, frame_count=20, rate=Fraction(25))
    assert shown.tolist() == [5, 6, 7, 8, 9, *[10] * 12, 11, 12, 13]


def test_a_long_frame_is_shown_until_it_ends() -> None:
    times = FrameTimes.from_runs(time_base=Fraction(1, 1000), first_pts=0, runs=[(40, 10), (500, 1), (40, 10)])
    shown = times.resampled(start_frame=0, frame_count=24, rate=Fraction(25))
    assert shown.tolist() == [*range(10), *[10] * 13, 11]
    assert times.resampled_count(start_frame=0, end_frame=11, rate=Fraction(25)) == 23


@pytest.mark.parametrize("boundaries", [[0], [0, 0], [3, 2]])
def test_clocks_that_do_not_go_forward_are_refused(boundaries: list[int]) -> None:
    with pytest.raises(ValueError, match="boundaries_pts"):
        FrameTimes(Fraction(1), np.array(boundaries, dtype=np.int64))
