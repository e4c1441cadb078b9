"""Posteriors as a joint space."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moodcut_scorer.errors import BadScoringError, ModelDamagedError
from moodcut_scorer.heads import load_heads
from moodcut_scorer.posteriorheads import (
    DIMENSION,
    MODALITIES,
    PosteriorHead,
    PosteriorHeads,
    embed_posteriors,
    film_features,
    posterior_arrays,
    posteriors_of,
)


def make_head(features: int, seed: int = 0) -> PosteriorHead:
    rng = np.random.default_rng(seed)
    return PosteriorHead(
        centre=rng.normal(size=features).astype(np.float32),
        scale=rng.uniform(0.5, 2, features).astype(np.float32),
        weight=rng.normal(size=(features, 6)).astype(np.float32),
        bias=rng.normal(size=6).astype(np.float32),
        temperature=1.5,
    )


def make_heads() -> PosteriorHeads:
    return PosteriorHeads(
        image=make_head(4),
        film=make_head(8),
        music=make_head(5),
        text=make_head(3),
        prompts=embed_posteriors(np.eye(6), "text"),
        logit_scale=8.0,
    )


@given(st.integers(0, 2**32 - 1), st.sampled_from(MODALITIES), st.sampled_from(MODALITIES))
def test_cosine_is_the_probability_of_the_same_emotion(seed: int, first: str, second: str) -> None:
    rng = np.random.default_rng(seed)
    p, q = rng.dirichlet(np.full(6, 0.3), 4), rng.dirichlet(np.full(6, 0.3), 5)
    a, b = embed_posteriors(p, first), embed_posteriors(q, second)
    assert a.shape == (4, DIMENSION)
    np.testing.assert_allclose(np.linalg.norm(a, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(posteriors_of(a), p, atol=1e-6)
    if first != second:
        np.testing.assert_allclose(a @ b.T, (p @ q.T - 1 / 6) / (5 / 6), atol=1e-5)


def test_certainty_and_chance() -> None:
    sure = embed_posteriors(np.eye(6), "image") @ embed_posteriors(np.eye(6), "music").T
    np.testing.assert_allclose(sure, np.eye(6) * 1.2 - 0.2, atol=1e-6)
    unsure = embed_posteriors(np.full((1, 6), 1 / 6), "image") @ embed_posteriors(np.eye(6), "music").T
    np.testing.assert_allclose(unsure, 0, atol=1e-6)


def test_posteriors_of_a_mean_are_probabilities() -> None:
    mixed = embed_posteriors(np.eye(6), "image")[[0, 3]].mean(axis=0, keepdims=True)
    odds = posteriors_of(mixed / np.linalg.norm(mixed))
    assert odds.min() >= 0
    assert odds.sum() == pytest.approx(1)
    assert odds[0, 0] == pytest.approx(odds[0, 3])


def test_films_read_mean_and_deviation_of_unit_frames() -> None:
    frames = np.array([[3.0, 0.0, 0.0, 0.0], [0.0, 5.0, 0.0, 0.0]], dtype=np.float32)
    np.testing.assert_allclose(film_features(frames), [0.5, 0.5, 0, 0, 0.5, 0.5, 0, 0])
    assert make_heads().embed_film(frames).shape == (DIMENSION,)
    np.testing.assert_allclose(make_heads().embed_images(frames), make_heads().embed_images(7 * frames), atol=1e-6)


def test_a_temperature_above_1_makes_less_sure() -> None:
    features = np.random.default_rng(1).normal(size=(5, 4)).astype(np.float32)
    head = make_head(4)
    shifted = np.exp(head.logits(features) / 1.5)
    np.testing.assert_allclose(head.posteriors(features), shifted / shifted.sum(axis=1, keepdims=True), rtol=1e-4)
    with pytest.raises(BadScoringError, match=r"\[n, 4\]"):
        head.logits(features[:, :3])


def test_kept_and_read_again(tmp_path: Path) -> None:
    path, heads = tmp_path / "heads.npz", make_heads()
    np.savez(path, **posterior_arrays(heads))  # type: ignore[arg-type]
    again = load_heads(path)
    assert isinstance(again, PosteriorHeads)
    assert again.dimension == DIMENSION
    features = np.ones((2, 5), dtype=np.float32)
    np.testing.assert_array_equal(again.embed_music(features), heads.embed_music(features))


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("music.weight", np.zeros((4, 6)), "music head"),
        ("music.temperature", np.array(0.0), "music head"),
        ("prompts", np.zeros((6, 3)), "prompts"),
        ("film.centre", None, "lacks"),
    ],
)
def test_damaged_files(tmp_path: Path, name: str, value: np.ndarray | None, words: str) -> None:
    arrays = posterior_arrays(make_heads())
    if value is None:
        del arrays[name]
    else:
        arrays[name] = value
    np.savez(tmp_path / "heads.npz", **arrays)  # type: ignore[arg-type]
    with pytest.raises(ModelDamagedError, match=words):
        load_heads(tmp_path / "heads.npz")
