"""The learned part as arrays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from moodcut_scorer.errors import BadScoringError, ModelDamagedError, ModelMissingError
from moodcut_scorer.heads import Head, Heads, heads_to_arrays, load_heads
from moodcut_scorer.vectors import softmax, unit


def make_head(features: int = 4, dimension: int = 3, temperature: float = 2.0) -> Head:
    rng = np.random.default_rng(features)
    return Head(
        centre=rng.normal(size=features).astype(np.float32),
        scale=np.full(features, 2.0, np.float32),
        weight=rng.normal(size=(features, dimension)).astype(np.float32),
        bias=rng.normal(size=dimension).astype(np.float32),
        class_weight=rng.normal(size=(dimension, 6)).astype(np.float32),
        class_bias=np.zeros(6, np.float32),
        temperature=temperature,
    )


def make_heads() -> Heads:
    prompts = unit(np.random.default_rng(0).normal(size=(6, 3)))
    return Heads(
        image=make_head(4), music=make_head(5), text=make_head(2), prompts=prompts, logit_scale=9.0, logit_bias=-4.0
    )


def test_embed_is_standardise_project_normalise() -> None:
    head = make_head()
    features = np.array([[1.0, 2.0, -1.0, 0.5]], dtype=np.float32)
    straight = (features[0] - head.centre) / 2.0 @ head.weight + head.bias
    np.testing.assert_allclose(head.embed(features)[0], straight / np.linalg.norm(straight), rtol=1e-5)
    with pytest.raises(BadScoringError, match=r"\[n, 4\]"):
        head.embed(np.zeros((1, 3), np.float32))


def test_temperature_softens_without_changing_the_order() -> None:
    embedding = unit(np.array([[1.0, -2.0, 0.3]]))
    sharp, soft = (make_head(temperature=t).posteriors(embedding)[0] for t in (0.5, 5.0))
    assert sharp.sum() == pytest.approx(1, abs=1e-6)
    assert sharp.max() > soft.max()
    np.testing.assert_array_equal(np.argsort(sharp), np.argsort(soft))


def test_softmax_is_stable() -> None:
    np.testing.assert_allclose(softmax(np.array([[1000.0, 1000.0]])), [[0.5, 0.5]])


def test_file_round_trip(tmp_path: Path) -> None:
    heads = make_heads()
    path = tmp_path / "heads.npz"
    np.savez(path, **heads_to_arrays(heads))
    again = load_heads(path)
    features = np.random.default_rng(1).normal(size=(3, 5)).astype(np.float32)
    np.testing.assert_array_equal(again.music.embed(features), heads.music.embed(features))
    assert (again.logit_scale, again.logit_bias, again.dimension) == (9.0, -4.0, 3)


def test_damaged_files(tmp_path: Path) -> None:
    path = tmp_path / "heads.npz"
    with pytest.raises(ModelMissingError, match=r"heads\.npz"):
        load_heads(path)
    path.write_bytes(b"PK\x03\x04 not really")
    with pytest.raises(ModelDamagedError):
        load_heads(path)
    arrays = heads_to_arrays(make_heads())
    np.savez(path, **{name: array for name, array in arrays.items() if name != "music.bias"})
    with pytest.raises(ModelDamagedError, match=r"music\.bias"):
        load_heads(path)
    np.savez(path, **{**arrays, "image.weight": arrays["image.weight"][:, :2]})
    with pytest.raises(ModelDamagedError, match="image"):
        load_heads(path)
