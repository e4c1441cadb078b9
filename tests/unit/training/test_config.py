"""Configurations of training runs: what they mean, and what is said when they are wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from moodcut_scorer.emotions import EMOTIONS, PROMPTS
from moodcut_training.config import EXAMPLES, differences, example, read_config
from moodcut_training.errors import ConfigError

SMALLEST = 'backbone = "tiny"\nmanifest = "clips/m.csv"\noutput = "runs/a"\n'


def written(directory: Path, text: str) -> Path:
    path = directory / "run.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_defaults_are_the_papers(tmp_path: Path) -> None:
    config = read_config(written(tmp_path, SMALLEST))
    assert (config.epochs, config.learning_rate, config.alpha) == (50, 1e-4, 1.0)
    assert (config.contrast, config.with_classifier, config.with_text) == ("pairs", True, True)
    assert config.prompts == tuple(PROMPTS[emotion][0] for emotion in EMOTIONS)
    assert (config.manifest, config.output) == (tmp_path / "clips/m.csv", tmp_path / "runs/a")
    assert config.media == tmp_path / "clips"


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_are_valid(name: str, tmp_path: Path) -> None:
    config = read_config(written(tmp_path, example(name)))
    full = read_config(written(tmp_path, example("full")))
    if name == "tiny":
        return
    changed = {line.partition(":")[0] for line in differences(full.described(), config.described())}
    ablations = {
        "full": set(),
        "without-classifier": {"with_classifier"},
        "without-text": {"with_text"},
        "without-pretraining": {"pretrained"},
    }
    assert changed == ablations[name]


def test_there_is_no_other_example() -> None:
    with pytest.raises(ConfigError, match=r"'fast'; choose one of full, .*tiny"):
        example("fast")


def test_overrides_are_toml_or_plain_words(tmp_path: Path) -> None:
    overrides = {"epochs": "3", "contrast": "softmax", "augmentations": '["mirror"]', "with_text": "false"}
    config = read_config(written(tmp_path, SMALLEST), overrides)
    assert (config.epochs, config.contrast, config.augmentations) == (3, "softmax", ("mirror",))
    assert not config.with_text


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("epochs = 0", r"epochs = 0 is out of range: 1 to 100000"),
        ("learning_rate = 2.0", r"learning_rate = 2.0 is out of range: 1e-09 to 1"),
        ("learning_rate = nan", r"learning_rate = nan is out of range"),
        ("validation_share = 0.6", r"validation_share = 0.6 is out of range: 0 to 0.5"),
        ("validation_share = 0.5\ntest_share = 0.5", r"leave nothing to train on: together they must be below 1"),
        ('contrast = "triplet"', r'contrast = "triplet" is none of pairs, softmax'),
        ('best_by = "loss"', r'best_by = "loss" is none of retrieval, accuracy'),
        ("epochs = 2.5", r"epochs = 2.5 must be a whole number"),
        ("epochs = true", r"epochs = True must be a whole number"),
        ('with_text = "no"', r"with_text = 'no' must be true or false"),
        ("media = 3", r"media = 3 must be a text"),
        ('augmentations = "mirror"', r"augmentations = 'mirror' must be a list"),
        ('augmentations = ["blur"]', r'"blur" is none of mirror, crop, excerpt'),
        ("with_text = false\nwith_classifier = false", r"both false"),
        ("evaluation_frames = 64", r"evaluation_frames = 64 is more than the 32"),
        ("learning_speed = 1", r"'learning_speed' is no key. Known are: backbone"),
        ('[prompts]\nsad = "sad"', r"one text for each of excited"),
        ("epochs = ", r"cannot be read as TOML"),
    ],
)
def test_errors_name_file_key_value_and_what_is_allowed(line: str, words: str, tmp_path: Path) -> None:
    path = written(tmp_path, SMALLEST + line + "\n")
    with pytest.raises(ConfigError, match=words) as caught:
        read_config(path)
    assert str(path) in caught.value.message


def test_what_must_be_given(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="manifest must be given"):
        read_config(written(tmp_path, 'backbone = "tiny"\noutput = "a"\n'))
    with pytest.raises(ConfigError, match=r"no file .*none.toml.*--example"):
        read_config(tmp_path / "none.toml")


def test_differences_leave_out_places_and_length(tmp_path: Path) -> None:
    path = written(tmp_path, SMALLEST)
    before = read_config(path).described()
    elsewhere = read_config(path, {"output": "b", "manifest": "c.csv", "epochs": "80", "device": "cpu"})
    assert differences(before, elsewhere.described()) == []
    other = read_config(path, {"learning_rate": "1e-3", "seed": "4"}).described()
    assert differences(before, other) == ["learning_rate: 0.0001 -> 0.001", "seed: 0 -> 4"]
