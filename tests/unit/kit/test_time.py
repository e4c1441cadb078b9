from __future__ import annotations

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


@given(times=frame_times, rate=st.sampled_from([NTSC, Fraction(25), Fraction(60)]), data=st.data())
def test_resampled_frames_are_the_nearest(times: FrameTimes, rate: Fraction, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, times.frame_count - 1))
    shown = times.resampled(start_frame=start, frame_count=20, rate=rate)
    assert shown[0] == start
    assert np.all(np.diff(shown) >= 0)
    for index, frame in enumerate(shown):
        # Times are rounded to the film's ticks first, which may move a time by half a tick.
        seconds = times.start_seconds(start) + index / rate
        nearest = min(times.boundary_nearest(seconds), times.frame_count - 1)
        distance = abs(times.start_seconds(int(frame)) - seconds)
        assert distance <= abs(times.start_seconds(nearest) - seconds) + times.time_base


@pytest.mark.parametrize("boundaries", [[0], [0, 0], [3, 2]])
def test_clocks_that_do_not_go_forward_are_refused(boundaries: list[int]) -> None:
    with pytest.raises(ValueError, match="boundaries_pts"):
        FrameTimes(Fraction(1), np.array(boundaries, dtype=np.int64))
