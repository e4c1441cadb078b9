"""CP-SAT and the recursion find the same; and the check catches answers that are wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.solver_brute_force import enumerate_selections, preference
from support.solver_problems import OPTIONS, random_fields, some_options

import moodcut_solver as ms
from moodcut_solver import fallback, groups
from moodcut_solver.checking import check_model, cross_check, violations
from moodcut_solver.scene_wise_model import SceneWiseModel
from moodcut_solver.solution import Step


def test_cp_sat_agrees_on_small_problems() -> None:
    seen = set()
    for seed in range(250):
        rng = np.random.default_rng([31, seed])
        solution = ms.solve(**random_fields(rng, options=some_options(rng)), cross_check=True)
        assert solution.cross_check is not None
        assert solution.cross_check.verdict is ms.Verdict.AGREE
        assert solution.cross_check.violations == ()
        seen.add(solution.status)
    assert seen == {ms.Status.OPTIMAL, ms.Status.INFEASIBLE}


LIMITS = {
    "none": None,
    "hard": ms.HardSceneLimit(3),
    "soft": ms.SoftSceneLimit(3),
    "scaled": ms.SoftSceneLimit(3, ms.SoftMode.SCALED),
}


@pytest.mark.parametrize("limit", LIMITS)
def test_cp_sat_proves_the_same_optimum_on_larger_problems(limit: str) -> None:
    proven = 0
    for seed in range(90):
        rng = np.random.default_rng([32, seed])
        n = int(rng.integers(20, 151))
        solution = ms.solve(
            scene_ids=np.cumsum(rng.random(n) < 0.2).tolist(),
            score=rng.normal(size=n),
            bars=rng.integers(0, 5, n),
            bar_count=int(rng.integers(5, 40)),
            weighting=list(ms.Weighting)[seed % 2],
            length_mode=list(ms.LengthMode)[seed // 2 % 2],
            scene_limit=LIMITS[limit],
            cross_check=True,
        )
        checked = solution.cross_check
        assert checked is not None
        assert checked.model is ms.Model.SCENE_WISE
        assert checked.verdict is not ms.Verdict.DISAGREE
        if checked.verdict is ms.Verdict.AGREE and solution.status is ms.Status.OPTIMAL:
            assert checked.objective == pytest.approx(solution.objective, abs=n / 1e6)
            proven += 1
    assert proven >= 80


def test_scenes_have_values_only_where_position_does_not_matter_and_nothing_ties_shots() -> None:
    seen = set()
    for seed in range(200):
        rng = np.random.default_rng([35, seed])
        problem = ms.build_problem(**random_fields(rng, options=some_options(rng)))
        groups = problem.group[(problem.group >= 0) & ~problem.excluded].tolist()
        own = not problem.position_matters and len(set(groups)) == len(groups)
        assert isinstance(check_model(problem), SceneWiseModel) is own
        seen.add(own)
    assert seen == {True, False}


def test_violations_are_exactly_what_brute_force_forbids() -> None:
    for seed in range(200):
        rng = np.random.default_rng([33, seed])
        fields = random_fields(rng, options=OPTIONS[2:] if seed % 2 else ())
        problem = ms.build_problem(**fields)
        everything = {found.steps for found in enumerate_selections(fields)}
        for found in list(everything)[:20]:
            assert violations(problem, [Step(*step) for step in found]) == []
        relaxed = {name: fields[name] for name in fields if name in _CORE}
        for found_anyway in enumerate_selections(relaxed)[:50]:
            steps = [Step(*step) for step in found_anyway.steps]
            assert (violations(problem, steps) == []) == (found_anyway.steps in everything)


_CORE = {
    "scene_ids",
    "score",
    "bars",
    "bar_count",
    "add_scene_mean",
    "weighting",
    "length_mode",
    "min_bars",
    "max_bars",
}


def test_wrong_answers_are_caught() -> None:
    fields: dict[str, Any] = {
        "scene_ids": ["a", "b", "c"],
        "score": [1.0, 2.0, 3.0],
        "bars": [1, 1, 1],
        "bar_count": 2,
        "add_scene_mean": False,
    }
    problem = ms.build_problem(**fields)
    worse = [Step(0, 0, 1), Step(1, 1, 1)]
    checked = cross_check(problem, worse, 3.0, time_limit_seconds=5)
    assert checked.verdict is ms.Verdict.DISAGREE
    assert checked.objective == pytest.approx(5.0)
    assert checked.violations == ()
    checked = cross_check(problem, worse, 5.0, time_limit_seconds=5)
    assert checked.verdict is ms.Verdict.DISAGREE
    assert checked.violations == ("the scores sum to 3, not 5",)
    broken = [Step(1, 0, 1), Step(0, 1, 1)]
    checked = cross_check(problem, broken, 3.0, time_limit_seconds=5)
    assert checked.verdict is ms.Verdict.DISAGREE
    assert checked.violations == ("shot '0' is out of film order",)
    checked = cross_check(problem, None, 0.0, time_limit_seconds=5)
    assert checked.verdict is ms.Verdict.DISAGREE


def test_groups_beyond_the_recursion_go_to_cp_sat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "MOST_OPEN_BITS", 0)
    solved = 0
    for seed in range(300):
        rng = np.random.default_rng([34, seed])
        fields = random_fields(rng, options=("groups", *some_options(rng)))
        everything = enumerate_selections(fields)
        solution = ms.solve(**fields)
        if not everything:
            assert solution.status is ms.Status.INFEASIBLE
            continue
        expected = sorted(everything, key=preference)[: 1 + seed % 4]
        solution = ms.solve(**fields, solution_count=1 + seed % 4)
        assert solution.status is ms.Status.OPTIMAL
        found = [solution.placements, *(other.placements for other in solution.alternatives)]
        steps = [tuple((p.shot_index, p.first_bar, p.bar_count) for p in placements) for placements in found]
        assert steps == [each.steps for each in expected]
        solved += solution.method is ms.Method.CP_SAT
    assert solved >= 20


def test_many_groups_that_overlap() -> None:
    n = 60
    fields: dict[str, Any] = {
        "scene_ids": [0] * n,
        "score": [1.0 - k / 1000 for k in range(n // 2)] * 2,
        "bars": [1] * n,
        "bar_count": n // 2,
        "duplicate_group": [str(k % (n // 2)) for k in range(n)],
    }
    solution = ms.solve(**fields)
    assert solution.method is ms.Method.CP_SAT
    assert solution.status is ms.Status.OPTIMAL
    assert len({p.shot_index % (n // 2) for p in solution.placements}) == n // 2
    assert [p.shot_index for p in solution.placements] == list(range(n // 2))
    several = ms.solve(**fields, solution_count=3)
    assert several.status is ms.Status.OPTIMAL
    assert several.placements == solution.placements
    assert [other.objective for other in several.alternatives] == pytest.approx([solution.objective] * 2)
    assert len({other.placements for other in several.alternatives} | {several.placements}) == 3


def test_cp_sat_without_an_answer_in_time_is_unknown() -> None:
    rng = np.random.default_rng(2)
    n = 3000
    problem = ms.build_problem(
        scene_ids=np.repeat(np.arange(300), 10).tolist(),
        score=rng.random(n),
        duration_ticks=rng.integers(10, 60, n),
        bar_boundary_ticks=np.arange(0, 151 * 9, 9),
        length_mode=ms.LengthMode.FLEXIBLE,
    )
    assert fallback.solve_with_cp_sat(problem, 0.1).status is ms.Status.UNKNOWN


def test_tiny_scores_are_told_apart() -> None:
    problem = ms.build_problem(scene_ids=[0, 1, 2], score=[1e-9, 2e-9, 3e-9], bars=[1, 1, 1], bar_count=1)
    worse, best = [Step(1, 0, 1)], [Step(2, 0, 1)]
    assert cross_check(problem, worse, 4e-9, time_limit_seconds=5).verdict is ms.Verdict.DISAGREE
    assert cross_check(problem, best, 6e-9, time_limit_seconds=5).verdict is ms.Verdict.AGREE


def test_building_the_model_counts_for_the_time_and_stops_when_the_caller_goes() -> None:
    fields: dict[str, Any] = {
        "scene_ids": [0] * 3000,
        "score": np.arange(3000.0),
        "bars": [1] * 3000,
        "bar_count": 500,
        "scene_limit": ms.SoftSceneLimit(1),
    }
    solution = ms.solve(**fields, cross_check=True, time_limit_seconds=0.2)
    assert solution.cross_check is not None
    assert solution.cross_check.verdict is ms.Verdict.NOT_PROVEN
    assert solution.cross_check.solve_seconds < 2.0
    with pytest.raises(ms.SolveCancelledError):
        cross_check(ms.build_problem(**fields), None, 0.0, time_limit_seconds=60, should_stop=lambda: True)
