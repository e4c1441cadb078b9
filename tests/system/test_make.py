"""`moodcut make` as a user runs it, on a film and a song of known truth."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from support.command import COMMAND, run, run_json
from support.trial import Trial
from support.verify_montage import clips_from_report, verify_montage

EMOTIONS = {"excited", "fear", "neutral", "relaxation", "sad", "tension"}


@pytest.fixture(scope="module")
def made(trial: Trial, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, dict[str, Any]]:
    """A montage, its artifacts and its report."""
    directory = tmp_path_factory.mktemp("made")
    output, kept = directory / "montage.mp4", directory / "kept"
    report = run_json("make", trial.film, trial.song, "-o", output, "--store", trial.store, "--keep", kept)
    return output, kept, report


def test_the_report_has_all_that_is_promised(trial: Trial, made: tuple[Path, Path, dict[str, Any]]) -> None:
    output, _, report = made
    for shot in report["shots"]:
        assert {"shot_id", "scene_id", "start_frame", "end_frame", "start_seconds", "end_seconds"} <= set(shot)
    for scene in report["scenes"]:
        assert {"scene_id", "start_frame", "end_frame", "start_seconds", "end_seconds"} <= set(scene)
    for bar in report["bars"]:
        assert {"index", "start_seconds", "end_seconds"} <= set(bar)
    for each in report["selection"]:
        assert {
            "shot_id",
            "scene_id",
            "first_bar",
            "bar_count",
            "source_start_seconds",
            "source_end_seconds",
            "score",
        } <= set(each)
    assert set(report["emotion"]) == EMOTIONS
    assert sum(report["emotion"].values()) == pytest.approx(1.0, abs=1e-4)
    assert report["output"] == str(output)
    assert set(report["stage_seconds"]) == {"segment_movie", "segment_music", "score", "solve", "render"}
    assert not report["reused"]


def test_shots_and_bars_are_those_of_the_truth(trial: Trial, made: tuple[Path, Path, dict[str, Any]]) -> None:
    report = made[2]
    assert [(each["start_frame"], each["end_frame"]) for each in report["shots"]] == [
        (each.start_frame, each.end_frame) for each in trial.film_truth.shots
    ]
    assert report["meter"] == 4
    assert report["bpm"] == pytest.approx(116, rel=0.03)


def test_the_selection_keeps_every_promise(made: tuple[Path, Path, dict[str, Any]]) -> None:
    report = made[2]
    shots = {each["shot_id"]: each for each in report["shots"]}
    at, before = 0, -1.0
    for each in report["selection"]:
        shot = shots[each["shot_id"]]
        assert each["first_bar"] == at
        assert 1 <= each["bar_count"] <= 4
        assert shot["start_seconds"] <= each["source_start_seconds"] < each["source_end_seconds"] <= shot["end_seconds"]
        assert each["source_start_seconds"] > before
        at, before = at + each["bar_count"], each["source_start_seconds"]
    assert len({each["scene_id"] for each in report["selection"]}) <= 5
    assert at == len(report["unit_boundaries_seconds"]) - 1
    assert report["status"] == "optimal"


def test_the_file_shows_what_the_report_says(trial: Trial, made: tuple[Path, Path, dict[str, Any]]) -> None:
    output, _, report = made
    assert report["max_sync_error_ms"] <= 20.0 + 1e-6
    units_seconds = report["music_end_seconds"] - report["music_start_seconds"]
    assert abs(report["duration_seconds"] - units_seconds) <= 0.02 + 1e-9
    findings = verify_montage(
        output,
        movie=trial.film,
        music=trial.song,
        music_start_seconds=report["music_start_seconds"],
        clips=clips_from_report(report),
    )
    frame_count = round(Fraction(report["fps"]) * Fraction(str(round(report["duration_seconds"], 6))))
    assert findings.problems(expected_frame_count=frame_count) == []


def test_artifacts_are_kept_and_can_be_used_again(
    trial: Trial, made: tuple[Path, Path, dict[str, Any]], tmp_path: Path
) -> None:
    output, kept, report = made
    assert {path.name for path in kept.iterdir()} == {
        "movie.json", "music.json", "scores.json", "problem.json", "solution.json", "timeline.json",
        "montage.mp4", "montage.otio", "report.json", "keyframes",
    }  # fmt: skip
    frames = list((kept / "keyframes").iterdir())
    assert len(report["shots"]) <= len(frames) <= 3 * len(report["shots"])
    solved = json.loads(run("solve", kept / "problem.json")[0])
    assert [each["shot_id"] for each in solved["placements"]] == [each["shot_id"] for each in report["selection"]]
    again = tmp_path / "again.mp4"
    run(
        "render", kept / "timeline.json", "--movie", trial.film, "--music", trial.song, "-o", again,
        "--store", trial.store,
    )  # fmt: skip
    assert again.read_bytes() == output.read_bytes()
    _, stderr = run(
        "render", kept / "timeline.json", "--movie", trial.song, "--music", trial.song, "-o", again,
        "--store", trial.store, expect=1,
    )  # fmt: skip
    assert "is not the film" in stderr


def test_asking_twice_is_free(trial: Trial, made: tuple[Path, Path, dict[str, Any]], tmp_path: Path) -> None:
    again = run_json("make", trial.film, trial.song, "-o", tmp_path / "again.mp4", "--store", trial.store, "--keep",
                     tmp_path / "kept")  # fmt: skip
    assert again["reused"]
    assert (tmp_path / "again.mp4").read_bytes() == made[0].read_bytes()


def dry(trial: Trial, *options: str) -> dict[str, Any]:
    return run_json("make", trial.film, trial.song, "--dry-run", "--store", trial.store, *options)


def test_the_papers_style(trial: Trial) -> None:
    report = dry(trial, "--style", "paper", "--constraint", "none", "--relax")
    assert "output" not in report
    assert "render" not in report["stage_seconds"]


@pytest.mark.parametrize("options", [["--constraint", "soft"], ["--constraint", "none"], ["--mood", "sad"]], ids=str)
def test_constraints_and_moods(trial: Trial, options: list[str]) -> None:
    report = dry(trial, *options)
    assert report["status"] in ("optimal", "feasible")


def test_units_durations_and_ranges(trial: Trial) -> None:
    beats = dry(trial, "--unit", "beat", "--duration", "5")
    assert beats["unit"] == "beat"
    assert 5 - 0.6 < beats["duration_seconds"] <= 5.02
    none = dry(trial, "--unit", "none", "--duration", "0:04.95", "--in-point", "1")
    assert none["duration_seconds"] == pytest.approx(4.9, abs=0.021)
    late = dry(trial, "--film-range", "20-", "--duration", "6")
    assert min(each["source_start_seconds"] for each in late["selection"]) >= 20


def test_random_scores_depend_on_the_seed_alone(trial: Trial) -> None:
    runs = [dry(trial, "--scores", "random", "--seed", seed) for seed in ("1", "1", "2")]
    scores = [[each["similarity"] for each in report["selection"]] for report in runs]
    assert scores[0] == scores[1]
    assert scores[0] != scores[2]


def test_nothing_fits_says_why_and_relaxing_helps(trial: Trial) -> None:
    options = ["--film-range", "0-9", "--max-scenes", "1"]
    stdout, stderr = run("make", trial.film, trial.song, "--dry-run", "--store", trial.store, *options, expect=3)
    assert stdout == ""
    assert "no choice of shots fills exactly" in stderr
    assert "What would help" in stderr
    report = dry(trial, *options, "--relax")
    assert report["relaxations"]
    assert sum(each["bar_count"] for each in report["selection"]) == len(report["unit_boundaries_seconds"]) - 1


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["missing.mp4", "SONG", "-o", "o.mp4"], 2, "does not exist"),
        (["FILM", "SONG"], 2, "-o OUT.mp4"),
        (["FILM", "SONG", "-o", "o.avi"], 2, "o.mp4"),
        (["FILM", "SONG", "-o", "/no/such/place/o.mp4"], 2, "no directory"),
        (["FILM", "SONG", "-o", "FILM"], 2, "is the input"),
        (["FILM", "SONG", "--dry-run", "--mood", "sad", "--scores", "random"], 2, "exclude"),
        (["FILM", "SONG", "--dry-run", "--duration", "0"], 2, "longer than nothing"),
        (["FILM", "SONG", "--dry-run", "--seed", "99999999999999999999"], 2, "range"),
        (["FILM", "SONG", "-o", "o.mp4", "--duration", "soon"], 2, "is no time"),
        (["FILM", "SONG", "-o", "o.mp4", "--film-range", "9-3"], 2, "empty"),
        (["TEXT", "SONG", "--dry-run"], 1, "film.txt"),
        (["FILM", "TEXT", "--dry-run"], 1, "film.txt"),
        (["SONG", "FILM", "--dry-run"], 1, "song.wav"),
    ],
)  # fmt: skip
def test_a_users_mistake_ends_in_one_clear_message(
    trial: Trial, tmp_path: Path, arguments: list[str], code: int, words: str
) -> None:
    text = tmp_path / "film.txt"
    text.write_text("ffconcat version 1.0\nfile /etc/passwd\n")
    names = {"FILM": str(trial.film), "SONG": str(trial.song), "TEXT": str(text)}
    stdout, stderr = run("make", *(names.get(each, each) for each in arguments), "--store", trial.store, expect=code)
    assert stdout == ""
    assert words in stderr
    assert "Traceback" not in stderr


def test_a_killed_run_goes_on_where_it_was(trial: Trial, tmp_path: Path) -> None:
    store, output = tmp_path / "store", tmp_path / "out.mp4"
    arguments = ["make", str(trial.film), str(trial.song), "-o", str(output), "--store", str(store), "--json"]
    process = subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 300
    while not list(store.glob("**/movie.pb")) and time.monotonic() < end:
        assert process.poll() is None
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not output.exists()
    analysis = next(iter(store.glob("**/movie.pb")))
    written = analysis.stat().st_mtime_ns
    report = run_json(*arguments[:-1])
    assert output.stat().st_size > 0
    assert not report["reused"]
    assert analysis.stat().st_mtime_ns == written
    assert report["stage_seconds"]["segment_movie"] < 1.0
