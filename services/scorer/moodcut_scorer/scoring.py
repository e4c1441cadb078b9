"""Scores of shots against music: cosines in the joint emotion space (method, Eq. 3). Pure numpy.

S_i compares a shot with the whole piece; S_iu compares it with each unit of the grid. The sum of Eq. 10 is not made
here: the solver applies it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from moodcut_scorer.errors import BadScoringError
from moodcut_scorer.heads import JointSpace
from moodcut_scorer.vectors import unit

# How much of a shot's vector is its scene's; see docs/model-card.md for what it was chosen on.
SCENE_WEIGHT = 0.7


def pool_frames(frames: np.ndarray, shot_of_frame: Sequence[int] | np.ndarray, shot_count: int) -> np.ndarray:
    """One unit vector per shot, the mean of its frames': float32 [shot_count, d].

    ``frames`` [n, d] are unit vectors, ``shot_of_frame`` [n] says in which shot each lies (0-based). Raises
    BadScoringError if a shot has no frame or an index is out of range.
    """
    owner = np.asarray(shot_of_frame, dtype=np.int64)
    if frames.ndim != 2 or owner.shape != (len(frames),):
        raise BadScoringError(f"{len(frames)} frames need as many shot indices, not {owner.size}.")
    if owner.size and (owner.min() < 0 or owner.max() >= shot_count):
        raise BadScoringError(f"A frame belongs to a shot outside 0 .. {shot_count - 1}.")
    counts = np.bincount(owner, minlength=shot_count)
    if shot_count and counts.min() == 0:
        raise BadScoringError(f"Shot {int(np.argmin(counts))} has no frame to look at.")
    sums = np.zeros((shot_count, frames.shape[1]), dtype=np.float64)
    np.add.at(sums, owner, frames)
    return unit(sums)


def in_scenes(shots: np.ndarray, scenes: np.ndarray, scene_of_shot: Sequence[int] | np.ndarray) -> np.ndarray:
    """Shots [n, d] as seen in their scenes [m, d]: unit vectors float32 [n, d], mostly the scene's.

    A few frames of a shot say little of its emotion, and those of a scene more. ``scene_of_shot`` [n]: the row of each
    shot's scene. Raises BadScoringError for a row out of range.
    """
    rows = np.asarray(scene_of_shot, dtype=np.int64)
    if rows.shape != (len(shots),) or (rows.size and not 0 <= rows.min() <= rows.max() < len(scenes)):
        raise BadScoringError(f"{len(shots)} shots need as many rows of {len(scenes)} scenes.")
    return unit((1.0 - SCENE_WEIGHT) * shots + SCENE_WEIGHT * scenes[rows])


def embed_shots(
    heads: JointSpace,
    features: np.ndarray,
    shot_of_frame: Sequence[int] | np.ndarray,
    shot_count: int,
    *,
    scene_of_shot: Sequence[int] | np.ndarray | None = None,
) -> np.ndarray:
    """A film's shots from its keyframes' image features [n, f]: unit vectors float32 [shot_count, d].

    ``scene_of_shot`` [shot_count] numbers the scenes from 0, each with a shot: every shot is then seen in its scene.
    Raises BadScoringError.
    """
    shots = pool_frames(heads.embed_images(features), shot_of_frame, shot_count)
    if scene_of_shot is None:
        return shots
    scene_of_frame = np.asarray(scene_of_shot)[np.asarray(shot_of_frame)]
    scenes = [heads.embed_film(features[scene_of_frame == scene]) for scene in range(int(np.max(scene_of_shot)) + 1)]
    return in_scenes(shots, np.stack(scenes), scene_of_shot)


def piece_embedding(windows: np.ndarray) -> np.ndarray:
    """One unit vector float32 [d] for a whole piece: the mean over its windows [n, d], n at least 1."""
    if windows.ndim != 2 or not len(windows):
        raise BadScoringError("A piece of music needs at least one window.")
    return unit(windows.mean(axis=0))


def shot_scores(shots: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """S_i, float32 [n] in [-1, 1]: cosine of each shot [n, d] with one reference [d] (music, prompt or text)."""
    _check_width(shots, reference[None])
    return np.asarray(np.clip(unit(shots) @ unit(reference), -1.0, 1.0), dtype=np.float32)


def unit_scores(shots: np.ndarray, units: np.ndarray) -> np.ndarray:
    """S_iu, float32 [n, units] in [-1, 1]: cosine of each shot [n, d] with the music around each unit [units, d]."""
    _check_width(shots, units)
    return np.asarray(np.clip(unit(shots) @ unit(units).T, -1.0, 1.0), dtype=np.float32)


def random_scores(shot_count: int, *, seed: int, unit_count: int | None = None) -> np.ndarray:
    """Scores without meaning, uniform in [-1, 1): the ablation "without emotion". float32 [n] or [n, units].

    The same seed gives the same scores on any machine. Per unit the score of a shot stays the same over all units, so
    that a shot is good or bad as a whole, as S_i is. Raises BadScoringError for negative counts or seeds.
    """
    if shot_count < 0 or seed < 0 or (unit_count is not None and unit_count < 1):
        raise BadScoringError(f"Cannot draw scores for {shot_count} shots, {unit_count} units, seed {seed}.")
    drawn = np.random.default_rng(seed).uniform(-1.0, 1.0, shot_count).astype(np.float32)
    return drawn if unit_count is None else np.repeat(drawn[:, None], unit_count, axis=1)


def _check_width(shots: np.ndarray, references: np.ndarray) -> None:
    if shots.ndim != 2 or references.ndim != 2 or shots.shape[1] != references.shape[1]:
        raise BadScoringError(
            f"Shots {list(shots.shape)} and what they are compared with {list(references.shape)} are not [n, d] of the "
            "same d; both must come from the same model."
        )
