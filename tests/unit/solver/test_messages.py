"""The contract's messages as problems, and back."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from google.protobuf import json_format

import moodcut_solver as ms
from moodcut_kit.v1 import solver_pb2
from moodcut_solver.messages import solve_message, to_problem

SHOTS = [
    {"shot_id": "a1", "scene_id": "a", "bars": 1, "score": 0.4},
    {"shot_id": "a2", "scene_id": "a", "bars": 2, "score": 0.6},
    {"shot_id": "b1", "scene_id": "b", "bars": 1, "score": 0.1},
]


def request(**fields: Any) -> solver_pb2.SolveRequest:
    problem = {"shots": SHOTS, "bar_count": 3} | fields
    return json_format.ParseDict(problem, solver_pb2.SolveRequest())


def shots(**changes: Any) -> list[dict[str, Any]]:
    """The shots, the second one changed; None takes a field away."""
    second = {name: value for name, value in (SHOTS[1] | changes).items() if value is not None}
    return [SHOTS[0], second, SHOTS[2]]


def test_every_default_is_the_papers() -> None:
    problem = to_problem(request())
    assert problem.add_scene_mean
    assert problem.weighting is ms.Weighting.PER_SHOT
    assert problem.length_mode is ms.LengthMode.WHOLE_SHOT
    assert problem.scene_limit is None
    assert problem.solution_count == 1
    assert problem.time_limit_seconds == 10.0
    assert to_problem(request(soft_scene_limit={"max_scenes": 2})).scene_limit == ms.SoftSceneLimit(2)
    assert to_problem(request(soft_scene_limit={"max_scenes": 2, "mode": "MODE_SCALED"})).scene_limit == (
        ms.SoftSceneLimit(2, ms.SoftMode.SCALED, 1000)
    )


def test_answer_in_the_contracts_words() -> None:
    response = solve_message(request(hard_scene_limit={"max_scenes": 1}, solution_count=5, cross_check=True))
    assert response.status == solver_pb2.SolveResponse.STATUS_OPTIMAL
    assert response.method == solver_pb2.SolveResponse.METHOD_RECURSION
    assert response.objective == pytest.approx(0.4 + 0.6 + 2 * 0.5)
    assert response.best_bound == response.objective
    assert [(p.shot_id, p.scene_id, p.first_bar, p.bar_count) for p in response.placements] == [
        ("a1", "a", 0, 1),
        ("a2", "a", 1, 2),
    ]
    assert [p.raw_score for p in response.placements] == [0.4, 0.6]
    assert [p.score for p in response.placements] == pytest.approx([0.9, 1.1])
    assert [(point.scene_count, point.objective) for point in response.scene_frontier] == [
        (1, pytest.approx(response.objective))
    ]
    assert response.cross_check.verdict == solver_pb2.CrossCheck.VERDICT_AGREE
    assert response.cross_check.model == solver_pb2.CrossCheck.MODEL_SCENE_WISE
    assert not response.HasField("infeasibility")


def test_json_prints_every_field_and_takes_both_spellings() -> None:
    text = json.dumps({"shots": [{"shotId": "x", "scene_id": "s", "bars": 1}], "barCount": 1})
    response = solve_message(json_format.Parse(text, solver_pb2.SolveRequest()))
    printed = json.loads(
        json_format.MessageToJson(response, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)
    )
    assert printed["status"] == "STATUS_OPTIMAL"
    assert printed["placements"] == [
        {"shot_id": "x", "scene_id": "s", "first_bar": 0, "bar_count": 1, "score": 0.0, "raw_score": 0.0}
    ]
    assert printed["scene_frontier"] == []
    assert printed["gap"] == 0.0


def test_infeasible_is_an_answer() -> None:
    response = solve_message(request(bar_count=4, hard_scene_limit={"max_scenes": 1}))
    assert response.status == solver_pb2.SolveResponse.STATUS_INFEASIBLE
    found = response.infeasibility
    assert found.binding_constraint == solver_pb2.Infeasibility.CONSTRAINT_SCENE_LIMIT
    assert list(found.constraints_to_relax) == [solver_pb2.Infeasibility.CONSTRAINT_SCENE_LIMIT]
    assert (found.smallest_max_scenes, found.nearest_bar_count_below, found.nearest_bar_count_above) == (2, 3, 0)
    assert found.complete
    assert found.explanation == (
        "No selection fills 4 bars with the limit on scenes. It can be done with max_scenes 2, or with 3 bars."
    )


def test_lengths_in_seconds_are_floored_with_a_guard() -> None:
    problem = to_problem(
        request(
            shots=[
                {"shot_id": str(k), "scene_id": "s", "duration_seconds": seconds}
                for k, seconds in enumerate([0.3, 0.29999, 0.9 * 2, 0.0])
            ]
            + [{"shot_id": "bars", "scene_id": "s", "bars": 7}],
            bar_duration_seconds=0.1,
        )
    )
    assert problem.bars is not None
    assert problem.bars.tolist() == [3, 2, 18, 0, 7]


def test_shots_with_and_without_scores_per_bar_go_together() -> None:
    mixed = shots(bar_scores=[1.0, 2.0, 6.0], score=99.0)
    response = solve_message(request(shots=mixed, add_scene_mean=False))
    assert [(p.shot_id, p.first_bar) for p in response.placements] == [("a1", 0), ("a2", 1)]
    assert response.placements[1].score == pytest.approx(4.0)
    with_mean = solve_message(request(shots=mixed))
    assert with_mean.placements[1].score == pytest.approx(4.0 + ((0.4 + 2.0) / 2 + (0.4 + 6.0) / 2) / 2)
    assert with_mean.placements[1].raw_score == pytest.approx(4.0)


def test_bounds_of_a_shot_replace_those_of_the_request() -> None:
    flexible = {"length_mode": "LENGTH_MODE_FLEXIBLE", "min_bars": 1, "max_bars": 1}
    assert solve_message(request(**flexible)).placements[1].bar_count == 1
    problem = to_problem(request(**flexible, shots=shots(max_bars=2)))
    assert problem.max_bars.tolist() == [1, 2, 1]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"shots": shots(bars=None)}, "shots[1]: has no length"),
        ({"shots": shots(bars=None, duration_ticks=3)}, "shots[1].duration_ticks: goes only with bar_boundary_ticks"),
        ({"bar_boundary_ticks": [0, 1, 2, 3]}, "shots[0].duration_ticks: is needed with bar_boundary_ticks"),
        ({"shots": shots(bars=None, duration_seconds=1.0)}, "bar_duration_seconds: is 0.0"),
        (
            {"shots": shots(bars=None, duration_seconds="NaN"), "bar_duration_seconds": 1.0},
            "shots[1].duration_seconds: is nan",
        ),
        ({"shots": shots(score="Infinity")}, "shots[1].score: is inf"),
        ({"shots": shots(bar_scores=[1.0])}, "shots[1].bar_scores: has 1 numbers for 3 bars"),
        ({"shots": shots(pinned_first_bar=-1)}, "shots[1].pinned_first_bar: is -1"),
        ({"shots": shots(required=True, excluded=True)}, "shots[1].excluded: is set together with required"),
        ({"shots": shots(shot_id="b1")}, "shots[2].shot_id: is 'b1', like that of shots[1]"),
        ({"max_bars": 2}, "max_bars: has no meaning"),
        ({"length_mode": "LENGTH_MODE_FLEXIBLE", "min_bars": -1}, "min_bars: is -1"),
        ({"hard_scene_limit": {}}, "hard_scene_limit.max_scenes: is 0"),
        ({"soft_scene_limit": {"max_scenes": 1, "mode": 9}}, "soft_scene_limit.mode: is 9"),
        ({"soft_scene_limit": {"max_scenes": 1, "mode": 1, "scale": -5}}, "soft_scene_limit.scale: is -5"),
        ({"weighting": 9}, "weighting: is 9"),
        ({"length_mode": 9}, "length_mode: is 9"),
        ({"solution_count": -1}, "solution_count: is -1"),
        ({"time_limit_seconds": "NaN"}, "time_limit_seconds: is nan"),
        ({"shots": [], "bar_count": 1}, "shots: is empty"),
        ({"bar_count": 0}, "bar_count: is 0"),
    ],
)
def test_what_is_wrong_is_named(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ms.InvalidProblemError, match=re.escape(message)):
        solve_message(request(**fields))
