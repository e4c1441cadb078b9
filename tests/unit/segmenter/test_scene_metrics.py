"""Measures of scenes, against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moodcut_segmenter.scene_metrics import (
    average_precision,
    boundary_f1,
    coverage_overflow,
    f_coverage_overflow,
    mean_iou,
    recall_within,
)

Scenes = list[tuple[int, int]]


def _scenes(*ends: int) -> Scenes:
    return list(zip((0, *ends[:-1]), ends, strict=True))


@st.composite
def _two(draw: st.DrawFn) -> tuple[Scenes, Scenes, list[float]]:
    count = draw(st.integers(1, 25))
    cuts = st.sets(st.integers(1, max(1, count - 1))).map(lambda inner: sorted({*inner, count}))
    durations = draw(st.lists(st.floats(0.1, 30.0), min_size=count, max_size=count))
    return _scenes(*draw(cuts)), _scenes(*draw(cuts)), durations


def test_average_precision() -> None:
    labels = np.array([True, False, True, False])
    # Ranks 1 and 3 are right: (1/1 + 2/3) / 2.
    assert average_precision(np.array([0.9, 0.8, 0.7, 0.1]), labels) == pytest.approx((1 + 2 / 3) / 2)
    # One threshold takes all four: precision 1/2.
    assert average_precision(np.full(4, 0.3), labels) == pytest.approx(0.5)
    # 0.6 is shared by a right and a wrong one: half the recall at 1, half at 2/3.
    assert average_precision(np.array([0.9, 0.6, 0.6, 0.1]), labels) == pytest.approx((1 + 2 / 3) / 2)
    assert average_precision(np.array([0.9, 0.1, 0.8, 0.2]), labels) == 1.0
    with pytest.raises(ValueError, match="at least one boundary"):
        average_precision(np.array([0.5]), np.array([False]))
    with pytest.raises(ValueError, match="must be alike"):
        average_precision(np.array([0.5]), labels)


def test_boundaries_within_a_shot() -> None:
    true = _scenes(4, 8, 12)
    assert boundary_f1(_scenes(5, 7, 12), true) == 1.0
    assert boundary_f1(_scenes(5, 7, 12), true, tolerance_shots=0) == 0.0
    # 3 and 5 are both near 4, but only one can be it: 1 right of 2 found and 2 true.
    assert boundary_f1(_scenes(3, 5, 12), true) == pytest.approx(0.5)
    assert boundary_f1(_scenes(12), true) == 0.0
    assert boundary_f1(_scenes(12), _scenes(12)) == 1.0


def test_mean_iou() -> None:
    durations = np.array([1.0, 1.0, 2.0, 4.0])
    # Scenes of 2 and 6 s against one of 8 s: (1/4 + 3/4) / 2 over the true, 3/4 over the found.
    assert mean_iou(_scenes(4), _scenes(2, 4), durations) == pytest.approx((0.5 + 0.75) / 2)
    # 4 + 4 s against 2 + 6 s: 2/4 and 4/6 from either side.
    assert mean_iou(_scenes(3, 4), _scenes(2, 4), durations) == pytest.approx((0.5 + 4 / 6) / 2)


def test_recall_at_three_seconds() -> None:
    durations = np.array([2.0, 3.0, 1.0, 5.0, 4.0])
    true = _scenes(1, 4, 5)
    # Boundaries at 2 and 11 s. Found at 5 s: 3 s from the first, 6 from the second.
    assert recall_within(_scenes(2, 5), true, durations) == 0.5
    assert recall_within(_scenes(2, 5), true, durations, seconds=2.9) == 0.0
    assert recall_within(_scenes(5), true, durations) == 0.0
    assert recall_within(_scenes(2, 5), _scenes(5), durations) == 1.0


def test_coverage_and_overflow() -> None:
    true = _scenes(3, 7, 10)
    # Found 0-5, 5-10. Coverage: 3/3, 2/4, 3/3 weighted 3, 4, 3. Overflow: the first scene's piece reaches 2 of 4 shots
    # beyond; the second's pieces 3 + 3 of 6; the third's 2 of 4.
    coverage, overflow = coverage_overflow(_scenes(5, 10), true)
    assert coverage == pytest.approx((3 + 2 + 3) / 10)
    assert overflow == pytest.approx((0.5 * 3 + 1.0 * 4 + 0.5 * 3) / 10)
    assert f_coverage_overflow(_scenes(5, 10), true) == pytest.approx(2 * 0.8 * 0.3 / 1.1)
    # Pieces without overflow.
    assert coverage_overflow(_scenes(1, 3, 7, 10), true) == (pytest.approx((2 + 4 + 3) / 10), 0.0)
    # One scene reaches 7 beyond a neighbour of 4: no more than all of it counts.
    assert coverage_overflow(_scenes(10), true) == (1.0, 1.0)
    assert f_coverage_overflow(_scenes(10), true) == 0.0


@pytest.mark.parametrize("scenes", [[], [(0, 2)], [(0, 2), (1, 3)], [(0, 0), (0, 3)]])
def test_scenes_that_do_not_tile_are_refused(scenes: Scenes) -> None:
    with pytest.raises(ValueError, match="do not tile 3 shots"):
        mean_iou(scenes, _scenes(3), np.ones(3))


@settings(deadline=None)
@given(_two())
def test_what_is_found_perfectly_scores_one(case: tuple[Scenes, Scenes, list[float]]) -> None:
    true, _, durations = case
    assert boundary_f1(true, true) == 1.0
    assert mean_iou(true, true, np.array(durations)) == pytest.approx(1.0)
    assert recall_within(true, true, np.array(durations)) == 1.0
    assert f_coverage_overflow(true, true) == 1.0


@settings(deadline=None)
@given(_two())
def test_measures_lie_between_nought_and_one(case: tuple[Scenes, Scenes, list[float]]) -> None:
    found, true, durations = case
    seconds = np.array(durations)
    values = [
        boundary_f1(found, true),
        mean_iou(found, true, seconds),
        recall_within(found, true, seconds),
        f_coverage_overflow(found, true),
        *coverage_overflow(found, true),
    ]
    assert all(0.0 <= value <= 1.0 + 1e-9 for value in values)
    assert boundary_f1(true, found) == values[0]
    assert mean_iou(true, found, seconds) == pytest.approx(values[1])
