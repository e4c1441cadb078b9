"""The examples of the user guide run, and say what the guide says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from jsonschema import Draft202012Validator

from moodcut_kit.v1 import solver_pb2
from moodcut_solver.messages import solve_message

DOCS = Path(__file__).parents[3] / "docs"
GUIDE = (DOCS / "solver.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^\| \[[\w-]+\]\((solver/examples/[\w-]+\.json)\) \|.*\| (.*) \|$", GUIDE, flags=re.MULTILINE)


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", GUIDE, flags=re.DOTALL)


def test_the_problem_in_the_guide() -> None:
    (text,) = blocks("json")
    response = solve_message(json_format.Parse(text, solver_pb2.SolveRequest()))
    assert response.status == solver_pb2.SolveResponse.STATUS_OPTIMAL
    assert [(p.shot_id, p.first_bar, p.bar_count) for p in response.placements] == [
        ("b2", 0, 1),
        ("m1", 1, 2),
        ("m2", 3, 3),
    ]
    assert [point.scene_count for point in response.scene_frontier] == [2]


def test_the_python_in_the_guide() -> None:
    (code,) = blocks("python")
    exec(compile(code, "docs/solver.md", "exec"), {})


def schema(name: str) -> Draft202012Validator:
    content = json.loads((DOCS / "solver" / f"{name}.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(content)
    return Draft202012Validator(content)


def solved(problem: dict[str, Any]) -> tuple[solver_pb2.SolveResponse, dict[str, Any]]:
    response = solve_message(json_format.ParseDict(problem, solver_pb2.SolveRequest()))
    answer = json_format.MessageToDict(
        response, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    return response, answer


def test_every_example_is_in_the_guide() -> None:
    assert {name for name, _ in EXAMPLES} == {
        str(path.relative_to(DOCS)) for path in (DOCS / "solver" / "examples").iterdir()
    }


@pytest.mark.parametrize(("name", "expected"), EXAMPLES)
def test_examples_answer_as_the_guide_says(name: str, expected: str) -> None:
    problem = json.loads((DOCS / name).read_text(encoding="utf-8"))
    schema("problem").validate(problem)
    response, answer = solved(problem | {"cross_check": True})
    schema("answer").validate(answer)
    assert response.cross_check.verdict == solver_pb2.CrossCheck.VERDICT_AGREE
    if "@" in expected:
        assert response.status == solver_pb2.SolveResponse.STATUS_OPTIMAL
        assert expected.split() == [f"{p.shot_id}@{p.first_bar}+{p.bar_count}" for p in response.placements]
    else:
        found = response.infeasibility
        assert found.binding_constraint == solver_pb2.Infeasibility.CONSTRAINT_SCENE_LIMIT
        assert expected == f"with max_scenes {found.smallest_max_scenes}, or {found.nearest_bar_count_below} bars"


@pytest.mark.parametrize(
    "problem",
    [
        {"shots": [{"shot_id": 7}]},
        {"shots": [{"shot_id": "a", "bars": 1, "duration_seconds": 2.0}]},
        {"hard_scene_limit": {"max_scenes": 1}, "softSceneLimit": {"max_scenes": 1}},
        {"weighting": "PER_BAR"},
        {"bar_cuont": 3},
    ],
)
def test_the_schema_refuses_what_the_contract_refuses(problem: dict[str, Any]) -> None:
    assert not schema("problem").is_valid(problem)
    with pytest.raises(json_format.ParseError):
        json_format.ParseDict(problem, solver_pb2.SolveRequest())
