"""What to try when no selection fits, in which order, and what to tell the user. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from moodcut_director.grid import Grid, Unit, plural
from moodcut_director.options import Selection, Story
from moodcut_kit.v1 import solver_pb2


@dataclass(frozen=True, slots=True, kw_only=True)
class Relaxation:
    """One step: the selection to try next, and what changed in words."""

    selection: Selection
    description: str


def ladder(selection: Selection) -> Iterator[Relaxation]:
    """Flexible lengths, half bars, beats: each on top of the one before, steps that change nothing left out.

    More scenes and a shorter montage follow, but how many and how short only the solver's diagnosis can say: see
    :func:`more_scenes` and :func:`shorter`.
    """
    if not selection.flexible:
        selection = replace(selection, flexible=True)
        yield Relaxation(selection=selection, description="flexible lengths")
    if selection.unit is Unit.BAR:
        selection = replace(selection, unit=Unit.HALF_BAR, average_units=False, min_units=0, max_units=0)
        yield Relaxation(selection=selection, description="half bars in place of bars")
    if selection.unit is Unit.HALF_BAR:
        selection = replace(selection, unit=Unit.BEAT, average_units=False, min_units=0, max_units=0)
        yield Relaxation(selection=selection, description="beats in place of bars")


def more_scenes(selection: Selection, infeasibility: solver_pb2.Infeasibility) -> Relaxation | None:
    """As many scenes as the diagnosis says are needed; None where more scenes would not help."""
    needed = infeasibility.smallest_max_scenes
    if selection.story is Story.NONE or needed <= selection.max_scenes:
        return None
    return Relaxation(
        selection=replace(selection, max_scenes=needed),
        description=f"{needed} scenes in place of {selection.max_scenes}",
    )


def shorter(grid: Grid, infeasibility: solver_pb2.Infeasibility) -> tuple[Grid, str] | None:
    """The longest shorter grid that the diagnosis says can be filled; None if there is none."""
    count = infeasibility.nearest_bar_count_below
    if not 1 <= count < grid.unit_count:
        return None
    return grid.shortened(count), f"{count} {plural(grid.unit, count)} in place of {grid.unit_count}"


def diagnosis(selection: Selection, grid: Grid, infeasibility: solver_pb2.Infeasibility, *, relaxed: bool) -> str:
    """Why nothing fits and what would help, for a person; ``relaxed`` says that relaxing was tried and did not help."""
    constraint = solver_pb2.Infeasibility.Constraint.Name(infeasibility.binding_constraint)
    words = [
        f"no choice of shots fills exactly {grid.unit_count} {plural(grid.unit, grid.unit_count)}"
        + (f" with at most {selection.max_scenes} scenes" if selection.story is not Story.NONE else "")
        + f" (binding: {constraint.removeprefix('CONSTRAINT_').lower().replace('_', ' ')})."
    ]
    helps = []
    if infeasibility.smallest_max_scenes > selection.max_scenes and selection.story is not Story.NONE:
        helps.append(f"--max-scenes {infeasibility.smallest_max_scenes}")
    near = [infeasibility.nearest_bar_count_below, infeasibility.nearest_bar_count_above]
    for count in (each for each in near if each > 0):
        seconds = float(count * grid.unit_seconds)
        helps.append(f"--duration {seconds + 0.01:.2f} ({count} {plural(grid.unit, count)})")
    if not selection.flexible:
        helps.append("--length flexible")
    if selection.unit in (Unit.BAR, Unit.HALF_BAR):
        helps.append("--unit beat")
    if helps:
        words.append("What would help: " + ", or ".join(helps) + ".")
    words.append("Relaxing did not help." if relaxed else "With --relax moodcut tries these by itself.")
    return " ".join(words)
