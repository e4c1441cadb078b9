"""`moodcut evaluate` on a folder of small files: picture and sound, one of both, and a broken one."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest

from moodcut_scorer.registry import shipped_path
from moodcut_scorer.traininglist import write_training_list

EMOTIONS = ("excited", "fear", "neutral", "relaxation", "sad", "tension")


def write_media(path: Path, seed: int, *, picture: bool, sound: bool) -> None:
    rng = np.random.default_rng(seed)
    with av.open(str(path), "w") as container:
        if picture:
            video = container.add_stream("mpeg4", rate=10)
            video.width, video.height, video.pix_fmt = 96, 64, "yuv420p"
        if sound:
            audio = container.add_stream("aac", rate=16_000, layout="mono")
        if picture:
            colour = rng.integers(0, 255, 3)
            for index in range(10):
                pixels = np.clip(rng.normal(colour + index, 20, (64, 96, 3)), 0, 255).astype(np.uint8)
                container.mux(video.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
            container.mux(video.encode())
        if sound:
            time = np.arange(32_000) / 16_000
            wave = (0.3 * np.sin(2 * np.pi * (110 + 20 * seed) * time)).astype(np.float32)
            for start in range(0, len(wave), 1024):
                frame = av.AudioFrame.from_ndarray(wave[None, start : start + 1024], format="fltp", layout="mono")
                frame.sample_rate, frame.pts = 16_000, start
                container.mux(audio.encode(frame))
            container.mux(audio.encode())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("labelled")
    rows = ["file,emotion,group,split"]
    for index, emotion in enumerate([*EMOTIONS, *EMOTIONS]):
        name = f"{index}.mp4"
        write_media(folder / name, index, picture=index != 1, sound=index != 2)
        rows.append(f"{name},{emotion},g{index // 2},{'train' if index < 6 else 'test'}")
    (folder / "broken.mp4").write_bytes(b"\0\0\0\x18ftypmp42 and no more")
    rows += ["broken.mp4,sad,b,test", "absent.mp4,sad,b,test"]
    (folder / "clips.csv").write_text("\n".join(rows) + "\n")
    (folder / "silent.csv").write_text("file,emotion,group\n2.mp4,neutral,g1\n")
    (folder / "music.csv").write_text("file,emotion,group\n1.mp4,fear,g0\n4.mp4,sad,g2\n")
    return folder


def moodcut(*words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "moodcut", "evaluate", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_json_pictures_and_baselines(folder: Path, tmp_path: Path) -> None:
    done = moodcut("small", folder / "clips.csv", "--json", "--png", tmp_path / "png")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    for modality, count in (("audio", 11), ("visual", 11), ("joint", 10)):
        figures = found[modality]
        assert figures["count"] == count
        assert 0 <= figures["interval"][0] <= figures["accuracy"] <= figures["interval"][1] <= 1
        assert 0 <= figures["macro_f1"] <= 1
        assert sum(map(sum, figures["confusion"])) == count
    assert 0 < found["retrieval"]["image_by_music_map"] <= 1
    assert 0 < found["retrieval"]["music_by_image_map"] <= 1
    assert [each["file"] for each in found["failed"]] == ["broken.mp4", "absent.mp4"]
    assert "left out broken.mp4" in done.stderr
    assert any(name.endswith("nearest prompt") for name in found["others"])
    assert {"chance", "colour affect; loudness, tempo and mode"} <= set(found["others"])
    names = {path.name for path in (tmp_path / "png").iterdir()}
    assert names == {"confusion-audio.png", "confusion-visual.png", "confusion-joint.png"}


def test_table_with_learned_classifiers(folder: Path) -> None:
    csv = folder / "clips.csv"
    done = moodcut("small", csv, "--split", "test", "--train", csv, "--train-split", "train")
    assert done.returncode == 0, done.stderr
    assert "6 files of 3 groups" in done.stdout
    for words in ("supervised classifiers", "macro F1", "majority", "what was found"):
        assert words in done.stdout
    assert "mean average precision" not in done.stdout, "no emotion has two groups here, so nothing can be ranked"


def test_classifiers_learned_from_pictures_alone(folder: Path) -> None:
    done = moodcut("small", folder / "music.csv", "--train", folder / "silent.csv", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    learned = found["others"]["supervised classifiers"]
    assert learned["audio"] is None
    assert learned["visual"]["count"] == 1
    assert found["met_in_training"] == []
    assert found["met_by_classifiers"] == []


def test_clips_that_the_model_met_are_told(folder: Path, tmp_path: Path) -> None:
    own = tmp_path / "own"
    shutil.copytree(shipped_path(""), own)
    write_training_list(own / "heads.npz", [folder / "4.mp4"])
    done = moodcut(own, folder / "music.csv", "--train", folder / "music.csv")
    assert done.returncode == 0, done.stderr
    assert re.search(r"^CAUTION: own-\w+ was trained on 1 of these files", done.stdout, re.MULTILINE)
    assert "CAUTION: 2 of these files share a group with --train" in done.stdout


def test_mistakes_are_named(folder: Path, tmp_path: Path) -> None:
    csv = folder / "clips.csv"
    for words, said in (
        (("nosuch", csv), "There is no model 'nosuch'"),
        (("small", csv, "--split", "dev"), "lists no files of the split 'dev'"),
        ((tmp_path, csv), "`moodcut train --export`"),
        (
            ("small", csv, "--media", tmp_path),
            f"None of 14 files could be read; the first: There is no file {tmp_path / '0.mp4'}",
        ),
        (("small", csv, "--zero-shot", "audioclip"), "is not NAME=WEIGHTS"),
    ):
        done = moodcut(*words)
        assert done.returncode == 1
        assert said in done.stderr
        assert "Traceback" not in done.stderr
        assert done.stdout == ""
