"""What to try when no selection fits, in which order, and what to tell the user. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from moodcut_director.grid import Grid, Unit, plural
from moodcut_director.options import LARGEST_MAX_SCENES, Selection, Story
from moodcut_kit.v1 import solver_pb2


@dataclass(frozen=True, slots=True, kw_only=True)
class Relaxation:
    """One step: the selection to try next, and what changed in words."""

    selection: Selection
    description: str


def ladder(selection: Selection, *, meter: int) -> Iterator[Relaxation]:
    """Flexible lengths, half bars, beats: each on top of the one before, steps that change nothing left out.

    Bounds on a shot's units keep the length they ask for, rounded so that they allow more rather than less. More scenes
    and a shorter montage follow, but how many and how short only the solver's diagnosis can say: see
    :func:`more_scenes` and :func:`shorter`.
    """
    if not selection.flexible:
        selection = replace(selection, flexible=True)
        yield Relaxation(selection=selection, description="flexible lengths")
    asked = plural(selection.unit, 2)
    if selection.unit is Unit.BAR:
        selection = _finer(selection, Unit.HALF_BAR, Fraction(2))
        yield Relaxation(selection=selection, description=f"half bars in place of {asked}")
    if selection.unit is Unit.HALF_BAR:
        selection = _finer(selection, Unit.BEAT, Fraction(meter, 2))
        yield Relaxation(selection=selection, description=f"beats in place of {asked}")


def _finer(selection: Selection, unit: Unit, times: Fraction) -> Selection:
    return replace(
        selection,
        unit=unit,
        average_units=False,
        min_units=math.floor(selection.min_units * times),
        max_units=math.ceil(selection.max_units * times),
    )


def more_scenes(selection: Selection, infeasibility: solver_pb2.Infeasibility) -> Relaxation | None:
    """As many scenes as the diagnosis says are needed; None where more scenes would not help."""
    return widened(selection, infeasibility.smallest_max_scenes)


def widened(selection: Selection, max_scenes: int) -> Relaxation | None:
    """So many scenes in place of those asked for; None if that is not more."""
    max_scenes = min(max_scenes, LARGEST_MAX_SCENES)
    if selection.story is Story.NONE or max_scenes <= selection.max_scenes:
        return None
    return Relaxation(
        selection=replace(selection, max_scenes=max_scenes),
        description=f"{_scenes(max_scenes)} in place of {selection.max_scenes}",
    )


def shorter(grid: Grid, infeasibility: solver_pb2.Infeasibility) -> Grid | None:
    """The longest shorter grid that the diagnosis says can be filled; None if there is none."""
    count = infeasibility.nearest_bar_count_below
    return grid.shortened(count) if 1 <= count < grid.unit_count else None


def duration_words(grid: Grid, unit_count: int) -> str:
    """A duration that :func:`moodcut_director.grid.make_grid` rounds down to the first ``unit_count`` units."""
    first = grid.boundaries_pts[0]
    seconds = (grid.boundaries_pts[unit_count] - first) * grid.time_base
    for digits in (2, 3):
        words = math.ceil(seconds * 10**digits)
        given = Fraction(words, 10**digits)
        # A hair below the next boundary would count as that boundary.
        if unit_count == grid.unit_count or given + Fraction(1, 10_000) < (
            (grid.boundaries_pts[unit_count + 1] - first) * grid.time_base
        ):
            return f"{float(given):.{digits}f}"
    return f"{float(seconds):.6f}"


def diagnosis(
    selection: Selection,
    grid: Grid,
    infeasibility: solver_pb2.Infeasibility,
    *,
    music_grid: Grid,
    unit_counts: Sequence[int],
    longest_shot_seconds: Fraction,
    relaxed: bool,
) -> str:
    """Why nothing fits and what would help, for a person.

    ``music_grid`` goes on to the end of the music; ``unit_counts`` are numbers of its units that can be filled;
    ``longest_shot_seconds`` is the longest that any shot can be shown. ``relaxed`` says that relaxing was tried and did
    not help.
    """
    constraint = solver_pb2.Infeasibility.Constraint.Name(infeasibility.binding_constraint)
    words = [
        f"no choice of shots fills exactly {grid.unit_count} {plural(grid.unit, grid.unit_count)}"
        + (f" with at most {_scenes(selection.max_scenes)}" if selection.story is not Story.NONE else "")
        + f" (binding: {constraint.removeprefix('CONSTRAINT_').lower().replace('_', ' ')})."
    ]
    helps = []
    if infeasibility.smallest_max_scenes > selection.max_scenes and selection.story is not Story.NONE:
        helps.append(f"--max-scenes {infeasibility.smallest_max_scenes}")
    helps += [
        f"--duration {duration_words(music_grid, count)} ({count} {plural(grid.unit, count)})"
        for count in unit_counts
        if 1 <= count <= music_grid.unit_count
    ]
    if helps:
        words.append("What would help: " + ", or ".join(helps) + ".")
    if longest_shot_seconds < grid.shortest_unit_seconds:
        words.append(
            f"The longest shot that can be used lasts {float(longest_shot_seconds):.2f} s, the shortest "
            f"{plural(grid.unit, 1)} {float(grid.shortest_unit_seconds):.2f} s."
        )
    if relaxed:
        return " ".join([*words, "Relaxing did not help."])
    may_help = [] if selection.flexible else ["--length flexible"]
    if selection.unit in (Unit.BAR, Unit.HALF_BAR):
        may_help.append("--unit beat")
    if may_help:
        words.append("What may help: " + ", or ".join(may_help) + ".")
    if helps or may_help:
        words.append("With --relax moodcut tries these by itself.")
    return " ".join(words)


def _scenes(count: int) -> str:
    return f"{count} scene" if count == 1 else f"{count} scenes"


def timeout_words(selection: Selection, grid: Grid, time_limit_seconds: float) -> str:
    """That the solver ran out of time, and what to do, for a person."""
    helps = []
    if selection.story is Story.SOFT:
        helps.append("--constraint hard in place of soft")
    if selection.story is not Story.NONE:
        helps.append("--constraint none")
    helps.append(f"fewer than {grid.unit_count} {plural(grid.unit, 2)} (a shorter --duration)")
    if selection.unit is not Unit.BAR:
        helps.append("a larger unit (--unit bar)")
    return (
        f"the solver found no selection within its {time_limit_seconds:g} s, and no proof that there is none. "
        f"What may help: {', or '.join(helps)}."
    )
