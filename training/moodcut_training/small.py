"""The default model: trains the heads that ship, and measures them beside all they are compared with.

    python -m moodcut_training.small train --clips DATA/clips/manifest.csv --songs DATA/songs/manifest.csv
    python -m moodcut_training.small evaluate --clips DATA/clips/manifest.csv --songs DATA/songs/manifest.csv
    python -m moodcut_training.small table --clips DATA/clips/manifest.csv --songs DATA/songs/manifest.csv

All need the encoders in the package (:mod:`moodcut_training.encoders`) and the text encoder (``moodcut models build``).
``evaluate`` cross-validates the heads and prints JSON; ``table`` does so with every ablation and baseline and prints a
table in Markdown (the paper's losses among them need torch).
"""

from __future__ import annotations

import argparse
import csv
import json
import logging
import sys
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np

from moodcut_kit.errors import MoodcutError
from moodcut_kit.modelcache import cache_dir, sha256_of
from moodcut_scorer.emotions import EMOTIONS, PROMPTS
from moodcut_scorer.encoders import TextFeatures
from moodcut_scorer.evaluation.figures import classified
from moodcut_scorer.registry import shipped_path
from moodcut_scorer.sessions import Runtime
from moodcut_scorer.textbuild import text_model_paths
from moodcut_scorer.traininglist import write_training_list
from moodcut_training.data import ManifestError, grouped_folds, read_clips
from moodcut_training.evaluate import cross_validate, differences, table
from moodcut_training.export import export_posterior_heads
from moodcut_training.features import FeatureReader
from moodcut_training.methods import (
    Labelled,
    Method,
    affect_method,
    chance_method,
    majority_method,
    posterior_method,
    shot_posteriors,
    supervised_method,
)
from moodcut_training.posteriors import PosteriorConfig, Songs, fit_heads
from moodcut_training.weaklabels import shares_of_felt

_LOG = logging.getLogger(__name__)
_NOT_FELT = {"file", "genre", "raters"}


def prompt_features() -> np.ndarray:
    """Text features of all prompts float32 [6, k, 384]; the fixed one of each emotion comes first."""
    encoder = TextFeatures(*text_model_paths(), Runtime(thread_count=1))
    return np.stack([encoder(PROMPTS[emotion]) for emotion in EMOTIONS])


def read_songs(manifest: Path, reader: FeatureReader) -> Songs:
    """Songs of a CSV with the columns ``file`` and one for each felt emotion (shares of listeners).

    Raises ManifestError if there is none of either, a share is no number, or a felt emotion is not known.
    """
    with manifest.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    names = [name for name in (rows[0] if rows else ()) if name not in _NOT_FELT]
    if not rows or not names or "file" not in rows[0]:
        raise ManifestError(f"{manifest} has no songs with felt emotions.")
    try:
        felt = np.array([[float(row[name]) for name in names] for row in rows])
    except (TypeError, ValueError) as error:
        raise ManifestError(
            f"{manifest}: of the columns {', '.join(names)} some value is no number: {error}"
        ) from error
    try:
        shares = shares_of_felt(names, felt)
    except ValueError as error:
        raise ManifestError(f"{manifest}: {error}") from error
    heard = reader.clips([manifest.parent / row["file"] for row in rows])
    counts = [len(song.windows) for song in heard]
    return Songs(windows=np.concatenate([song.windows for song in heard]), shares=np.repeat(shares, counts, axis=0))


def methods(prompts: np.ndarray, songs: Songs | None) -> list[Method]:
    """Everything that the table compares. Needs torch."""
    # Only here: the heads themselves are fitted without torch.
    from moodcut_training.contrast_heads import ContrastConfig
    from moodcut_training.contrast_method import contrast_method

    found = [posterior_method("small", prompts, songs, PosteriorConfig())]
    if songs is not None:
        found.append(posterior_method("without songs", prompts, None, PosteriorConfig()))
        found += [
            posterior_method(f"songs weigh {weight}", prompts, songs, PosteriorConfig(song_weight=weight))
            for weight in (0.2, 1.0)
        ]
    for name, config in (
        ("without deviation of frames", PosteriorConfig(with_deviation=False)),
        ("penalty 2", PosteriorConfig(penalty=2.0)),
        ("penalty 50", PosteriorConfig(penalty=50.0)),
    ):
        found.append(posterior_method(name, prompts, songs, config))
    found += [
        contrast_method("paper's losses, frozen features", prompts, ContrastConfig()),
        contrast_method("the same without text", prompts, ContrastConfig(with_text=False)),
        supervised_method,
        affect_method,
        majority_method,
        chance_method,
    ]
    return found


def judge_parts(
    data: Labelled, prompts: np.ndarray, songs: Songs | None, config: PosteriorConfig, seeds: int
) -> dict[str, object]:
    """Accuracy and calibration of single shots (three frames) and single windows of music, cross-validated."""
    shots, windows = list[np.ndarray](), list[np.ndarray]()
    owners = {"shot": list[np.ndarray](), "window": list[np.ndarray]()}
    for seed in range(seeds):
        folds = grouped_folds(data.labels.tolist(), data.groups.tolist(), fold_count=5, seed=seed)
        for fold in range(5):
            train = data.of(np.flatnonzero(folds != fold))
            heads = fit_heads(train.clips, train.labels, train.groups.tolist(), prompts, config, songs=songs)
            for row in np.flatnonzero(folds == fold):
                clip = data.clips[row]
                if len(clip.frames):
                    shots.append(shot_posteriors(heads, clip))
                    owners["shot"].append(np.full(len(shots[-1]), row))
                if len(clip.windows):
                    windows.append(heads.music_posteriors(heads.embed_music(clip.windows)))
                    owners["window"].append(np.full(len(windows[-1]), row))
    found: dict[str, object] = {}
    for name, scores in (("shot", shots), ("window", windows)):
        rows = np.concatenate(owners[name])
        figures = classified(np.concatenate(scores), data.labels[rows], data.groups[rows], calibrated=True)
        assert figures is not None
        found[name] = {
            "accuracy": figures.accuracy,
            "interval": figures.interval,
            "calibration_error": figures.calibration_error,
        }
    return found


def main() -> None:
    """Entry of ``python -m moodcut_training.small``."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("action", choices=["train", "evaluate", "table"])
    parser.add_argument("--clips", type=Path, required=True, help="manifest of labelled clips")
    parser.add_argument("--songs", type=Path, help="manifest of songs with felt emotions; without, music learns less")
    parser.add_argument("--cache", type=Path, default=cache_dir().parent / "features", help="where features are kept")
    parser.add_argument("--out", type=Path, default=shipped_path("heads.npz"), help="where the heads go")
    parser.add_argument("--seeds", type=int, default=5, help="how many times the folds are drawn")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        _run(options)
    except (MoodcutError, OSError, ValueError) as error:
        parser.exit(1, f"{parser.prog}: {error}\n")


def _run(options: argparse.Namespace) -> None:
    started = time.monotonic()
    prompts = prompt_features()
    clips, reader = read_clips(options.clips), FeatureReader(options.cache)
    data = Labelled(
        clips=reader.clips([clip.path for clip in clips]),
        labels=np.array([clip.emotion for clip in clips]),
        groups=np.array([clip.group for clip in clips]),
    )
    songs = read_songs(options.songs, reader) if options.songs else None
    _LOG.info("features of %d clips after %.0f s", len(clips), time.monotonic() - started)
    config = PosteriorConfig()
    if options.action == "table":
        found = cross_validate(data, methods(prompts, songs), seeds=range(options.seeds))
        sys.stdout.write(f"{table(found)}\n\n{differences(found)}\n")
        return
    report: dict[str, object] = {"config": asdict(config), "with_songs": songs is not None}
    if options.action == "train":
        heads = fit_heads(data.clips, data.labels, data.groups.tolist(), prompts, config, songs=songs)
        report["sha256"] = sha256_of(export_posterior_heads(heads, options.out))
        write_training_list(options.out, [clip.path for clip in clips])
    else:
        method = posterior_method("small", prompts, songs, config)
        found = cross_validate(data, [method], seeds=range(options.seeds))
        report |= {each.name: each.summary() for each in found}
        report |= judge_parts(data, prompts, songs, config, options.seeds)
    report["seconds"] = round(time.monotonic() - started, 1)
    json.dump(report, sys.stdout, indent=2)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
