"""Scores are cosines, whatever the length of the vectors."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from moodcut_scorer.errors import BadScoringError
from moodcut_scorer.scoring import (
    SCENE_WEIGHT,
    in_scenes,
    piece_embedding,
    pool_frames,
    random_scores,
    shot_scores,
    unit_scores,
)

# Hundredths: a vector shorter than 1e-12 counts as zero, and its direction is nobody's concern.
VECTORS = arrays(np.int32, (5, 8), elements=st.integers(-1000, 1000)).map(
    lambda whole: (whole / 100).astype(np.float32)
)


def test_hand_computed() -> None:
    shots = np.array([[1, 0], [0, 2], [-3, 0], [3, 3]], dtype=np.float32)
    np.testing.assert_allclose(shot_scores(shots, np.array([2, 0], np.float32)), [1, 0, -1, 0.5**0.5], atol=1e-6)
    table = unit_scores(shots, np.array([[1, 0], [0, 1]], np.float32))
    np.testing.assert_allclose(table, [[1, 0], [0, 1], [-1, 0], [0.5**0.5, 0.5**0.5]], atol=1e-6)
    assert table.dtype == np.float32


@settings(deadline=None)
@given(VECTORS, VECTORS, st.floats(0.1, 100))
def test_scores_ignore_length_and_stay_in_range(shots: np.ndarray, units: np.ndarray, gain: float) -> None:
    scores = unit_scores(shots, units)
    assert (np.abs(scores) <= 1).all()
    np.testing.assert_allclose(unit_scores(shots * np.float32(gain), units), scores, atol=1e-4)
    np.testing.assert_allclose(shot_scores(shots, units[0]), scores[:, 0], atol=1e-6)


def test_pooling_is_the_mean_direction() -> None:
    frames = np.array([[1, 0], [0, 1], [0, -1]], dtype=np.float32)
    pooled = pool_frames(frames, [0, 0, 1], 2)
    np.testing.assert_allclose(pooled, [[0.5**0.5, 0.5**0.5], [0, -1]], atol=1e-6)
    np.testing.assert_allclose(piece_embedding(frames[:2]), pooled[0], atol=1e-6)


def test_pooling_refuses_what_does_not_fit() -> None:
    frames = np.eye(2, dtype=np.float32)
    with pytest.raises(BadScoringError, match="Shot 1 has no frame"):
        pool_frames(frames, [0, 2], 3)
    with pytest.raises(BadScoringError, match="outside"):
        pool_frames(frames, [0, 3], 3)
    with pytest.raises(BadScoringError, match="indices"):
        pool_frames(frames, [0], 1)
    with pytest.raises(BadScoringError, match="same d"):
        shot_scores(frames, np.ones(3, np.float32))
    with pytest.raises(BadScoringError, match="window"):
        piece_embedding(np.zeros((0, 2), np.float32))


def test_random_scores_are_seeded() -> None:
    first = random_scores(1000, seed=3)
    np.testing.assert_array_equal(first, random_scores(1000, seed=3))
    assert not np.array_equal(first, random_scores(1000, seed=4))
    assert first.min() >= -1
    assert first.max() < 1
    assert abs(float(first.mean())) < 0.1
    table = random_scores(4, seed=3, unit_count=3)
    np.testing.assert_array_equal(table, np.repeat(random_scores(4, seed=3)[:, None], 3, axis=1))
    with pytest.raises(BadScoringError):
        random_scores(4, seed=-1)


def test_shots_in_scenes_by_hand() -> None:
    shots = np.array([[1, 0], [0, 1], [0, 1]], dtype=np.float32)
    scenes = np.array([[0, 1], [1, 0]], dtype=np.float32)
    own, scene = 1 - SCENE_WEIGHT, SCENE_WEIGHT
    length = (own**2 + scene**2) ** 0.5
    expected = [[own / length, scene / length], [0, 1], [scene / length, own / length]]
    np.testing.assert_allclose(in_scenes(shots, scenes, [0, 0, 1]), expected, atol=1e-6)


@pytest.mark.parametrize("rows", [[0], [0, 2], [-1, 0]])
def test_a_scene_that_is_not_there_is_refused(rows: list[int]) -> None:
    with pytest.raises(BadScoringError, match="2 shots need as many rows of 2 scenes"):
        in_scenes(np.eye(2, dtype=np.float32), np.eye(2, dtype=np.float32), rows)
