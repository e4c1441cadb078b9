"""Splits never divide a group; batches hold one of each emotion."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moodcut_training.data import ManifestError, emotion_batches, grouped_folds, read_clips

ITEMS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 30)), min_size=20, max_size=80)


@settings(deadline=None, max_examples=60)
@given(ITEMS, st.integers(0, 5))
def test_groups_stay_whole(items: list[tuple[int, int]], seed: int) -> None:
    labels = [label for label, _ in items]
    groups = [f"g{group}" for _, group in items]
    if len(set(groups)) < 5:
        return
    folds = grouped_folds(labels, groups, fold_count=5, seed=seed)
    assert set(folds) == set(range(5))
    for group in set(groups):
        assert len({int(fold) for fold, name in zip(folds, groups, strict=True) if name == group}) == 1


def test_folds_are_even_when_they_can_be() -> None:
    labels = [n % 6 for n in range(60)]
    folds = grouped_folds(labels, [f"g{n}" for n in range(60)], fold_count=5, seed=1)
    table = np.zeros((5, 6), dtype=int)
    np.add.at(table, (folds, labels), 1)
    assert (table == 2).all()


def test_too_few_groups() -> None:
    with pytest.raises(ValueError, match="2 groups"):
        grouped_folds([0, 1, 2], ["a", "a", "b"], fold_count=3, seed=0)


def test_an_epoch_walks_the_largest_class_once() -> None:
    labels = np.array([0] * 7 + [1] * 3 + [2] * 2 + [3] * 1 + [4] * 5 + [5] * 4)
    batches = list(emotion_batches(labels, np.random.default_rng(0)))
    assert len(batches) == 7
    for batch in batches:
        assert labels[batch].tolist() == [0, 1, 2, 3, 4, 5]
    assert sorted(int(batch[0]) for batch in batches) == list(range(7))
    seen = [int(batch[1]) for batch in batches]
    assert set(seen) == {7, 8, 9}
    assert max(seen.count(item) for item in set(seen)) <= 3
    with pytest.raises(ValueError, match="tension"):
        list(emotion_batches(np.array([0, 1, 2, 3, 4]), np.random.default_rng(0)))


def test_manifest_errors_name_the_line(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"")
    manifest = tmp_path / "manifest.csv"
    manifest.write_text("file,emotion,group\na.mp4,sad,g1\n")
    (clip,) = read_clips(manifest)
    assert (clip.emotion, clip.group, clip.path.name) == (4, "g1", "a.mp4")
    for content, words in (
        ("file,emotion\na.mp4,sad\n", "no column group"),
        ("file,emotion,group\na.mp4,jolly,g\n", "line 2: 'jolly'"),
        ("file,emotion,group\na.mp4,sad,g\nb.mp4,sad,g\n", "line 3: b.mp4"),
        ("file,emotion,group\n", "no clips"),
    ):
        manifest.write_text(content)
        with pytest.raises(ManifestError, match=words):
            read_clips(manifest)
