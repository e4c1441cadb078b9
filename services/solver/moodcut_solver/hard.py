"""Solves problems that one table decides: a hard scene limit, or none (Eq. 9, Algorithm 1)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from moodcut_solver.automaton import build_automaton
from moodcut_solver.errors import ProblemTooLargeError
from moodcut_solver.options import Options
from moodcut_solver.problem import LIMITS, Problem
from moodcut_solver.solution import Step
from moodcut_solver.table import Checkpoint, SuffixTable


@dataclass(frozen=True, slots=True)
class Choice:
    """A selection, its value in the recursion's integers and the number of scenes it was counted with (0: not)."""

    value: int
    scene_count: int
    steps: tuple[Step, ...]


def preference(steps: Collection[Step]) -> list[tuple[int, int]]:
    """Key that sorts equally good selections: the earlier shot first, then the longer one."""
    return [(step.shot_index, -step.bar_count) for step in steps]


def solve_table(problem: Problem, options: Options, *, groups: Collection[int] = (), check: Checkpoint) -> list[Choice]:
    """The best selection for every number of scenes up to the limit, those without one left out.

    Without a hard limit there is at most one, counted as 0 scenes. Near-duplicate groups beyond ``groups`` are ignored.
    """
    automaton = build_automaton(problem, groups=groups)
    check_size(problem, automaton.state_count, options)
    table = SuffixTable(options, automaton, check=check)
    found = []
    for scene_count, start in automaton.starts.items():
        value = table.best(start)
        if value is not None:
            found.append(Choice(value, scene_count, tuple(table.steps(start))))
    return found


def best_choice(choices: Collection[Choice]) -> Choice:
    """The best of them; ties go to fewer shots (within ``value``), then to earlier ones."""
    return min(choices, key=lambda choice: (-choice.value, preference(choice.steps)))


def check_size(problem: Problem, state_count: int, options: Options) -> None:
    """Refuse a table beyond the published limit."""
    cells = problem.shot_count * (problem.bar_count + 1) * state_count * options.width
    if cells > LIMITS.table_cells:
        raise ProblemTooLargeError(
            "shots",
            f"{problem.shot_count} shots x {problem.bar_count} bars x {state_count} states x {options.width} lengths "
            f"is {cells} steps, more than the limit of {LIMITS.table_cells}",
        )


def check_layers(state_count: int, options: Options) -> None:
    """Refuse a table that has to be kept whole (soft limit, several solutions) beyond the published limit."""
    size = 8 * len(options.must) * (options.bar_count + 1) * (state_count + options.width)
    if size > LIMITS.kept_bytes:
        raise ProblemTooLargeError(
            "shots",
            f"the whole table has to be kept for a soft limit or several solutions, and would take {size >> 20} MiB, "
            f"more than the limit of {LIMITS.kept_bytes >> 20}",
        )
