"""`moodcut match` as a user runs it, on a film and songs of known truth."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.command import run, run_json, serving
from support.trial import Trial

from moodcut.demo import write_song


@pytest.fixture(scope="module")
def other_song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("songs") / "other.wav"
    write_song(path, bpm=70, bars=5, mood="sad", seed=6)
    return path


@pytest.fixture(scope="module")
def no_song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("songs") / "notes.wav"
    path.write_text("no sound at all\n")
    return path


def test_songs_are_ranked_and_explained(trial: Trial, other_song: Path, no_song: Path) -> None:
    found = run_json(
        "match", trial.film, trial.song, other_song, no_song, "--store", trial.store, "--top-scenes", "1000"
    )["matches"]
    assert {each["music"] for each in found[:2]} == {str(trial.song), str(other_song)}
    assert found[0]["fit"] >= found[1]["fit"]
    for each in found[:2]:
        assert each["movie"] == str(trial.film)
        assert each["error"] is None
        assert -1 <= each["mean_similarity"] <= 1
        for emotion in ("music_emotion", "movie_emotion", "selection_emotion"):
            assert sum(each[emotion].values()) == pytest.approx(1.0, abs=1e-3)
        similarities = [scene["mean_similarity"] for scene in each["scenes"]]
        assert similarities == sorted(similarities, reverse=True)
        assert sum(scene["unit_count"] for scene in each["scenes"]) == each["unit_count"]
        # What the selection reaches lies within what its scenes offer: it is the best of them.
        assert each["fit"] >= each["mean_similarity"]
    assert found[2]["music"] == str(no_song)
    assert found[2]["fit"] is None
    assert "notes.wav" in found[2]["error"]["message"]


def test_the_fit_is_that_of_the_montage(trial: Trial) -> None:
    (match,) = run_json("match", trial.film, trial.song, "--store", trial.store)["matches"]
    made = run_json("make", trial.film, trial.song, "--dry-run", "--relax", "--store", trial.store)
    units = sum(each["bar_count"] for each in made["selection"])
    mean = sum(each["similarity"] * each["bar_count"] for each in made["selection"]) / units
    assert match["unit_count"] == units
    assert match["fit"] == pytest.approx(mean, abs=1e-5)
    assert match["music_emotion"] == made["emotion"]


def test_scenes_for_a_song_in_words(trial: Trial) -> None:
    stdout, stderr = run("match", "--for-song", trial.song, trial.film, "--store", trial.store, "--top-scenes", "9")
    assert stdout.splitlines()[0].startswith("  1  fit ")
    assert trial.film.name in stdout.splitlines()[0]
    assert "scene-001  0:00-" in stdout
    assert stderr == ""


def test_a_server_is_asked_the_same(trial: Trial, tmp_path: Path) -> None:
    here = run_json("match", trial.film, trial.song, "--store", trial.store)
    with serving("all", "--store", trial.store, log=tmp_path / "all.log") as address:
        there = run_json("match", trial.film, trial.song, "--server", address)
    assert there == here


def test_mistakes_end_in_one_clear_message(trial: Trial, no_song: Path) -> None:
    _, stderr = run("match", trial.film, expect=2)
    assert "name a film and at least one song" in stderr
    _, stderr = run("match", trial.film, trial.song, "--server", "localhost:1", "--store", "x", expect=2)
    assert "leave --store away" in stderr
    _, stderr = run("match", trial.film, no_song, "--store", trial.store, expect=1)
    assert "notes.wav" in stderr
    assert "Traceback" not in stderr
    stdout, stderr = run("match", trial.film, no_song, "--json", "--store", trial.store, expect=1)
    (pair,) = json.loads(stdout)["matches"]
    assert pair["error"]["message"] in stderr
    assert pair["fit"] is None
    stdout, stderr = run("match", trial.film, trial.song, trial.song, "--store", trial.store)
    assert stdout.count("fit ") == 1
