"""Scores so low that they stand for "never": choosable shots that no good selection has if it can do without.

One huge score makes the integers of the recursion coarse for all others. But any selection with such a shot is worse
than any without, so that the others can be solved by themselves, finely.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from moodcut_solver.options import Options
from moodcut_solver.problem import Bools, Problem
from moodcut_solver.scores import ScoreTable
from moodcut_solver.solution import FrontierPoint, Selection, Solution

_PRECISION = 1e-6


def is_precise(solution: Solution, options: Options) -> bool:
    """Whether rounding to integers is as nothing beside the scores of what is chosen, or could be."""
    largest = max((abs(placement.score) for placement in solution.placements), default=0.0)
    return not solution.placements or options.rounding <= _PRECISION * max(largest, options.usual_score)


def outliers(problem: Problem, scores: ScoreTable, options: Options) -> Bools:
    """Which shots (n,) are such that every selection with one scores less than every selection without."""
    choosable = np.flatnonzero(options.longest[options.longest_row].max(axis=1) > 0)
    best, largest = scores.values.copy(), np.abs(scores.values)
    rows = np.flatnonzero(scores.row >= 0)
    best[rows] = scores.bar_values[scores.row[rows]].max(axis=1)
    largest[rows] = np.abs(scores.bar_values[scores.row[rows]]).max(axis=1)
    order = choosable[np.argsort(best[choosable], kind="stable")]
    # The largest score of what remains when the lowest 1, 2, ... are left out.
    rest = np.append(np.maximum.accumulate(largest[order][::-1])[::-1][1:], 0.0)
    apart = np.flatnonzero(best[order] < -2.0 * problem.bar_count * rest)
    found = np.zeros(problem.shot_count, bool)
    if len(apart) and apart[-1] + 1 < len(order):
        found[order[: apart[-1] + 1]] = True
    return found


def without(problem: Problem, shots: Bools) -> Problem:
    """The problem in which those shots cannot be chosen."""
    return replace(problem, excluded=problem.excluded | shots)


def merged(fine: Solution, coarse: Solution, shots: Bools, solution_count: int) -> Solution:
    """``fine``, the selections without ``shots``, followed by what only ``coarse`` knows: those with them."""
    known = {point.scene_count: point for point in fine.scene_frontier}
    points = {point.scene_count: point for point in coarse.scene_frontier} | known
    frontier: list[FrontierPoint] = [points[count] for count in sorted(points)]
    worse: list[Selection] = [each for each in coarse.alternatives if any(shots[p.shot_index] for p in each.placements)]
    others = (*fine.alternatives, *worse)[: solution_count - 1]
    return replace(fine, scene_frontier=tuple(frontier), alternatives=others)
