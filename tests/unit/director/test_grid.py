from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moodcut_director.errors import MusicTooShortError
from moodcut_director.grid import Grid, Music, Unit, make_grid
from moodcut_director.messages import selection_from
from moodcut_kit.v1 import montage_pb2

MS = Fraction(1, 1000)


def music(*, bars: int = 4, meter: int = 4, beat_ms: int = 500, first_ms: int = 1000, pickup_beats: int = 0) -> Music:
    first_beat = first_ms - pickup_beats * beat_ms
    beats = [first_beat + index * beat_ms for index in range(pickup_beats + bars * meter + 1)]
    starts = [first_ms + index * meter * beat_ms for index in range(bars + 1)]
    return Music(
        time_base=MS,
        duration_pts=beats[-1] + 300,
        bars=list(pairwise(starts)),
        beats=beats,
        meter=meter,
    )


def grid_of(source: Music, **options: object) -> Grid:
    chosen = {
        "unit": Unit.BAR,
        "in_point_seconds": Fraction(0),
        "duration_seconds": None,
        "keep_pickup": False,
    } | options
    return make_grid(source, **chosen)  # type: ignore[arg-type]


def test_bars_begin_at_the_first_downbeat() -> None:
    assert grid_of(music()).boundaries_pts == (1000, 3000, 5000, 7000, 9000)


def test_in_point_begins_at_the_next_downbeat() -> None:
    assert grid_of(music(), in_point_seconds=Fraction(1001, 1000)).boundaries_pts[0] == 3000
    assert grid_of(music(), in_point_seconds=Fraction(3)).boundaries_pts[0] == 3000


def test_duration_rounds_down_to_whole_units() -> None:
    assert grid_of(music(), duration_seconds=Fraction("5.99")).unit_count == 2
    assert grid_of(music(), duration_seconds=Fraction(6)).unit_count == 3
    assert grid_of(music(), unit=Unit.BEAT, duration_seconds=Fraction("5.99")).unit_count == 11


@given(
    first=st.integers(0, 10**7),
    bar=st.integers(20_000, 200_000),
    count=st.integers(1, 8),
    sample_rate=st.sampled_from([44_100, 48_000, 22_050]),
)
def test_times_copied_from_a_report_mean_the_boundaries_they_came_from(
    first: int, bar: int, count: int, sample_rate: int
) -> None:
    bars = [(first + index * bar, first + (index + 1) * bar) for index in range(10)]
    source = Music(time_base=Fraction(1, sample_rate), duration_pts=bars[-1][1], bars=bars, beats=[], meter=4)
    options = montage_pb2.MontageOptions(
        in_point_seconds=bars[1][0] / sample_rate,
        duration_seconds=bars[count][1] / sample_rate - bars[1][0] / sample_rate,
    )
    selection = selection_from(options)
    grid = grid_of(source, in_point_seconds=selection.in_point_seconds, duration_seconds=selection.duration_seconds)
    assert grid.boundaries_pts == tuple(first + index * bar for index in range(1, count + 2))


def test_a_tick_after_a_downbeat_is_after_it() -> None:
    bars = [(44_100 * index, 44_100 * (index + 1)) for index in range(4)]
    source = Music(time_base=Fraction(1, 44_100), duration_pts=180_000, bars=bars, beats=[], meter=4)
    assert grid_of(source, in_point_seconds=Fraction(44_101, 44_100)).boundaries_pts[0] == 88_200
    assert grid_of(source, duration_seconds=Fraction(88_199, 44_100)).unit_count == 1


def test_half_bars_fall_on_a_beat_where_there_is_one() -> None:
    assert grid_of(music(bars=1), unit=Unit.HALF_BAR).boundaries_pts == (1000, 2000, 3000)
    assert grid_of(music(bars=1, meter=3), unit=Unit.HALF_BAR).boundaries_pts == (1000, 1750, 2500)


def test_beats() -> None:
    grid = grid_of(music(bars=2, meter=3), unit=Unit.BEAT)
    assert grid.boundaries_pts == (1000, 1500, 2000, 2500, 3000, 3500, 4000)
    assert grid.units_per_bar == 3


def test_without_rhythm_the_steps_are_100_ms_from_the_in_point() -> None:
    grid = grid_of(music(bars=1), unit=Unit.NONE, in_point_seconds=Fraction("0.25"), duration_seconds=Fraction("0.35"))
    assert grid.boundaries_pts == (250, 350, 450, 550)


def test_pickup_is_cut_unless_asked_for() -> None:
    source = music(pickup_beats=2)
    assert grid_of(source).boundaries_pts[0] == 1000
    assert grid_of(source, keep_pickup=True).boundaries_pts[:2] == (0, 1000)
    assert grid_of(source, keep_pickup=True, unit=Unit.BEAT).boundaries_pts[:3] == (0, 500, 1000)


def test_bars_after_a_gap_are_left_out() -> None:
    source = Music(time_base=MS, duration_pts=9000, bars=[(0, 1000), (1000, 2000), (5000, 6000)], beats=[], meter=4)
    assert grid_of(source).boundaries_pts == (0, 1000, 2000)


@pytest.mark.parametrize(
    "options",
    [{"in_point_seconds": Fraction(100)}, {"duration_seconds": Fraction("1.9")}],
    ids=["in-point", "duration"],
)
def test_no_complete_unit_says_what_to_do(options: dict[str, Fraction]) -> None:
    with pytest.raises(MusicTooShortError, match=r"no complete bar .* Ask for"):
        grid_of(music(), **options)


@given(
    beat_ms=st.integers(250, 1200),
    meter=st.integers(2, 7),
    bars=st.integers(1, 30),
    rate=st.sampled_from([Fraction(25), Fraction(24000, 1001), Fraction(60)]),
    unit=st.sampled_from([Unit.BAR, Unit.HALF_BAR, Unit.BEAT]),
    average=st.booleans(),
)
def test_ticks_are_the_nearest_frames_and_never_drift(
    beat_ms: int, meter: int, bars: int, rate: Fraction, unit: Unit, average: bool
) -> None:
    grid = grid_of(music(bars=bars, meter=meter, beat_ms=beat_ms), unit=unit)
    ticks = grid.boundary_ticks(rate, average=average)
    assert ticks[0] == 0
    assert all(after > before for before, after in pairwise(ticks))
    for tick, pts in zip(ticks, grid.boundaries_pts, strict=True):
        # Steady music: the average boundary is the real one, but for a millisecond's rounding of odd half bars.
        slack = Fraction(1, 1000) if average else 0
        assert abs(tick / rate - (pts - grid.boundaries_pts[0]) * MS) <= Fraction(1, 2) / rate + slack
