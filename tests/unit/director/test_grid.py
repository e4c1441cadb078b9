from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moodcut_director.errors import MusicTooShortError
from moodcut_director.grid import Grid, Music, Unit, make_grid
from moodcut_director.messages import music_from, selection_from
from moodcut_kit.v1 import media_pb2, montage_pb2

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


def test_without_rhythm_the_steps_are_100_ms_from_the_first_downbeat_to_the_end_of_the_sound() -> None:
    source = music(pickup_beats=1)
    grid = grid_of(source, unit=Unit.NONE, in_point_seconds=Fraction("0.25"))
    assert grid.boundaries_pts == tuple(range(1000, 9301, 100))
    short = grid_of(source, unit=Unit.NONE, keep_pickup=True, duration_seconds=Fraction("0.35"))
    assert short.boundaries_pts == (500, 600, 700, 800)
    assert grid_of(source, unit=Unit.NONE, in_point_seconds=Fraction("9.05")).boundaries_pts == (9050, 9150, 9250)


def test_without_rhythm_and_without_bars_the_steps_begin_at_the_in_point() -> None:
    source = Music(time_base=MS, duration_pts=1000, bars=[], beats=[], meter=4)
    assert grid_of(source, unit=Unit.NONE, in_point_seconds=Fraction("0.75")).boundaries_pts == (750, 850, 950)


def test_pickup_is_cut_unless_asked_for() -> None:
    source = music(pickup_beats=2)
    assert grid_of(source).boundaries_pts[0] == 1000
    assert grid_of(source, keep_pickup=True).boundaries_pts[:2] == (0, 1000)
    assert grid_of(source, keep_pickup=True, unit=Unit.BEAT).boundaries_pts[:3] == (0, 500, 1000)


def test_a_long_pickup_is_more_than_one_half_bar() -> None:
    source = music(first_ms=2000, pickup_beats=3)
    assert grid_of(source, keep_pickup=True, unit=Unit.HALF_BAR).boundaries_pts[:4] == (500, 1000, 2000, 3000)
    waltz = music(first_ms=2000, meter=3, pickup_beats=2)
    assert grid_of(waltz, keep_pickup=True, unit=Unit.HALF_BAR).boundaries_pts[:3] == (1000, 1250, 2000)


def test_a_pickup_is_never_longer_than_a_bar() -> None:
    source = music(first_ms=20_000, pickup_beats=30)
    assert grid_of(source, keep_pickup=True).boundaries_pts[:2] == (18_000, 20_000)


@pytest.mark.parametrize("unit", [Unit.BAR, Unit.HALF_BAR, Unit.BEAT])
def test_average_units_leave_the_pickup_alone(unit: Unit) -> None:
    grid = grid_of(music(pickup_beats=1), unit=unit, keep_pickup=True)
    assert grid.boundaries_pts[:2] == (500, 1000)
    assert grid.pickup_count == 1
    assert grid.unit_seconds == Fraction(2) / grid.units_per_bar
    for rate in (Fraction(24), Fraction(30000, 1001)):
        assert grid.boundary_ticks(rate, average=True) == grid.boundary_ticks(rate)
    alone = grid.shortened(1)
    assert alone.boundary_ticks(Fraction(24), average=True) == [0, 12]
    assert alone.unit_seconds == Fraction(1, 2)


def test_a_hole_between_bars_is_bridged_evenly_and_reported() -> None:
    bars = [(0, 2000), (2000, 4000), (10_100, 12_100), (12_100, 14_100)]
    beats = [pts for start, end in bars for pts in range(start, end, 500)]
    source = Music(time_base=MS, duration_pts=15_000, bars=bars, beats=beats, meter=4)
    grid = grid_of(source)
    assert grid.boundaries_pts == (0, 2000, 4000, 6033, 8067, 10_100, 12_100, 14_100)
    assert grid.warnings == ("no beats from 4.0 s to 10.1 s; bars there are steady",)
    assert grid.shortened(3).warnings == grid.warnings
    assert not grid.shortened(2).warnings
    assert grid_of(source, in_point_seconds=Fraction(5)).boundaries_pts[0] == 6033
    assert not grid_of(source, in_point_seconds=Fraction(9)).warnings
    halves = grid_of(source, unit=Unit.HALF_BAR).boundaries_pts
    assert halves[4:11] == (4000, 5017, 6033, 7050, 8067, 9084, 10_100)
    beat_grid = grid_of(source, unit=Unit.BEAT)
    assert beat_grid.boundaries_pts[8:13] == (4000, 4508, 5017, 5525, 6033)
    assert beat_grid.warnings == ("no beats from 4.0 s to 10.1 s; beats there are steady",)
    # There is an end to the last bar, but no beat.
    assert beat_grid.unit_count == 7 * 4


@given(
    lengths=st.lists(st.tuples(st.integers(1500, 2500), st.booleans()), min_size=2, max_size=20),
    unit=st.sampled_from([Unit.BAR, Unit.HALF_BAR, Unit.BEAT]),
    meter=st.integers(2, 7),
)
def test_bars_with_holes_fill_the_music_without_a_gap(lengths: list[tuple[int, bool]], unit: Unit, meter: int) -> None:
    bars, at = [], 0
    for length, hole_before in lengths:
        at += 5 * length if hole_before and bars else 0
        bars.append((at, at + length))
        at += length
    source = Music(time_base=MS, duration_pts=at, bars=bars, beats=[], meter=meter)
    grid = grid_of(source, unit=unit)
    assert (grid.boundaries_pts[0], grid.boundaries_pts[-1]) == (0, at)
    assert {pts for bar in bars for pts in bar} <= set(grid.boundaries_pts)
    holes = sum(left[1] < right[0] for left, right in pairwise(bars))
    assert len(grid.warnings) == holes
    if unit is Unit.BAR:
        # No bridging bar is further from the median than half a bar shared among those of its hole.
        assert all(900 <= after - before <= 3600 for before, after in pairwise(grid.boundaries_pts))


def test_half_bars_and_beats_go_on_after_the_last_complete_bar() -> None:
    beats = list(range(0, 3501, 500))
    source = Music(time_base=MS, duration_pts=3600, bars=[(0, 2000)], beats=beats, meter=4)
    assert grid_of(source).boundaries_pts == (0, 2000)
    assert grid_of(source, unit=Unit.BEAT).boundaries_pts == tuple(beats)
    assert grid_of(source, unit=Unit.HALF_BAR).boundaries_pts == (0, 1000, 2000, 3000)
    late = grid_of(source, unit=Unit.BEAT, in_point_seconds=Fraction("1.5"))
    assert late.boundaries_pts == (2000, 2500, 3000, 3500)
    waltz = Music(time_base=MS, duration_pts=2600, bars=[(0, 1500)], beats=list(range(0, 2501, 500)), meter=3)
    assert grid_of(waltz, unit=Unit.HALF_BAR).boundaries_pts == (0, 750, 1500, 2250)


def test_beats_after_the_last_bar_may_have_a_hole_but_stray_ones_do_not_count() -> None:
    bars, bar_beats = [(0, 2000), (2000, 4000)], list(range(0, 4001, 500))
    stray = Music(time_base=MS, duration_pts=20_000, bars=bars, beats=[*bar_beats, 4500, 9000, 9500], meter=4)
    assert grid_of(stray, unit=Unit.BEAT).boundaries_pts[-3:] == (4000, 4500, 5000)
    more = Music(time_base=MS, duration_pts=20_000, bars=bars, beats=[*bar_beats, 5600, 6100, 6600, 7100], meter=4)
    grid = grid_of(more, unit=Unit.BEAT)
    assert grid.boundaries_pts[-8:] == (4000, 4533, 5067, 5600, 6100, 6600, 7100, 7600)
    assert grid.warnings == ("no beats from 4.0 s to 5.6 s; beats there are steady",)


def test_an_extrapolated_end_and_a_beat_beside_it_are_one() -> None:
    source = Music(time_base=MS, duration_pts=3000, bars=[(0, 2000)], beats=[0, 500, 1000, 1500, 2030, 2500], meter=4)
    assert grid_of(source, unit=Unit.BEAT).boundaries_pts == (0, 500, 1000, 1500, 2000, 2500, 3000)


def test_beats_without_a_complete_bar_are_units() -> None:
    source = Music(time_base=MS, duration_pts=1800, bars=[], beats=[0, 500, 1000, 1500], meter=4)
    assert grid_of(source, unit=Unit.BEAT).boundaries_pts == (0, 500, 1000, 1500)
    assert grid_of(source, unit=Unit.HALF_BAR).boundaries_pts == (0, 1000)
    known = replace(source, downbeats=[500])
    assert grid_of(known, unit=Unit.BEAT).boundaries_pts == (500, 1000, 1500)
    assert grid_of(known, unit=Unit.BEAT, keep_pickup=True).boundaries_pts == (0, 500, 1000, 1500)
    with pytest.raises(MusicTooShortError, match="no complete bar"):
        grid_of(source)


def test_downbeats_come_from_the_places_of_the_beats() -> None:
    message = media_pb2.MusicAnalysis(time_base=media_pb2.Rational(num=1, den=1000), duration_pts=2000, meter=4)
    for index in range(4):
        message.beats.add(pts=500 * index, position=(index + 2) % 4 + 1)
    assert music_from(message).downbeats == [1000]


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


def test_the_last_unit_may_end_where_the_sound_still_lasts_but_no_beat_is() -> None:
    bars, beats = [(0, 2000)], [0, 500, 1000, 1500, 2000, 2500]

    def ends(duration_pts: int, unit: Unit) -> tuple[int, ...]:
        song = Music(time_base=MS, duration_pts=duration_pts, bars=bars, beats=beats, meter=4)
        return grid_of(song, unit=unit).boundaries_pts[-2:]

    assert ends(2999, Unit.BEAT) == (2000, 2500)
    assert ends(3000, Unit.BEAT) == (2500, 3000)
    assert ends(9000, Unit.BEAT) == (2500, 3000), "one unit is extrapolated, not more"
    assert ends(2999, Unit.HALF_BAR) == (1000, 2000)
    assert ends(3000, Unit.HALF_BAR) == (2000, 3000)
    bars, beats = [(0, 2000)], [0, 500, 1000, 1500]
    assert ends(9000, Unit.BEAT) == (1500, 2000), "the bar's own end is extrapolated already"
