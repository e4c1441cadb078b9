"""What every shot is worth: its own score and its scene's mean (Eq. 10), on every bar where scores differ by bar."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from moodcut_solver.errors import ProblemTooLargeError
from moodcut_solver.problem import LIMITS, Floats, Ints, Problem, Weighting
from moodcut_solver.solution import Placement, Selection, Step


@dataclass(frozen=True, slots=True, eq=False)
class ScoreTable:
    """p_i for n shots: ``values`` (n,) where ``row`` (n,) is -1, else that row of ``bar_values`` (m, bar_count)."""

    values: Floats
    bar_values: Floats
    row: Ints


def score_table(problem: Problem) -> ScoreTable:
    """p_i = S_i + mean of S over the scene (Eq. 10), or S_i alone without ``add_scene_mean``.

    Scene means run over all shots of the problem. A scene of which any shot has scores per bar has a mean per bar.
    """
    if not problem.add_scene_mean:
        return ScoreTable(problem.score, problem.bar_scores, problem.bar_row)
    sizes = problem.scene_sizes
    varies = problem.bar_row >= 0
    flat_sums = np.bincount(problem.scene, weights=np.where(varies, 0.0, problem.score), minlength=len(sizes))
    values = problem.score + (flat_sums / sizes)[problem.scene]
    if not np.any(varies):
        return ScoreTable(values, problem.bar_scores, problem.bar_row)
    scene_varies = np.zeros(len(sizes), bool)
    scene_varies[problem.scene[varies]] = True
    scene_row = np.cumsum(scene_varies) - 1
    means: Floats = np.repeat(flat_sums[scene_varies][:, None], problem.bar_count, axis=1)
    np.add.at(means, scene_row[problem.scene[varies]], problem.bar_scores[problem.bar_row[varies]])
    means = means / sizes[scene_varies][:, None]
    affected = np.flatnonzero(scene_varies[problem.scene])
    if len(affected) * problem.bar_count * 8 > LIMITS.kept_bytes:
        raise ProblemTooLargeError(
            "bar_scores",
            f"with scene means, {len(affected)} shots have a score for each of {problem.bar_count} bars: "
            f"{len(affected) * problem.bar_count * 8 >> 20} MiB, more than the limit of {LIMITS.kept_bytes >> 20}",
        )
    own = np.where(
        varies[affected][:, None], problem.bar_scores[problem.bar_row[affected]], problem.score[affected][:, None]
    )
    row = np.full(problem.shot_count, -1, np.int64)
    row[affected] = np.arange(len(affected))
    return ScoreTable(values, own + means[scene_row[problem.scene[affected]]], row)


def selection_of(problem: Problem, scores: ScoreTable, steps: Iterable[Step]) -> Selection:
    """The selection that ``steps`` describe, with its scores."""
    placements = []
    for step in steps:
        i, end = step.shot_index, step.first_bar + step.bar_count
        if scores.row[i] >= 0:
            mean = math.fsum(scores.bar_values[scores.row[i], step.first_bar : end]) / step.bar_count
        else:
            mean = float(scores.values[i])
        if problem.bar_row[i] >= 0:
            raw = math.fsum(problem.bar_scores[problem.bar_row[i], step.first_bar : end]) / step.bar_count
        else:
            raw = float(problem.score[i])
        placements.append(
            Placement(
                shot_index=i,
                shot_id=problem.shot_ids[i],
                scene_id=problem.scene_ids[problem.scene[i]],
                first_bar=step.first_bar,
                bar_count=step.bar_count,
                score=mean * step.bar_count if problem.weighting is Weighting.PER_BAR else mean,
                raw_score=raw,
            )
        )
    return Selection(math.fsum(placement.score for placement in placements), tuple(placements))
