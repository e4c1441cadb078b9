"""How well scenes were found: the published measures. Pure.

Scenes are half-open ranges of shots that tile them, boundaries the indices of the shots that begin a scene (the first
shot's left out). Every measure lies between 0 and 1, and 1 is perfect.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Scenes = Sequence[tuple[int, int]]


def boundaries_of(scenes: Scenes) -> list[int]:
    """First shots of all scenes but the first."""
    return [start for start, _ in scenes[1:]]


def average_precision(probabilities: NDArray[np.floating], labels: NDArray[np.bool_]) -> float:
    """AP of boundary probabilities (float [n]) against where boundaries are (bool [n]).

    The sum over thresholds of precision times the recall it gains; equal probabilities are one threshold. Raises
    ValueError if there is no boundary.
    """
    if probabilities.shape != labels.shape or labels.ndim != 1:
        raise ValueError(f"probabilities {probabilities.shape} and labels {labels.shape} must be alike, and vectors")
    if not labels.any():
        raise ValueError("average precision needs at least one boundary")
    order = np.argsort(-probabilities, kind="stable")
    last_of_value = np.append(np.flatnonzero(np.diff(probabilities[order])), len(order) - 1)
    right = np.cumsum(labels[order])[last_of_value]
    gained = np.diff(right, prepend=0) / right[-1]
    return float((gained * right / (last_of_value + 1)).sum())


def boundary_f1(found: Scenes, true: Scenes, *, tolerance_shots: int = 1) -> float:
    """F1 of boundaries; a found one is right if it can be paired with a true one at most so many shots away."""
    found_starts, true_starts = boundaries_of(found), boundaries_of(true)
    if not found_starts and not true_starts:
        return 1.0
    right, at = 0, 0
    # In order, each takes the first that it can: no pairing of points on a line within a tolerance is larger.
    for start in true_starts:
        while at < len(found_starts) and found_starts[at] < start - tolerance_shots:
            at += 1
        if at < len(found_starts) and found_starts[at] <= start + tolerance_shots:
            right, at = right + 1, at + 1
    return 2 * right / (len(found_starts) + len(true_starts))


def mean_iou(found: Scenes, true: Scenes, durations_seconds: NDArray[np.floating]) -> float:
    """mIoU of MovieScenes (Rao et al., 2020): each scene's best intersection over union in time with one of the other
    side, averaged over the true scenes and over the found ones, and the mean of the two."""
    shared, found_sizes, true_sizes = _intersections(found, true, durations_seconds)
    overlap = shared / (found_sizes[None, :] + true_sizes[:, None] - shared)
    return float((overlap.max(axis=1).mean() + overlap.max(axis=0).mean()) / 2)


def recall_within(
    found: Scenes, true: Scenes, durations_seconds: NDArray[np.floating], *, seconds: float = 3.0
) -> float:
    """Share of the true boundaries that lie at most so many seconds from a found one (Rao et al., 2020: 3 s)."""
    starts = np.concatenate(([0.0], np.cumsum(durations_seconds)))
    true_times, found_times = starts[boundaries_of(true)], starts[boundaries_of(found)]
    if not len(true_times):
        return 1.0
    if not len(found_times):
        return 0.0
    nearest = np.abs(true_times[:, None] - found_times[None, :]).min(axis=1)
    return float((nearest <= seconds).mean())


def coverage_overflow(found: Scenes, true: Scenes) -> tuple[float, float]:
    """Coverage and overflow in shots (Vendrig and Worring, 2002).

    Coverage: how much of a true scene its longest piece holds. Overflow: how far found scenes that touch it reach
    beyond it, as a share of its two neighbours, at most 1. Both averaged over the true scenes by their shots.
    """
    shot_count = true[-1][1]
    shared, found_sizes, true_sizes = _intersections(found, true, np.ones(shot_count))
    covered = shared.max(axis=1)
    beyond = ((found_sizes[None, :] - shared) * (shared > 0)).sum(axis=1)
    padded = np.concatenate(([0.0], true_sizes, [0.0]))
    neighbours = padded[:-2] + padded[2:]
    overflow = np.minimum(beyond / np.maximum(neighbours, 1.0), 1.0)
    return float(covered.sum() / shot_count), float((overflow * true_sizes).sum() / shot_count)


def f_coverage_overflow(found: Scenes, true: Scenes) -> float:
    """F_co: the harmonic mean of coverage and one minus overflow."""
    coverage, overflow = coverage_overflow(found, true)
    kept = 1.0 - overflow
    return 2 * coverage * kept / (coverage + kept)


def _intersections(
    found: Scenes, true: Scenes, weights: NDArray[np.floating]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """What true (rows) and found (columns) scenes share, and the sizes of the found and the true ones."""
    for scenes in (found, true):
        tiled = bool(scenes) and [start for start, _ in scenes] == [0, *(end for _, end in scenes[:-1])]
        if not tiled or scenes[-1][1] != len(weights) or any(start >= end for start, end in scenes):
            raise ValueError(f"the scenes {list(scenes)} do not tile {len(weights)} shots")
    at = np.concatenate(([0.0], np.cumsum(np.asarray(weights, dtype=np.float64))))
    found_at, true_at = (at[np.array(each)] for each in (found, true))
    shared = np.minimum(true_at[:, None, 1], found_at[None, :, 1]) - np.maximum(
        true_at[:, None, 0], found_at[None, :, 0]
    )
    return np.maximum(shared, 0.0), np.diff(found_at)[:, 0], np.diff(true_at)[:, 0]
