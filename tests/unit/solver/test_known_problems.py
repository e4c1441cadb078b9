"""Problems whose answers are known without a computer."""

from __future__ import annotations

import doctest
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import moodcut_solver as ms


def figure_three(*chosen: int) -> dict[str, Any]:
    """Scenes of 2, 6 and 3 shots, one bar each, of which only the first ``chosen`` of each scene may be taken."""
    sizes = (2, 6, 3)
    return {
        "scene_ids": [scene for scene, size in enumerate(sizes) for _ in range(size)],
        "score": np.ones(11),
        "bars": np.ones(11, int),
        "bar_count": sum(chosen),
        "excluded": [k >= chosen[scene] for scene, size in enumerate(sizes) for k in range(size)],
    }


@pytest.mark.parametrize("mode", list(ms.SoftMode))
def test_the_papers_figure_three(mode: ms.SoftMode) -> None:
    total = Fraction(1, 2) + Fraction(5, 6) + Fraction(2, 3)
    assert total == 2
    solution = ms.solve(**figure_three(1, 5, 2), scene_limit=ms.SoftSceneLimit(2, mode))
    assert solution.status is ms.Status.OPTIMAL
    assert len(solution.placements) == 8
    assert solution.soft_weight_sum == 2.0
    assert solution.soft_excess == 0.0
    denied = ms.solve(**figure_three(1, 6, 2), scene_limit=ms.SoftSceneLimit(2, mode))
    assert denied.status is ms.Status.INFEASIBLE
    assert denied.infeasibility is not None
    assert denied.infeasibility.smallest_max_scenes == 3
    assert ms.solve(**figure_three(1, 5, 2), scene_limit=ms.HardSceneLimit(2)).status is ms.Status.INFEASIBLE


def test_scaled_may_exceed_the_limit_and_says_by_how_much() -> None:
    fields = {
        "scene_ids": [0] * 7 + [1] * 7,
        "score": np.ones(14),
        "bars": np.ones(14, int),
        "bar_count": 8,
    }
    scaled = ms.solve(**fields, scene_limit=ms.SoftSceneLimit(1, ms.SoftMode.SCALED, 8))
    assert scaled.status is ms.Status.OPTIMAL
    assert scaled.soft_weight_sum == pytest.approx(8 / 7)
    assert scaled.soft_excess == pytest.approx(1 / 7)
    exact = ms.solve(**fields, scene_limit=ms.SoftSceneLimit(1))
    assert exact.status is ms.Status.INFEASIBLE


def test_a_shot_shorter_than_a_bar_cannot_be_chosen() -> None:
    solution = ms.solve(score=[9.0, 1.0], scene_ids=["a", "b"], bars=[0, 1], bar_count=1)
    assert [placement.shot_id for placement in solution.placements] == ["1"]


def test_scene_means_count_shots_that_cannot_be_chosen() -> None:
    solution = ms.solve(
        score=[1.0, 4.0, 7.0], scene_ids=["a", "a", "a"], bars=[1, 0, 1], excluded=[False, False, True], bar_count=1
    )
    assert solution.objective == pytest.approx(1.0 + 4.0)
    assert solution.placements[0].raw_score == 1.0


def test_real_boundaries_decide_what_fits() -> None:
    fields: dict[str, Any] = {"score": [1.0, 1.0], "scene_ids": ["a", "b"], "bar_boundary_ticks": [0, 10, 22, 31]}
    solution = ms.solve(**fields, duration_ticks=[12, 21])
    assert [(p.first_bar, p.bar_count) for p in solution.placements] == [(0, 1), (1, 2)]
    assert ms.solve(**fields, duration_ticks=[9, 31]).placements[0].bar_count == 3
    assert ms.solve(**fields, duration_ticks=[12, 20]).status is ms.Status.INFEASIBLE


def test_scores_per_bar_are_averaged_or_summed() -> None:
    fields: dict[str, Any] = {
        "bar_scores": [[1.0, 2.0, 6.0]],
        "scene_ids": ["a"],
        "bars": [3],
        "bar_count": 3,
        "add_scene_mean": False,
    }
    assert ms.solve(**fields).objective == pytest.approx(3.0)
    assert ms.solve(**fields, weighting=ms.Weighting.PER_BAR).objective == pytest.approx(9.0)
    assert ms.solve(**fields | {"add_scene_mean": True}).objective == pytest.approx(6.0)


def test_no_rhythm_is_a_grid_of_a_tenth_of_a_second() -> None:
    solution = ms.solve(
        score=[0.5, 0.9, 0.1],
        scene_ids=["a", "b", "c"],
        duration_seconds=[1.0, 0.7, 0.3],
        bar_duration_seconds=0.1,
        bar_count=10,
        add_scene_mean=False,
    )
    assert [(p.shot_index, p.bar_count) for p in solution.placements] == [(1, 7), (2, 3)]


def test_ties_go_to_more_bars_a_shot_then_to_earlier_shots() -> None:
    tie = ms.solve(score=[0.0] * 4, scene_ids=list("abcd"), bars=[1, 1, 2, 2], bar_count=2)
    assert [placement.shot_index for placement in tie.placements] == [2]
    flexible = ms.solve(
        score=[0.0] * 3, scene_ids=list("abc"), bars=[2, 2, 2], bar_count=3, length_mode=ms.LengthMode.FLEXIBLE
    )
    assert [(p.shot_index, p.bar_count) for p in flexible.placements] == [(0, 2), (1, 1)]


def test_soft_weights_of_scene_sizes_without_a_common_scale_stay_exact() -> None:
    sizes = [7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47]
    scene = [k for k, size in enumerate(sizes) for _ in range(size)]
    rng = np.random.default_rng(1)
    fields: dict[str, Any] = {
        "scene_ids": scene,
        "score": rng.random(len(scene)),
        "bars": np.ones(len(scene), int),
        "bar_count": 60,
    }
    solution = ms.solve(**fields, scene_limit=ms.SoftSceneLimit(2))
    assert solution.status is ms.Status.OPTIMAL
    assert solution.method is ms.Method.LABELS
    total = sum(Fraction(1, sizes[scene[p.shot_index]]) for p in solution.placements)
    assert total <= 2
    assert solution.soft_weight_sum == float(total)


def test_the_packages_example() -> None:
    assert doctest.testmod(ms) == (0, 4)


def test_a_caller_who_gives_up_stops_the_solver() -> None:
    with pytest.raises(ms.SolveCancelledError):
        ms.solve(score=[1.0], scene_ids=["a"], bars=[1], bar_count=1, should_stop=lambda: True)


@pytest.mark.parametrize("lightest", [-1.0, 0.0])
def test_a_soft_limit_that_is_met_by_a_hair_is_not_lost_to_rounding(lightest: float) -> None:
    # 30/103 + 126/251 + 33/163 + 1/233 is 1 + 1e-9: only the long shot keeps within the limit.
    parts = [(30, 103), (126, 251), (33, 163), (1, 233)]
    fields: dict[str, Any] = {
        "scene_ids": [*(k for k, (_, size) in enumerate(parts) for _ in range(size)), "solo"],
        "score": [*(float(i < good) for good, size in parts for i in range(size)), lightest],
        "bars": [*(int(i < good) for good, size in parts for i in range(size)), 190],
        "bar_count": 190,
        "add_scene_mean": False,
        "scene_limit": ms.SoftSceneLimit(1),
    }
    for count in (1, 3):
        solution = ms.solve(**fields, solution_count=count)
        assert solution.status is ms.Status.OPTIMAL
        assert solution.objective == lightest
        assert solution.alternatives == ()


@pytest.mark.parametrize("low", [-1e6, -1e9, -1e12])
@pytest.mark.parametrize("excluded", [False, True])
def test_one_score_that_means_never_does_not_blur_the_others(low: float, excluded: bool) -> None:
    rng = np.random.default_rng(4)
    score = rng.random(3000)
    fields: dict[str, Any] = {
        "scene_ids": [*(i // 10 for i in range(3000)), "never"],
        "score": np.append(score, low),
        "bars": [1] * 3001,
        "bar_count": 1000,
        "add_scene_mean": False,
        "excluded": np.arange(3001) == (3000 if excluded else -1),
    }
    solution = ms.solve(**fields, solution_count=2)
    assert solution.status is ms.Status.OPTIMAL
    best = np.sort(score)[::-1]
    assert solution.objective == pytest.approx(best[:1000].sum(), abs=1e-9)
    assert solution.alternatives[0].objective == pytest.approx(best[:999].sum() + best[1000], abs=1e-9)


def test_what_means_never_is_chosen_where_nothing_else_fits() -> None:
    fields: dict[str, Any] = {
        "scene_ids": ["a", "b", "c"],
        "score": [0.25, -1e12, 0.5],
        "bars": [1, 2, 1],
        "bar_count": 3,
        "add_scene_mean": False,
    }
    solution = ms.solve(**fields, solution_count=3, scene_limit=ms.HardSceneLimit(2))
    assert [p.shot_id for p in solution.placements] == ["1", "2"]
    assert [[p.shot_id for p in other.placements] for other in solution.alternatives] == [["0", "1"]]
    whole = ms.solve(**fields | {"bar_count": 2}, solution_count=3, scene_limit=ms.HardSceneLimit(2))
    assert [p.shot_id for p in whole.placements] == ["0", "2"]
    assert whole.objective == 0.75
    assert [other.objective for other in whole.alternatives] == [-1e12]
    assert {point.scene_count: point.objective for point in whole.scene_frontier} == {1: -1e12, 2: 0.75}


def test_scores_of_any_size_are_told_apart() -> None:
    for size in (1e-280, 1e-9, 1.0, 1e11):
        solution = ms.solve(score=[size, 3 * size, 2 * size], scene_ids=[0, 1, 2], bars=[1, 1, 1], bar_count=2)
        assert [p.shot_index for p in solution.placements] == [1, 2]
        assert solution.status is ms.Status.OPTIMAL


def test_out_of_time_there_is_a_selection_with_a_gap() -> None:
    rng = np.random.default_rng(6)
    fields: dict[str, Any] = {
        "scene_ids": np.repeat(np.arange(100), 10).tolist(),
        "score": rng.random(1000),
        "bars": rng.integers(0, 5, 1000),
        "bar_count": 60,
        "scene_limit": ms.SoftSceneLimit(2),
    }
    best = ms.solve(**fields)
    assert best.status is ms.Status.OPTIMAL
    hurried = ms.solve(**fields, time_limit_seconds=1e-6)
    assert hurried.status is ms.Status.FEASIBLE
    assert hurried.soft_excess == 0.0
    assert hurried.objective <= best.objective <= hurried.best_bound
    assert hurried.gap > 0
    assert ms.solve(**fields | {"scene_limit": ms.HardSceneLimit(2)}, time_limit_seconds=1e-6).status in (
        ms.Status.OPTIMAL,
        ms.Status.INFEASIBLE,
    )


def test_many_huge_scores_that_must_be_chosen_are_not_called_finer_than_they_are() -> None:
    rng = np.random.default_rng(9)
    bars = 2000
    solution = ms.solve(
        scene_ids=list(range(bars + 1)),
        score=np.append(-1e12 * (1 - rng.random(bars) / 1e6), 0.5),
        bars=[1] * (bars + 1),
        bar_count=bars,
        add_scene_mean=False,
    )
    assert solution.status in (ms.Status.OPTIMAL, ms.Status.FEASIBLE)
    assert solution.placements[-1].shot_id == str(bars)
    if solution.status is ms.Status.OPTIMAL:
        assert solution.best_bound == solution.objective
    else:
        assert solution.best_bound > solution.objective
