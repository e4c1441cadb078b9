"""Every refusal names the field and the index."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import moodcut_solver as ms

GOOD: dict[str, Any] = {
    "score": [0.1, 0.2, 0.3],
    "scene_ids": ["a", "a", "b"],
    "bars": [1, 2, 1],
    "bar_count": 3,
}
TICKS: dict[str, Any] = {
    "score": [0.1, 0.2, 0.3],
    "scene_ids": ["a", "a", "b"],
    "duration_ticks": [1, 2, 1],
    "bar_boundary_ticks": [0, 1, 2, 3],
}
NAN, INF = float("nan"), float("inf")
FLEXIBLE = ms.LengthMode.FLEXIBLE

WRONG: list[tuple[dict[str, Any], str]] = [
    (GOOD | {"score": [0.1, NAN, 0.3]}, "shots[1].score: is nan"),
    (GOOD | {"score": [0.1, 0.2, INF]}, "shots[2].score: is inf"),
    (GOOD | {"score": [0.1, 0.2, 1e13]}, "shots[2].score: "),
    (GOOD | {"score": [0.1, 0.2]}, "score: has shape (2,)"),
    (GOOD | {"score": ["x", 1, 2]}, "score: is not an array of numbers"),
    (GOOD | {"score": None}, "score: is needed"),
    (GOOD | {"bars": [1, -2, 1]}, "shots[1].bars: is negative"),
    (GOOD | {"bars": [1, 1.5, 1]}, "shots[1].bars: is 1.5, must be a whole number"),
    (GOOD | {"bars": None}, "bars: one of bars, duration_seconds and duration_ticks is needed"),
    (GOOD | {"duration_seconds": [1, 1, 1]}, "bars: one of"),
    (GOOD | {"bars": None, "duration_seconds": [1, 1, 1]}, "bar_duration_seconds: is None"),
    (GOOD | {"bars": None, "duration_seconds": [1, NAN, 1], "bar_duration_seconds": 1.0}, "shots[1].duration_seconds"),
    (GOOD | {"bars": None, "duration_seconds": [1, 1, -1], "bar_duration_seconds": 1.0}, "shots[2].duration_seconds"),
    (GOOD | {"bars": None, "duration_ticks": [1, 1, 1]}, "duration_ticks: goes only with bar_boundary_ticks"),
    (GOOD | {"bar_count": 0}, "bar_count: is 0"),
    (GOOD | {"bar_count": NAN}, "bar_count: is nan"),
    (GOOD | {"bar_scores": [[1, 2, 3], [1, 2]]}, "bar_scores: is not a table of numbers"),
    (GOOD | {"scene_limit": ms.HardSceneLimit(1.5)}, "hard_scene_limit.max_scenes: is 1.5"),  # type: ignore[arg-type]
    (GOOD | {"scene_limit": 5}, "scene_limit: is 5"),
    (GOOD | {"coverage": [(0, 1, 1)]}, "coverage[0]: is (0, 1, 1)"),
    (GOOD | {"time_limit_seconds": None}, "time_limit_seconds: is None"),
    (GOOD | {"solution_count": 1.5}, "solution_count: is 1.5"),
    (GOOD | {"shot_ids": ["x", 2, "y"]}, "shots[1].shot_id: is 2, must be a text"),
    (GOOD | {"scene_ids": [1, 1, "1"]}, "scene_ids: has different ids that read the same"),
    (
        GOOD | {"length_mode": FLEXIBLE, "min_bars": [6000, 3, 0], "max_bars": [0, 2, 0]},
        "shots[1].min_bars: is 3, more than max_bars 2",
    ),
    (GOOD | {"bar_count": 6000}, "bar_count: is 6000, more than the limit of 5000"),
    (GOOD | {"shot_ids": ["x", "y", "x"]}, "shots[2].shot_id: is 'x', like that of shots[0]"),
    (GOOD | {"shot_ids": ["x", "", "y"]}, "shots[1].shot_id: is empty"),
    (GOOD | {"scene_ids": ["a", "", "b"]}, "shots[1].scene_id: is empty"),
    (GOOD | {"scene_ids": []}, "shots: is empty"),
    (GOOD | {"required": [0, 1, 0], "excluded": [0, 1, 0]}, "shots[1].excluded: is set together with required"),
    (GOOD | {"pinned_first_bar": [0, -1, -1], "excluded": [1, 0, 0]}, "shots[0].excluded: is set together with pinned"),
    (GOOD | {"pinned_first_bar": [-1, 3, -1]}, "shots[1].pinned_first_bar: is 3; the bars are 0 to 2"),
    (GOOD | {"required": [True]}, "required: has shape (1,)"),
    (GOOD | {"scene_limit": ms.HardSceneLimit(0)}, "hard_scene_limit.max_scenes: is 0"),
    (GOOD | {"scene_limit": ms.SoftSceneLimit(-1)}, "soft_scene_limit.max_scenes: is -1"),
    (GOOD | {"scene_limit": ms.SoftSceneLimit(1, ms.SoftMode.SCALED, 0)}, "soft_scene_limit.scale: is 0"),
    (GOOD | {"coverage": [ms.CoverageRequirement(1, 4, 1)]}, "coverage[0]: is [1, 4)"),
    (GOOD | {"coverage": [ms.CoverageRequirement(0, 2, 0)]}, "coverage[0].min_count: is 0"),
    (
        GOOD | {"coverage": [ms.CoverageRequirement(0, 2, 1), ms.CoverageRequirement(1, 3, 1)]},
        "coverage[1]: overlaps coverage[0]",
    ),
    (GOOD | {"required_scenes": ["a", "z"]}, "required_scenes[1]: is 'z', which no shot has"),
    (GOOD | {"min_bars": 2}, "shots[0].min_bars: has no meaning"),
    (GOOD | {"length_mode": FLEXIBLE, "min_bars": [1, 3, 1], "max_bars": 2}, "shots[1].min_bars: is 3, more than"),
    (GOOD | {"length_mode": FLEXIBLE, "max_bars": [1, 2, -3]}, "shots[2].max_bars: is -3"),
    (GOOD | {"solution_count": 21}, "solution_count: is 21"),
    (GOOD | {"time_limit_seconds": 0}, "time_limit_seconds: is 0"),
    (GOOD | {"duplicate_group": ["x"]}, "duplicate_group: has 1 entries"),
    (GOOD | {"bar_scores": [[1, 2, 3]]}, "bar_scores: has shape (1, 3)"),
    (GOOD | {"bar_scores": [[1, 2, 3], [1, 2, NAN], [1, 2, 3]]}, "shots[1].bar_scores[2]: is nan"),
    (TICKS | {"bar_boundary_ticks": [0, 2, 2, 3]}, "bar_boundary_ticks[2]: is 2 after 2"),
    (TICKS | {"bar_boundary_ticks": [0]}, "bar_boundary_ticks: must be at least two integers"),
    (TICKS | {"bar_count": 2}, "bar_count: is 2, but bar_boundary_ticks bound 3 bars"),
    (TICKS | {"duration_ticks": [1, 1, -1]}, "shots[2].duration_ticks: is negative"),
    (TICKS | {"duration_ticks": None, "bars": [1, 1, 1]}, "bars: does not go with bar_boundary_ticks"),
    (TICKS | {"scene_ids": ["a", "b", "a"]}, "shots[2].scene_id: is 'a' again after another scene"),
]


@pytest.mark.parametrize(("fields", "message"), WRONG, ids=[message for _, message in WRONG])
def test_bad_input_is_named(fields: dict[str, Any], message: str) -> None:
    with pytest.raises((ms.InvalidProblemError, ms.ProblemTooLargeError), match=re.escape(message)) as caught:
        ms.solve(**fields)
    assert caught.value.code == "INVALID_ARGUMENT"
    assert caught.value.metadata["field"] == message.partition(":")[0] or message.partition(":")[0] in str(caught.value)


@pytest.mark.parametrize("fields", [GOOD, TICKS])
def test_the_problems_that_are_spoilt_above_are_good(fields: dict[str, Any]) -> None:
    assert ms.solve(**fields).status is ms.Status.OPTIMAL


def test_published_limits() -> None:
    count = ms.LIMITS.shot_count + 1
    with pytest.raises(ms.ProblemTooLargeError, match="shots: has 20001 shots"):
        ms.solve(score=np.zeros(count), scene_ids=["a"] * count, bars=np.ones(count, int), bar_count=1)
    with pytest.raises(ms.ProblemTooLargeError, match="steps, more than the limit"):
        ms.solve(
            score=np.zeros(10_000),
            scene_ids=list(range(10_000)),
            bars=np.full(10_000, 5000),
            bar_count=5000,
            scene_limit=ms.HardSceneLimit(20),
            length_mode=FLEXIBLE,
        )
