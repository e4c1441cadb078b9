"""`moodcut solve`: the selection problem alone, with scores of one's own."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import click
from google.protobuf import json_format

from moodcut.files import whole_file
from moodcut.hosting import solve_message
from moodcut.params import INPUT_FILE, OUTPUT_FILE, checked_output
from moodcut_kit.errors import InvalidArgumentError
from moodcut_kit.v1 import solver_pb2


class ProblemError(InvalidArgumentError):
    """The problem file is no SolveRequest."""

    reason = "PROBLEM_INVALID"


@click.command(name="solve")
@click.argument("problem", type=INPUT_FILE)
@click.option("-o", "--output", type=OUTPUT_FILE, help="Write the answer here in place of stdout.")
@click.option("--cross-check", is_flag=True, help="Check the answer with CP-SAT.")
@click.option("--table", is_flag=True, help="Print the placements as a table in place of JSON.")
def command(problem: Path, output: Path | None, cross_check: bool, table: bool) -> None:
    """Solve PROBLEM, a SolveRequest as JSON; the answer is a SolveResponse as JSON with every field.

    That nothing fits is an answer too (STATUS_INFEASIBLE, exit code 3), with the constraint that binds and what would
    fit. Where the time limit ended the search without either (STATUS_UNKNOWN) the exit code is 1.

    \b
    Example:
      moodcut solve problem.json --cross-check -o answer.json
    """
    if output is not None:
        checked_output(output, problem)
    request = read_problem(problem)
    if cross_check:
        request.cross_check = True
    response = solve_message(request)
    text = _table(response) if table else response_json(response)
    if output is None:
        click.echo(text)
    else:
        with whole_file(output) as target:
            target.write(f"{text}\n".encode())
    if response.status == solver_pb2.SolveResponse.STATUS_INFEASIBLE:
        raise click.exceptions.Exit(3)
    if response.status == solver_pb2.SolveResponse.STATUS_UNKNOWN:
        raise click.exceptions.Exit(1)


def read_problem(path: Path) -> solver_pb2.SolveRequest:
    """The problem in a file; both spellings of field names are accepted. Raises ProblemError."""
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
        if not isinstance(content, dict):
            raise ProblemError(f"{path} is no selection problem: it has no object {{...}} at its top", path=path)
        return json_format.ParseDict(content, solver_pb2.SolveRequest())
    except (json_format.ParseError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ProblemError(f"{path} is no selection problem: {error}", path=path) from error


def response_json(response: solver_pb2.SolveResponse) -> str:
    """The answer as JSON under the contract's own names, zeros included."""
    return json_format.MessageToJson(
        response, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )


def _table(response: solver_pb2.SolveResponse) -> str:
    status = solver_pb2.SolveResponse.Status.Name(response.status).removeprefix("STATUS_").lower()
    lines = [
        f"{status}, objective {response.objective:.6f}, gap {response.gap:.2g}, {response.solve_seconds * 1e3:.1f} ms"
    ]
    if response.placements:
        lines += _placements(response.placements)
    for number, other in enumerate(response.alternatives, start=2):
        lines += [f"number {number}, objective {other.objective:.6f}", *_placements(other.placements)]
    if response.scene_frontier:
        points = ", ".join(f"{point.scene_count}: {point.objective:.6f}" for point in response.scene_frontier)
        lines.append(f"best by number of scenes: {points}")
    if response.status == solver_pb2.SolveResponse.STATUS_INFEASIBLE:
        lines = [response.infeasibility.explanation]
    if response.HasField("cross_check"):
        verdict = solver_pb2.CrossCheck.Verdict.Name(response.cross_check.verdict).removeprefix("VERDICT_").lower()
        lines.append(f"cross-check: {verdict}, CP-SAT's bound {response.cross_check.best_bound:.6f}")
    return "\n".join(lines)


def _placements(placements: Iterable[solver_pb2.Placement]) -> list[str]:
    lines = [f"{'bars':>11}  {'score':>10}  shot (scene)"]
    for each in placements:
        bars = f"{each.first_bar}-{each.first_bar + each.bar_count - 1}"
        lines.append(f"{bars:>11}  {each.score:10.5f}  {each.shot_id} ({each.scene_id})")
    return lines
