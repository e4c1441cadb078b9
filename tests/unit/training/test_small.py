"""``python -m moodcut_training.small`` on features made by hand: what it writes, and what it says of mistakes."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from moodcut_scorer.emotions import EMOTIONS
from moodcut_scorer.heads import load_heads
from moodcut_scorer.posteriorheads import PosteriorHeads
from moodcut_scorer.traininglist import read_training_list
from moodcut_training import small
from moodcut_training.features import ClipFeatures


class MadeFeatures:
    """Stands in for the encoders: features that say the emotion in the file's name, through noise."""

    def __init__(self, cache: Path) -> None:
        self._cache = cache

    def clips(self, paths: Sequence[Path]) -> list[ClipFeatures]:
        found = []
        for seed, path in enumerate(paths):
            rng = np.random.default_rng(seed)
            shift = 3 * np.eye(8)[EMOTIONS.index(path.stem.partition("-")[0])]
            frames, windows = (rng.normal(size=(count, 8)).astype(np.float32) + shift for count in (9, 3))
            found.append(ClipFeatures(frames=frames, windows=windows, colour=rng.random(2), sound=rng.random(3)))
        return found


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    rows = ["file,emotion,group"]
    for emotion in EMOTIONS:
        for index in range(5):
            (tmp_path / f"{emotion}-{index}.mp4").write_bytes(f"{emotion} {index}".encode())
            rows.append(f"{emotion}-{index}.mp4,{emotion},{emotion} {index}")
    path = tmp_path / "clips.csv"
    path.write_text("\n".join(rows) + "\n")
    return path


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., None]:
    monkeypatch.setattr(small, "FeatureReader", MadeFeatures)
    prompts = np.eye(6)[:, None] + 0.01 * np.random.default_rng(5).normal(size=(6, 4, 6))
    monkeypatch.setattr(small, "prompt_features", lambda: prompts.astype(np.float32))

    def main(*words: str | Path) -> None:
        monkeypatch.setattr(sys, "argv", ["small", *map(str, words), "--cache", str(tmp_path / "cache")])
        small.main()

    return main


def test_heads_and_what_they_learned_from(
    run: Callable[..., None], manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    heads = tmp_path / "out" / "mine.npz"
    run("train", "--clips", manifest, "--out", heads)
    report = json.loads(capsys.readouterr().out)
    assert report["sha256"] == hashlib.sha256(heads.read_bytes()).hexdigest()
    assert not report["with_songs"]
    assert isinstance(load_heads(heads), PosteriorHeads)
    clips = {hashlib.sha256(path.read_bytes()).hexdigest() for path in manifest.parent.glob("*.mp4")}
    assert read_training_list(heads) == clips


def test_mistakes_end_in_one_message(
    run: Callable[..., None], manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad, few = tmp_path / "bad.csv", tmp_path / "few.csv"
    songs, unknown = tmp_path / "songs.csv", tmp_path / "unknown.csv"
    unknown.write_text("file,glee\nsad-0.mp4,0.5\n")
    bad.write_text("file,emotion,group\nsad-0.mp4,jolly,a\n")
    few.write_text("file,emotion,group\nsad-0.mp4,sad,a\nfear-0.mp4,fear,a\n")
    songs.write_text("file,tender\nsad-0.mp4,a little\n")
    for words, said in (
        (("--clips", tmp_path / "none.csv"), "none.csv"),
        (("--clips", bad), "line 2: 'jolly' is none of the six emotions"),
        (("--clips", few), "1 groups cannot make 4 folds"),
        (("--clips", manifest, "--songs", songs), "songs.csv: of the columns tender some value is no number"),
        (("--clips", manifest, "--songs", unknown), "'glee' is no felt emotion that is known; these are: amazement"),
    ):
        with pytest.raises(SystemExit) as ended:
            run("train", *words, "--out", tmp_path / "heads.npz")
        assert ended.value.code == 1
        assert said in capsys.readouterr().err
        assert not (tmp_path / "heads.npz").exists()
