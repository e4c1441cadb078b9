"""Beats to bars."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moodcut_segmenter.bars import BeatTrack, bar_edges, bar_grid, count_positions, loudness_dbfs, steady_track

_RATE = 1000


def _track(pts: list[int], positions: list[int], meter: int = 4) -> BeatTrack:
    return BeatTrack(
        pts=np.array(pts, dtype=np.int64),
        positions=np.array(positions, dtype=np.int64),
        strength=np.full(len(pts), 0.8),
        meter=meter,
    )


def _regular(count: int, *, first: int, step: int, meter: int, pickup: int = 0) -> BeatTrack:
    return _track([first + step * i for i in range(count)], [(i - pickup) % meter + 1 for i in range(count)], meter)


def test_bars_go_from_downbeat_to_downbeat_and_the_last_is_extrapolated_if_the_sound_lasts() -> None:
    track = _regular(11, first=100, step=50, meter=4)
    assert bar_edges(track, 700) == [(100, 300), (300, 500), (500, 700)]
    assert bar_edges(track, 699) == [(100, 300), (300, 500)]
    assert bar_edges(track, 690, tolerance=10) == [(100, 300), (300, 500), (500, 690)]


def test_a_pickup_is_no_bar() -> None:
    sound = np.zeros(2000, np.float32)
    grid = bar_grid(_regular(14, first=20, step=100, meter=4, pickup=2), sound, sample_rate=_RATE)
    assert grid.pickup_pts == 20
    assert [(bar.start_pts, bar.end_pts) for bar in grid.bars] == [(220, 620), (620, 1020), (1020, 1420)]
    assert grid.meter == 4
    assert grid.bpm == pytest.approx(600)


def test_waltz() -> None:
    grid = bar_grid(_regular(9, first=0, step=400, meter=3), np.ones(9000, np.float32), sample_rate=_RATE)
    assert grid.meter == 3
    assert grid.bpm == pytest.approx(150)
    assert grid.bars[0].loudness_dbfs == pytest.approx(0.0)


def test_a_hole_in_the_beats_is_no_bar() -> None:
    track = _track([0, 100, 200, 300, 1000, 1100, 1200, 1300, 1400], [1, 2, 1, 2, 1, 2, 1, 2, 1], 2)
    assert bar_edges(track, 1450) == [(0, 200), (1000, 1200), (1200, 1400)]


def test_bars_of_other_lengths_are_bars() -> None:
    positions = [1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 3, 4, 1, 2, 1, 2, 3, 4]
    track = _track([500 * index for index in range(len(positions))], positions, 2)
    expected = [(0, 1000), (1000, 2000), (2000, 3000), (3000, 4000), (4000, 6000), (6000, 7000), (7000, 9000)]
    for given_by_user in (False, True):
        assert bar_edges(track, 9000, given=given_by_user) == expected
        assert bar_edges(track, 8999, given=given_by_user) == expected[:-1]


def test_given_downbeats_alone_are_bars_of_any_length() -> None:
    track = _track([0, 2000, 4000, 6000, 10_000, 12_000], [1] * 6, 1)
    expected = [(0, 2000), (2000, 4000), (4000, 6000), (6000, 10_000), (10_000, 12_000), (12_000, 14_000)]
    assert bar_edges(track, 14_000, given=True) == expected
    assert bar_grid(track, np.zeros(14_000, np.float32), sample_rate=_RATE, given=True).confidence == 1.0
    # A tracker's downbeats, each with no other beat found, have one missing there.
    assert bar_edges(track, 14_000) == [bar for bar in expected if bar != (6000, 10_000)]


def test_a_tempo_that_changes_at_once_leaves_no_hole() -> None:
    steps = [100] * 40 + [200] * 20
    pts = [0, *np.cumsum(steps).tolist()]
    edges = bar_edges(_track(pts, [index % 4 + 1 for index in range(61)]), 9000)
    assert edges[:15] == list(pairwise(pts[::4]))


def test_a_tracker_that_finds_no_downbeat_for_long_has_lost_the_bars() -> None:
    positions = [1, 2, 3, 4, *range(1, 14), 1, 2, 3, 4, 1]
    track = _track([100 * index for index in range(len(positions))], positions)
    assert bar_edges(track, 2150) == [(0, 400), (1700, 2100)]
    assert bar_edges(track, 2150, given=True) == [(0, 400), (400, 1700), (1700, 2100)]


def test_a_single_downbeat_is_extrapolated_from_the_beats() -> None:
    assert bar_edges(_track([100, 200, 300], [1, 2, 3], 3), 500) == [(100, 400)]
    assert bar_edges(_track([100], [1]), 500) == []


def test_no_beats_no_bars() -> None:
    grid = bar_grid(_track([], []), np.zeros(100, np.float32), sample_rate=_RATE)
    assert grid.bars == ()
    assert grid.bpm == 0.0
    assert grid.pickup_pts is None


def test_confidence_falls_with_irregular_beats() -> None:
    sound = np.zeros(3000, np.float32)
    rng = np.random.default_rng(0)
    ragged = np.cumsum(rng.integers(40, 200, 20))
    steady = bar_grid(_regular(20, first=0, step=100, meter=4), sound, sample_rate=_RATE)
    uneven = bar_grid(_track(list(ragged), [i % 4 + 1 for i in range(20)]), sound, sample_rate=_RATE)
    assert steady.confidence == pytest.approx(0.8)
    assert uneven.confidence < 0.2


def test_tempo_is_finer_than_the_trackers_grid() -> None:
    exact = [round(i * 60_000 / 171 / 10) * 10 for i in range(60)]
    grid = bar_grid(_track(exact, [i % 4 + 1 for i in range(60)]), np.zeros(30_000, np.float32), sample_rate=_RATE)
    assert grid.bpm == pytest.approx(171, abs=0.2)


def test_loudness() -> None:
    assert loudness_dbfs(np.full(100, 0.1, np.float32)) == pytest.approx(-20, abs=0.01)
    assert loudness_dbfs(np.zeros(100, np.float32)) == -100.0
    assert loudness_dbfs(np.zeros(0, np.float32)) == -100.0


@pytest.mark.parametrize(("pts", "positions"), [([0, 0], [1, 2]), ([0, 5], [0, 1]), ([0, 5], [1])])
def test_a_track_that_cannot_be_is_refused(pts: list[int], positions: list[int]) -> None:
    with pytest.raises(ValueError):
        _track(pts, positions)


def test_positions_are_counted_from_the_downbeats() -> None:
    marks = np.array([0, 0, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 1, 0], dtype=bool)
    positions, meter = count_positions(marks)
    assert meter == 4
    assert positions.tolist() == [3, 4, 1, 2, 3, 4, 1, 2, 1, 2, 3, 4, 1, 2]
    assert count_positions(np.zeros(5, dtype=bool))[0].tolist() == [1, 2, 3, 4, 1]


@given(
    steps=st.lists(st.integers(1, 90), min_size=1, max_size=60),
    meter=st.integers(1, 6),
    pickup=st.integers(0, 5),
    extra=st.integers(0, 400),
)
def test_bars_are_complete_ordered_and_inside_the_sound(steps: list[int], meter: int, pickup: int, extra: int) -> None:
    pts = list(np.cumsum(steps))
    positions = [(i - pickup) % meter + 1 for i in range(len(pts))]
    duration = int(pts[-1]) + extra
    edges = bar_edges(_track(pts, positions, meter), duration)
    downbeats = {int(at) for at, place in zip(pts, positions, strict=True) if place == 1}
    assert all(start in downbeats and start < end <= duration for start, end in edges)
    assert all(end in downbeats for _, end in edges[:-1])
    assert all(a[1] <= b[0] for a, b in pairwise(edges))


def test_a_steady_track_has_bars_of_two_seconds() -> None:
    track = steady_track(9 * _RATE, sample_rate=_RATE, bpm=120)
    assert bar_edges(track, 9 * _RATE) == [(0, 2000), (2000, 4000), (4000, 6000), (6000, 8000)]
