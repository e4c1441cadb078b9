"""The examples of the user guide run, and say what the guide says."""

from __future__ import annotations

import re
from pathlib import Path

from google.protobuf import json_format

from moodcut_kit.v1 import solver_pb2
from moodcut_solver.messages import solve_message

GUIDE = (Path(__file__).parents[3] / "docs" / "solver.md").read_text(encoding="utf-8")


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
