"""The default model: cross-validates the heads, or trains the ones that ship.

    python -m moodcut_training.small evaluate --clips ../shared/data/clips/manifest.csv
    python -m moodcut_training.small train --clips ../shared/data/clips/manifest.csv

Both need the encoders in the package (:mod:`moodcut_training.encoders`) and the text encoder (``moodcut models
build``). Results are printed as JSON.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from moodcut_kit.modelcache import cache_dir, sha256_of
from moodcut_scorer.emotions import EMOTIONS, PROMPTS
from moodcut_scorer.encoders import TextFeatures
from moodcut_scorer.registry import shipped_path
from moodcut_scorer.sessions import Runtime
from moodcut_scorer.textbuild import text_model_paths
from moodcut_training.data import read_clips
from moodcut_training.evaluate import cross_validate
from moodcut_training.export import calibrated, export_heads
from moodcut_training.features import FeatureReader
from moodcut_training.train import TrainingConfig, train_heads

_LOG = logging.getLogger(__name__)


def prompt_features() -> np.ndarray:
    """Text features of all prompts float32 [6, k, 384]; the fixed one of each emotion comes first."""
    encoder = TextFeatures(*text_model_paths(), Runtime(thread_count=1))
    return np.stack([encoder(PROMPTS[emotion]) for emotion in EMOTIONS])


def main() -> None:
    """Entry of ``python -m moodcut_training.small``."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("action", choices=["evaluate", "train"])
    parser.add_argument("--clips", type=Path, required=True, help="manifest of labelled clips")
    parser.add_argument("--cache", type=Path, default=cache_dir().parent / "features", help="where features are kept")
    parser.add_argument("--out", type=Path, default=shipped_path("heads.npz"), help="where the heads go")
    parser.add_argument("--seeds", type=int, default=5, help="how many times the folds are drawn")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(1)
    started = time.monotonic()
    clips = read_clips(options.clips)
    features = FeatureReader(options.cache).clips(clips)
    _LOG.info("features of %d clips after %.0f s", len(clips), time.monotonic() - started)
    labels, groups, prompts = np.array([c.emotion for c in clips]), [c.group for c in clips], prompt_features()
    config = TrainingConfig()
    held_out = cross_validate(features, labels, groups, prompts, config, seeds=range(options.seeds))
    report: dict[str, object] = {"config": asdict(config), "seeds": options.seeds, **held_out.summary()}
    if options.action == "train":
        heads = train_heads(features, labels, prompts, config)
        temperatures = held_out.visual.temperature(), held_out.audio.temperature()
        made = calibrated(heads, image_temperature=temperatures[0], music_temperature=temperatures[1])
        report["sha256"] = sha256_of(export_heads(made, options.out))
    report["seconds"] = round(time.monotonic() - started, 1)
    json.dump(report, sys.stdout, indent=2)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
