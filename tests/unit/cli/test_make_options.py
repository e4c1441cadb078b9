"""What the words of `moodcut make` become in the request."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from moodcut.app import cli
from moodcut.commands.make import command, montage_options
from moodcut_kit.v1 import media_pb2, montage_pb2, segmenter_pb2, solver_pb2


def options_of(*words: str) -> montage_pb2.MontageOptions:
    files = ["setup.mp4", "setup.wav"]
    for name in files:
        Path(name).touch()
    context = command.make_context("make", [*files, "--dry-run", *words])
    return montage_options(context.params)


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_default_style() -> None:
    options = options_of()
    assert options.constraint == montage_pb2.STORY_CONSTRAINT_HARD
    assert options.max_scenes == 5
    assert options.unit == montage_pb2.GRID_UNIT_BAR
    assert options.boundaries == montage_pb2.GRID_BOUNDARIES_REAL
    assert options.length_mode == solver_pb2.LENGTH_MODE_FLEXIBLE
    assert options.weighting == solver_pb2.WEIGHTING_PER_BAR
    assert options.movie.detector == segmenter_pb2.SHOT_DETECTOR_TRANSNETV2_FAST
    assert not options.relax


def test_papers_style_and_what_overrides_it() -> None:
    paper = options_of("--style", "paper")
    assert paper.boundaries == montage_pb2.GRID_BOUNDARIES_AVERAGE
    assert paper.length_mode == solver_pb2.LENGTH_MODE_WHOLE_SHOT
    assert paper.weighting == solver_pb2.WEIGHTING_PER_SHOT
    mixed = options_of("--style", "paper", "--length", "flexible", "--constraint", "soft", "--max-scenes", "3")
    assert mixed.length_mode == solver_pb2.LENGTH_MODE_FLEXIBLE
    assert mixed.constraint == montage_pb2.STORY_CONSTRAINT_SOFT
    assert mixed.max_scenes == 3


def test_all_else() -> None:
    words = "--unit beat --duration 0:30 --in-point 5 --keep-pickup --film-range 10-60 --detector hash --mood sad"
    options = options_of(*words.split(), *"--relax --max-units 6 --crf 18 --beats librosa --scenes 7".split())  # noqa: SIM905
    assert options.unit == montage_pb2.GRID_UNIT_BEAT
    assert (options.duration_seconds, options.in_point_seconds) == (30, 5)
    assert (options.film_start_seconds, options.film_end_seconds) == (10, 60)
    assert options.movie.detector == segmenter_pb2.SHOT_DETECTOR_HASH
    assert options.movie.scene_count == 7
    assert options.mood == media_pb2.EMOTION_SAD
    assert options.max_units == 6
    assert options.render.crf == 18
    assert options.beat_backend == media_pb2.BEAT_BACKEND_LIBROSA
    assert options.keep_pickup
    assert options.relax


def test_the_seed_counts_for_random_scores_alone() -> None:
    assert options_of("--seed", "3") == options_of()
    random = options_of("--scores", "random", "--seed", "3")
    assert random.random_scores
    assert random.seed == 3


def test_contradictions_are_refused() -> None:
    with pytest.raises(click.UsageError, match="--max-units needs"):
        options_of("--style", "paper", "--max-units", "2")


@pytest.mark.parametrize(
    "words",
    [[], ["make"], ["segment"], ["segment", "movie"], ["segment", "music"], ["score"], ["solve"], ["render"], ["serve"],
     ["models"], ["models", "list"], ["models", "build"], ["store"], ["store", "du"], ["store", "gc"], ["doctor"],
     ["demo"]],
    ids=" ".join,
)  # fmt: skip
def test_every_command_teaches_itself(words: list[str]) -> None:
    result = CliRunner().invoke(cli, [*words, "--help"])
    assert result.exit_code == 0
    assert "Usage: " in result.output
    assert len(result.output.splitlines()) > 5
