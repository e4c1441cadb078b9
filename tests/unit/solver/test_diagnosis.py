"""What the solver says of problems without a selection, against brute force."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from support.solver_brute_force import enumerate_selections
from support.solver_problems import random_fields, some_options

import moodcut_solver as ms
from moodcut_solver import Constraint

REMOVED: dict[Constraint, str] = {
    Constraint.SCENE_LIMIT: "scene_limit",
    Constraint.PINNED: "pinned_first_bar",
    Constraint.REQUIRED: "required",
    Constraint.REQUIRED_SCENES: "required_scenes",
    Constraint.COVERAGE: "coverage",
    Constraint.DUPLICATE_GROUP: "duplicate_group",
    Constraint.EXCLUDED: "excluded",
}


def feasible(fields: dict[str, Any]) -> bool:
    return bool(enumerate_selections(fields))


def without(fields: dict[str, Any], *constraints: Constraint) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in {REMOVED[c] for c in constraints}}


def with_bars(fields: dict[str, Any], count: int) -> dict[str, Any]:
    changed = dict(fields)
    if "bar_boundary_ticks" in fields:
        changed["bar_boundary_ticks"] = fields["bar_boundary_ticks"][: count + 1]
    else:
        changed["bar_count"] = count
    if "bar_scores" in fields:
        changed["bar_scores"] = np.zeros((len(fields["scene_ids"]), count))
    return changed


def smallest_limit(fields: dict[str, Any]) -> int:
    limit = fields.get("scene_limit")
    if limit is None:
        return 0
    for most in range(1, len(fields["scene_ids"]) + 1):
        if feasible(fields | {"scene_limit": replace(limit, max_scenes=most)}):
            return most
    return 0


@pytest.mark.parametrize("block", range(4))
def test_against_brute_force(block: int) -> None:
    seen: set[Constraint] = set()
    for seed in range(block * 120, (block + 1) * 120):
        rng = np.random.default_rng([21, seed])
        fields = random_fields(rng, options=some_options(rng))
        solution = ms.solve(**fields)
        found = solution.infeasibility
        assert (found is None) == feasible(fields)
        if found is None:
            continue
        seen |= set(found.constraints_to_relax)
        grid = fields.get("bar_boundary_ticks")
        bar_count = fields["bar_count"] if grid is None else len(grid) - 1
        assert found.complete
        assert found.smallest_max_scenes == smallest_limit(fields)
        below = [count for count in range(1, bar_count) if feasible(with_bars(fields, count))]
        assert found.nearest_bar_count_below == (max(below) if below else 0)
        above = 0
        if grid is None:
            most = int(np.sum(fields["bars"]))
            above = next((n for n in range(bar_count + 1, most + 1) if feasible(with_bars(fields, n))), 0)
        assert found.nearest_bar_count_above == above
        check_relaxation(fields, found.constraints_to_relax)
        assert f"{bar_count} bars" in found.explanation
    assert len(seen) >= 4


def check_relaxation(fields: dict[str, Any], relax: tuple[Constraint, ...]) -> None:
    present = [constraint for constraint, name in REMOVED.items() if name in fields]
    alone = [constraint for constraint in present if feasible(without(fields, constraint))]
    if alone:
        assert relax == (alone[0],)
    elif relax == (Constraint.BAR_COUNT,):
        assert not feasible(without(fields, *present))
    else:
        assert len(relax) > 1
        assert feasible(without(fields, *relax))
        for kept in relax:
            assert not feasible(without(fields, *(constraint for constraint in relax if constraint is not kept)))


def test_a_large_problem_is_diagnosed_within_a_second() -> None:
    rng = np.random.default_rng(3)
    fields: dict[str, Any] = {
        "scene_ids": np.repeat(np.arange(300), 10).tolist(),
        "score": rng.normal(size=3000),
        "bars": rng.integers(1, 3, 3000),
        "bar_count": 150,
        "scene_limit": ms.HardSceneLimit(2),
    }
    ms.solve(**fields)
    solution = ms.solve(**fields)
    found = solution.infeasibility
    assert found is not None
    assert found.complete
    assert found.constraints_to_relax == (Constraint.SCENE_LIMIT,)
    per_scene = np.sort(np.sum(np.reshape(fields["bars"], (300, 10)), axis=1))[::-1]
    assert found.smallest_max_scenes == int(np.searchsorted(np.cumsum(per_scene), 150) + 1)
    assert found.nearest_bar_count_below == int(per_scene[:2].sum())
    assert found.nearest_bar_count_above == 0
    assert solution.solve_seconds < 1.0


def test_more_near_duplicates_at_once_than_can_be_watched() -> None:
    def diagnosed(pairs: int, bars: int) -> ms.Infeasibility:
        solution = ms.solve(
            scene_ids=[0] * (2 * pairs),
            score=[1.0] * (2 * pairs),
            bars=[1] * (2 * pairs),
            bar_count=bars,
            duplicate_group=[str(i % pairs) for i in range(2 * pairs)],
            scene_limit=ms.HardSceneLimit(1),
        )
        assert solution.status is ms.Status.INFEASIBLE
        assert solution.infeasibility is not None
        return solution.infeasibility

    watched = diagnosed(11, 12)
    assert watched.complete
    assert watched.constraints_to_relax == (Constraint.DUPLICATE_GROUP,)
    assert (watched.nearest_bar_count_below, watched.nearest_bar_count_above) == (11, 0)
    unwatched = diagnosed(14, 15)
    assert not unwatched.complete
    assert unwatched.constraints_to_relax == (Constraint.DUPLICATE_GROUP,)
    assert (unwatched.smallest_max_scenes, unwatched.nearest_bar_count_above) == (0, 0)


def test_a_diagnosis_too_large_to_make_is_incomplete_and_no_error() -> None:
    n = 3000
    solution = ms.solve(
        scene_ids=list(range(n)),
        score=[1.0] * n,
        bars=[2] * n,
        bar_count=1501,
        duplicate_group=[f"g{i % 10}" if i < 10 or i > n - 11 else "" for i in range(n)],
    )
    assert solution.status is ms.Status.INFEASIBLE
    assert solution.infeasibility is not None
    assert not solution.infeasibility.complete


def test_shots_of_more_bars_than_can_be_asked_for_leave_the_diagnosis_complete() -> None:
    rng = np.random.default_rng(5)
    found = ms.solve(
        scene_ids=np.repeat(np.arange(300), 10).tolist(),
        score=rng.random(3000),
        bars=rng.integers(0, 8, 3000),
        bar_count=400,
        scene_limit=ms.HardSceneLimit(2),
    ).infeasibility
    assert found is not None
    assert found.complete
    assert found.nearest_bar_count_above == 0
