"""Manifests: groups are never divided, every emotion is left to train on, and errors name the line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moodcut_scorer.emotions import EMOTIONS
from moodcut_training.errors import DatasetError
from moodcut_training.manifest import Item, manifest_digest, part_of, read_manifest, split_groups, write_split

ITEMS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 30)), min_size=5, max_size=80)


@settings(deadline=None, max_examples=80)
@given(ITEMS, st.integers(0, 5), st.floats(0, 0.5), st.floats(0, 0.45))
def test_groups_stay_whole_and_parts_without_a_share_empty(
    items: list[tuple[int, int]], seed: int, validation: float, test: float
) -> None:
    labels, groups = [label for label, _ in items], [f"g{group}" for _, group in items]
    shares = (1 - validation - test, validation, test)
    parts = split_groups(labels, groups, shares, seed=seed)
    for group in set(groups):
        assert len({int(part) for part, name in zip(parts, groups, strict=True) if name == group}) == 1
    wanted = {part for part, share in enumerate(shares) if share > 0}
    assert set(parts.tolist()) <= wanted
    if len(set(groups)) >= len(wanted):
        assert set(parts.tolist()) == wanted


def test_shares_are_met_when_they_can_be() -> None:
    labels = [n % 6 for n in range(600)]
    parts = split_groups(labels, [f"g{n}" for n in range(600)], (0.8, 0.1, 0.1), seed=3)
    table = np.zeros((3, 6), dtype=int)
    np.add.at(table, (parts, labels), 1)
    assert table.tolist() == [[80] * 6, [10] * 6, [10] * 6]
    assert (split_groups(labels, [f"g{n}" for n in range(600)], (0.8, 0.1, 0.1), seed=4) != parts).any()


def make(directory: Path, text: str) -> Path:
    for name in ("a.mp4", *(f"{emotion}.mp4" for emotion in EMOTIONS)):
        (directory / name).write_bytes(b"")
    manifest = directory / "manifest.csv"
    manifest.write_text(text, encoding="utf-8")
    return manifest


def read(manifest: Path, media: Path | None = None) -> list[Item]:
    return read_manifest(manifest, media, validation_share=0.0, test_share=0.0, seed=0)


ONE_EACH = "".join(f"{emotion}.mp4,{emotion},{emotion}\n" for emotion in EMOTIONS)


def test_a_good_one(tmp_path: Path) -> None:
    items = read(make(tmp_path, "\ufefffile,emotion,group\n" + ONE_EACH))
    assert [item.emotion for item in items] == list(range(6))
    assert {item.split for item in items} == {"train"}
    elsewhere = tmp_path / "elsewhere.csv"
    elsewhere.write_text("file,emotion,group\n" + ONE_EACH)
    assert manifest_digest(read(elsewhere, tmp_path)) == manifest_digest(items)


def test_a_given_split_is_kept(tmp_path: Path) -> None:
    rows = ONE_EACH.replace("\n", ",train\n") + "a.mp4,sad,other,test\n"
    items = read(make(tmp_path, "file,emotion,group,split\n" + rows))
    assert [item.file for item in part_of(items, "test")] == ["a.mp4"]
    assert part_of(items, "validation") == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("file,emotion\na.mp4,sad\n", "no column group.*both sides of the split"),
        ("file,emotion,group\na.mp4,jolly,g\n", "line 2: the emotion 'jolly' is none of excited"),
        ("file,emotion,group\na.mp4,sad,\n", "line 2: a.mp4 has no group"),
        ("file,emotion,group\na.mp4,sad,g\nb.mp4,sad,g\n", "line 3: there is no file .*b.mp4"),
        ("file,emotion,group\na.mp4,sad,g\nsad.mp4,sad,g\na.mp4,fear,h\n", "line 4: a.mp4 stands in line 2 already"),
        ("file,emotion,group\n", "lists no files"),
        ("file,emotion,group\na.mp4,sad,g\n", "no clip of excited, fear, neutral, relaxation, tension is left"),
        ("file,emotion,group,split\na.mp4,sad,g,dev\n", "line 2: the split 'dev' is none of train"),
        (
            "file,emotion,group,split\n" + ONE_EACH.replace("\n", ",train\n") + "a.mp4,sad,sad,test\n",
            "the group 'sad' is divided: sad.mp4 is in train, a.mp4 in test",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=words):
        read(make(tmp_path, text))


def test_a_share_that_no_group_is_left_for_is_refused(tmp_path: Path) -> None:
    manifest = make(tmp_path, "file,emotion,group\n" + "".join(f"{each}.mp4,{each},one\n" for each in EMOTIONS))
    with pytest.raises(DatasetError, match=r"train, test need a group each.* number of groups is 1\..*test_share = 0"):
        read_manifest(manifest, validation_share=0.0, test_share=0.1, seed=0)
    assert len(read(manifest)) == len(EMOTIONS)


def test_a_drawn_split_can_be_given(tmp_path: Path) -> None:
    rows = "".join(f"{emotion}.mp4,{emotion},{emotion}\n" for emotion in EMOTIONS) + "a.mp4,sad,other\n"
    manifest = make(tmp_path, "file,emotion,group\n" + rows)
    for seed in range(5):
        drawn = read_manifest(manifest, validation_share=0.0, test_share=0.1, seed=seed)
        assert [EMOTIONS[item.emotion] for item in part_of(drawn, "test")] == ["sad"]
        assert read(write_split(drawn, tmp_path / "runs" / "split.csv"), tmp_path) == drawn


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"manifest .*none\.csv cannot be read"):
        read(tmp_path / "none.csv")
    (tmp_path / "latin.csv").write_bytes(b"file,emotion,group\n\xe9,sad,g\n")
    with pytest.raises(DatasetError, match="no CSV in UTF-8"):
        read(tmp_path / "latin.csv")
