"""The solver against every selection there is, for every option and combinations of them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.solver_brute_force import Found, enumerate_selections, preference
from support.solver_problems import OPTIONS, random_fields, some_options

import moodcut_solver as ms
from moodcut_solver import table

REPOSITORY = Path(__file__).parents[3]


def check(fields: dict[str, Any]) -> ms.Solution:
    """Solve, and compare with brute force: status, objective, and the very selection that the tie-break names."""
    everything = enumerate_selections(fields)
    solution = ms.solve(**fields)
    if not everything:
        assert solution.status is ms.Status.INFEASIBLE
        assert solution.infeasibility is not None
        return solution
    best = min(everything, key=preference)
    assert solution.status is ms.Status.OPTIMAL
    assert solution.objective == pytest.approx(best.objective, abs=1e-9)
    assert solution.best_bound == solution.objective
    assert steps_of(solution.placements) == best.steps
    assert sum(placement.score for placement in solution.placements) == pytest.approx(solution.objective, abs=1e-9)
    return solution


def steps_of(placements: tuple[ms.Placement, ...]) -> tuple[tuple[int, int, int], ...]:
    return tuple((p.shot_index, p.first_bar, p.bar_count) for p in placements)


@pytest.mark.parametrize("block", range(8))
def test_random_problems_with_random_options(block: int) -> None:
    statuses = set()
    for seed in range(block * 400, (block + 1) * 400):
        rng = np.random.default_rng(seed)
        statuses.add(check(random_fields(rng, options=some_options(rng))).status)
    assert statuses == {ms.Status.OPTIMAL, ms.Status.INFEASIBLE}


@pytest.mark.parametrize("option", OPTIONS)
def test_every_option_alone(option: str) -> None:
    solved = 0
    for seed in range(150):
        rng = np.random.default_rng([seed, OPTIONS.index(option)])
        solved += check(random_fields(rng, options=(option,))).status is ms.Status.OPTIMAL
    assert solved >= 30


@settings(max_examples=400, deadline=None, derandomize=True)
@given(
    shots=st.lists(
        st.tuples(st.integers(-4, 4), st.integers(0, 3), st.booleans()),
        min_size=1,
        max_size=11,
    ),
    bar_count=st.integers(1, 10),
    max_scenes=st.integers(1, 12),
    kind=st.sampled_from(["none", "hard", "soft", "scaled"]),
    add_scene_mean=st.booleans(),
)
def test_small_integers_make_ties(
    shots: list[tuple[int, int, bool]], bar_count: int, max_scenes: int, kind: str, add_scene_mean: bool
) -> None:
    limits: dict[str, Any] = {
        "none": None,
        "hard": ms.HardSceneLimit(max_scenes),
        "soft": ms.SoftSceneLimit(max_scenes),
        "scaled": ms.SoftSceneLimit(max_scenes, ms.SoftMode.SCALED, 10),
    }
    check(
        {
            "score": [score for score, _, _ in shots],
            "bars": [bars for _, bars, _ in shots],
            "scene_ids": np.cumsum([opens for _, _, opens in shots]).tolist(),
            "bar_count": bar_count,
            "scene_limit": limits[kind],
            "add_scene_mean": add_scene_mean,
        }
    )


@settings(max_examples=300, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32 - 1), options=st.sets(st.sampled_from(OPTIONS), max_size=5))
def test_combinations_of_options(seed: int, options: set[str]) -> None:
    check(random_fields(np.random.default_rng(seed), options=tuple(sorted(options))))


def test_scenes_apart_are_grouped_where_position_does_not_matter() -> None:
    solved = 0
    for seed in range(300):
        rng = np.random.default_rng([7, seed])
        fields = random_fields(rng, options=("required", "excluded", "required_scenes", "groups")[: seed % 5])
        order = rng.permutation(len(fields["scene_ids"]))
        fields["scene_ids"] = [fields["scene_ids"][i] for i in order]
        everything = enumerate_selections(fields)
        solution = ms.solve(**fields)
        assert (solution.status is ms.Status.OPTIMAL) == bool(everything)
        if everything:
            solved += 1
            assert solution.objective == pytest.approx(max(found.objective for found in everything), abs=1e-9)
            # Ties: as if the shots of each scene stood together where the scene begins.
            rank = np.argsort(
                np.argsort([fields["scene_ids"].index(scene) for scene in fields["scene_ids"]], kind="stable")
            )

            def regrouped(found: Found, rank: np.ndarray = rank) -> tuple[float, int, list[tuple[int, int]]]:
                steps = sorted((int(rank[i]), -length) for i, _, length in found.steps)
                return -round(found.objective, 9), len(steps), steps

            assert steps_of(solution.placements) == min(everything, key=regrouped).steps
    assert solved > 100


def test_scene_frontier_is_the_best_for_every_number_of_scenes() -> None:
    points = 0
    for seed in range(600):
        rng = np.random.default_rng([8, seed])
        fields = random_fields(rng, options=some_options(rng)) | {"scene_limit": ms.HardSceneLimit(1 + seed % 5)}
        best: dict[int, float] = {}
        for found in enumerate_selections(fields):
            best[found.scene_count] = max(found.objective, best.get(found.scene_count, -np.inf))
        frontier = {point.scene_count: point.objective for point in ms.solve(**fields).scene_frontier}
        assert frontier == pytest.approx(best, abs=1e-9)
        points += len(best)
    assert points > 300


@pytest.mark.parametrize("most", [4, 20])
def test_the_best_several(most: int) -> None:
    several = labels = 0
    for seed in range(1000 if most == 4 else 500):
        rng = np.random.default_rng([9, seed])
        fields = random_fields(rng, options=some_options(rng))
        if most == 4:
            fields["scene_limit"] = ms.SoftSceneLimit(1 + seed % 2, list(ms.SoftMode)[seed // 2 % 2], 10)
        count = int(rng.integers(2, most + 1))
        expected: list[Found] = sorted(enumerate_selections(fields), key=preference)[:count]
        solution = ms.solve(**fields, solution_count=count)
        if not expected:
            assert solution.status is ms.Status.INFEASIBLE
            continue
        found = [solution.placements, *(other.placements for other in solution.alternatives)]
        assert [steps_of(placements) for placements in found] == [each.steps for each in expected]
        assert [other.objective for other in solution.alternatives] == pytest.approx(
            [each.objective for each in expected[1:]], abs=1e-9
        )
        assert solution.status is ms.Status.OPTIMAL
        several += len(expected) > 1
        labels += solution.method is ms.Method.LABELS
    assert several > 100
    assert labels > (30 if most == 4 else 0)


def test_looser_limits_never_score_less() -> None:
    compared = 0
    for seed in range(400):
        rng = np.random.default_rng([10, seed])
        n, most = int(rng.integers(10, 40)), int(rng.integers(1, 4))
        fields: dict[str, Any] = {
            "scene_ids": np.cumsum(rng.random(n) < 0.3).tolist(),
            "score": rng.normal(size=n),
            "bars": rng.integers(0, 4, n),
            "bar_count": int(rng.integers(3, 16)),
        }
        limits = (
            None,
            ms.SoftSceneLimit(most, ms.SoftMode.SCALED, 10),
            ms.SoftSceneLimit(most, ms.SoftMode.EXACT),
            ms.HardSceneLimit(most),
        )
        solutions = [ms.solve(**fields, scene_limit=limit) for limit in limits]
        assert all(s.status in (ms.Status.OPTIMAL, ms.Status.INFEASIBLE) for s in solutions)
        objectives = [s.objective if s.status is ms.Status.OPTIMAL else -np.inf for s in solutions]
        assert objectives == sorted(objectives, reverse=True)
        assert solutions[2].soft_excess == 0.0
        compared += len(set(objectives)) > 2
    assert compared > 50


def test_a_table_too_large_to_keep_gives_the_same_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    problems = [random_fields(np.random.default_rng([11, seed]), options=("ticks",)) for seed in range(60)]
    rng = np.random.default_rng(12)
    problems.append(
        {
            "scene_ids": np.repeat(np.arange(80), 5).tolist(),
            "score": rng.normal(size=400),
            "bars": rng.integers(0, 5, 400),
            "bar_count": 40,
            "scene_limit": ms.HardSceneLimit(6),
        }
    )
    expected = [ms.solve(**fields) for fields in problems]
    monkeypatch.setattr(table, "_CHOICE_BYTES", 0)
    monkeypatch.setattr(table, "_BLOCK_CELLS", 5_000)
    for fields, before in zip(problems, expected, strict=True):
        assert ms.solve(**fields).placements == before.placements


_INTERPRETED = """
import numpy as np
from test_against_brute_force import check
from support.solver_problems import random_fields, some_options
from moodcut_solver.compiled import COMPILED
assert not COMPILED
for seed in range(350):
    rng = np.random.default_rng([13, seed])
    check(random_fields(rng, options=some_options(rng)))
"""


def test_without_compiled_code() -> None:
    paths = [str(REPOSITORY / "tests"), str(Path(__file__).parent), *(path for path in sys.path if path)]
    environment = os.environ | {"MOODCUT_SOLVER_COMPILED": "0", "PYTHONPATH": os.pathsep.join(paths)}
    subprocess.run([sys.executable, "-W", "error", "-c", _INTERPRETED], env=environment, check=True, timeout=120)
