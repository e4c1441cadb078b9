"""The heads that ship, fitted on features made by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from moodcut_scorer.heads import load_heads
from moodcut_scorer.posteriorheads import PosteriorHeads
from moodcut_scorer.vectors import unit
from moodcut_training.evaluate import cross_validate, differences, table
from moodcut_training.export import export_posterior_heads
from moodcut_training.features import ClipFeatures
from moodcut_training.methods import (
    Labelled,
    affect_method,
    chance_method,
    majority_method,
    posterior_method,
    shot_posteriors,
    supervised_method,
)
from moodcut_training.posteriors import PosteriorConfig, Songs, fit_heads, shot_rows, window_rows

CONFIG = PosteriorConfig(penalty=0.1)


def made_data(seed: int = 0, per_emotion: int = 6) -> Labelled:
    """Clips whose features say their emotion, through noise; the first has no picture, the second no sound."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(6), per_emotion)
    clips = []
    for index, label in enumerate(labels):
        frames = rng.normal(size=(9 if index else 0, 12)) + 3 * np.eye(12)[label]
        windows = rng.normal(size=(3 if index != 1 else 0, 12)) + 3 * np.eye(12)[label]
        colour = rng.random(2) if index else np.full(2, np.nan)
        sound = rng.random(3) if index != 1 else np.full(3, np.nan)
        clips.append(
            ClipFeatures(
                frames=frames.astype(np.float32), windows=windows.astype(np.float32), colour=colour, sound=sound
            )
        )
    return Labelled(clips=clips, labels=labels, groups=np.array([f"g{index}" for index in range(len(labels))]))


def made_prompts() -> np.ndarray:
    rng = np.random.default_rng(5)
    return (np.eye(6)[:, None] @ rng.normal(size=(1, 6, 8)) + 0.01 * rng.normal(size=(6, 4, 8))).astype(np.float32)


def made_songs() -> Songs:
    """Songs whose windows say their emotion where those of clips say nothing."""
    rng = np.random.default_rng(6)
    shares = rng.dirichlet(np.full(6, 0.2), size=60)
    return Songs(windows=0.3 * rng.normal(size=(60, 12)) + 3 * shares @ np.eye(12)[6:], shares=shares)


def fitted(config: PosteriorConfig = CONFIG, songs: Songs | None = None) -> tuple[Labelled, PosteriorHeads]:
    data = made_data()
    return data, fit_heads(data.clips, data.labels, data.groups.tolist(), made_prompts(), config, songs=songs)


def test_heads_learn_what_features_say() -> None:
    data, heads = fitted()
    films = np.stack([heads.embed_film(clip.frames) for clip in data.clips[1:]])
    assert np.mean(heads.image_posteriors(films).argmax(axis=1) == data.labels[1:]) > 0.9
    assert (heads.prompts @ heads.prompts.T).argmax(axis=1).tolist() == list(range(6))
    shots = np.stack([shot_posteriors(heads, clip) for clip in data.clips[1:]])
    assert shots.shape == (35, 3, 6)
    assert np.mean(shots.argmax(axis=2) == data.labels[1:, None]) > 0.8
    assert heads.music.temperature > 0


def test_the_same_data_give_the_same_file(tmp_path: Path) -> None:
    paths = [export_posterior_heads(fitted()[1], tmp_path / name) for name in ("a.npz", "b.npz")]
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert isinstance(load_heads(paths[0]), PosteriorHeads)


def test_songs_teach_music_alone() -> None:
    songs = made_songs()
    _, without = fitted()
    _, with_songs = fitted(songs=songs)
    np.testing.assert_array_equal(without.film.weight, with_songs.film.weight)

    def right(heads: PosteriorHeads) -> float:
        said = heads.music_posteriors(heads.embed_music(songs.windows))
        return float(np.mean(said.argmax(axis=1) == songs.shares.argmax(axis=1)))

    assert right(with_songs) > right(without) + 0.3


def test_rows_and_weights() -> None:
    data = made_data()
    shots, windows = shot_rows(data.clips, data.labels), window_rows(data.clips, data.labels)
    assert len(shots.labels) == 35 * 3
    np.testing.assert_allclose(shots.features[0], unit(data.clips[1].frames[:3]).mean(axis=0), rtol=1e-6)
    assert len(windows.labels) == 35 * 3
    assert np.bincount(shots.owner, weights=shots.weights())[1:] == pytest.approx(1)


@pytest.mark.parametrize("values", [{"penalty": 0.0}, {"song_weight": -1.0}, {"inner_folds": 1}])
def test_bad_configs(values: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(values))):
        PosteriorConfig(**values)  # type: ignore[arg-type]


def test_cross_validation_ranks_the_methods() -> None:
    data = made_data()
    methods = [posterior_method("small", made_prompts(), None, CONFIG), supervised_method, affect_method]
    found = cross_validate(data, [*methods, majority_method, chance_method], fold_count=3, seeds=(0,))
    by_name = {each.name: each for each in found}
    small, chance = by_name["small"], by_name["chance"]
    assert small.figures["visual"].count == 35
    assert small.figures["joint"].count == 34
    assert small.figures["joint"].accuracy > 0.8 > chance.figures["joint"].accuracy
    assert small.image_by_music is not None
    assert chance.image_by_music is not None
    assert small.image_by_music[0] > chance.image_by_music[0]
    assert by_name["majority"].image_by_music is None
    assert by_name["majority"].figures["visual"].accuracy < 0.3
    assert "small, nearest prompt" in by_name
    lines = table(found).splitlines()
    assert len(lines) == 2 + len(found)
    assert "retrieval" in small.summary()
    better, interval = small.less(chance, "joint") or (0.0, (0.0, 0.0))
    assert better == pytest.approx(small.figures["joint"].accuracy - chance.figures["joint"].accuracy)
    assert interval[0] < better < interval[1]
    assert small.less(by_name["majority"], "image") is None
    assert len(differences(found).splitlines()) == 1 + len(found)
