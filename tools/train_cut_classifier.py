"""Train the classifier of clear cuts and quiet stretches on what TransNet V2 says of films.

    train_cut_classifier.py FILM... [--groups CSV] [--cache DIR] [--out FILE]

Every film goes through TransNet V2 in full precision once (kept in --cache). The classifier learns to foresee three
things of a step between frames: no transition (single-frame probability below 0.25), a hard cut (above 0.6, and
reaching over no more than two frames), or something in between. It is first judged by cross-validation in four folds,
films of one group (--groups: a table with the columns file and group) never on both sides; then trained on all films
and written. Seeds are fixed. Needs the model in the model cache (`moodcut models build`), and scikit-learn, which
librosa brings.
"""

from __future__ import annotations

import argparse
import csv
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GroupKFold
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

from moodcut_kit.media.picture import PictureConverter
from moodcut_kit.media.video import VideoReader
from moodcut_segmenter import find_shots
from moodcut_segmenter.cut_classifier import WEIGHTS_FILE, CutClassifier, verdicts
from moodcut_segmenter.cut_measures import inputs, measures
from moodcut_segmenter.detectors import Span
from moodcut_segmenter.detectors.transnet import TransNetReferenceDetector
from moodcut_segmenter.shots import find_transitions
from moodcut_segmenter.transnet_model import FRAME_HEIGHT, FRAME_WIDTH, KEPT_FRAMES

OUT = Path(__file__).resolve().parent.parent / "services/segmenter/moodcut_segmenter" / WEIGHTS_FILE
_HIDDEN, _EPOCHS, _DECAY, _RATE, _BATCH = 64, 25, 3e-2, 1e-3, 128
_LIVELY_SHARE, _KEPT_CALM_SHARE, _CUT_WEIGHT = 0.3, 0.06, 3.0
_FOLDS = 4
_MEMBERS = 4
_BESIDE = 2


@dataclass(frozen=True, slots=True, eq=False)
class Film:
    """One film: its group, the inputs and the class of each step, how lively each is, and the reference's answers."""

    group: str
    inputs: NDArray[np.float32]
    classes: NDArray[np.int64]
    lively: NDArray[np.float32]
    single: NDArray[np.float32]
    many: NDArray[np.float32]


def reference(path: Path, cache: Path) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.float32]]:
    """Small frames and the two probabilities of a film, from the cache if they are there."""
    kept = cache / f"{path.stem}.npz"
    if not kept.is_file():
        convert = PictureConverter(width=FRAME_WIDTH, height=FRAME_HEIGHT, scaling="bicubic")
        with VideoReader(path) as reader:
            count = reader.index.times.frame_count
            frames = np.stack([convert.to_rgb(frame) for _, frame in reader.frames(0, count)])
        found = TransNetReferenceDetector().detect(iter(frames), Span.whole(count), check=lambda: None)
        cache.mkdir(parents=True, exist_ok=True)
        np.savez(kept, frames=frames, single=found.single, many=found.many)
        print(f"{path.name}: {count} frames")
    with np.load(kept) as arrays:
        return arrays["frames"], arrays["single"], arrays["many"]


def read_film(path: Path, cache: Path, group: str) -> Film:
    """A film as the training sees it."""
    frames, single, many = reference(path, cache)
    found = measures(frames)
    classes = (single > 0.25).astype(np.int64)
    for each in find_transitions(single, many):
        hard = each.start_frame == each.end_frame and 0 < each.cut_frame < len(single)
        if hard and single[each.cut_frame - 1] > 0.6:
            classes[each.cut_frame - 1] = 2
    lively = np.maximum.reduce([found[:, 6], 0.5 * found[:, 13], 0.3 * found[:, 27]])
    return Film(group, inputs(found), classes, lively, single, many)


def trained(films: Sequence[Film]) -> CutClassifier:
    """The classifier trained on ``films``: some networks that differ by their seeds."""
    members = [_member(films, seed) for seed in range(_MEMBERS)]
    return CutClassifier(*(np.stack(arrays) for arrays in zip(*members, strict=True)))


def _member(films: Sequence[Film], seed: int) -> list[NDArray[np.float32]]:
    """One network: mean, scale, hidden and output weights. Of the calmest steps a few stand for all."""
    rng = np.random.default_rng(seed)
    wanted = np.concatenate([film.classes for film in films])
    lively = np.concatenate([film.lively for film in films])
    chosen = (wanted > 0) | (lively > np.quantile(lively, 1 - _LIVELY_SHARE))
    weight = np.where(wanted > 0, _CUT_WEIGHT, np.where(chosen, 1.0, 1 / _KEPT_CALM_SHARE))
    chosen |= rng.random(len(wanted)) < _KEPT_CALM_SHARE
    rows = np.concatenate([film.inputs for film in films])[chosen]
    scaler = StandardScaler().fit(rows)
    network = MLPClassifier(
        (_HIDDEN,), alpha=_DECAY, max_iter=_EPOCHS, batch_size=_BATCH, learning_rate_init=_RATE, random_state=seed
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # The number of epochs is chosen, not what converges.
        network.fit(scaler.transform(rows), wanted[chosen], sample_weight=weight[chosen])
    layers = [np.vstack([w, b]).astype(np.float32) for w, b in zip(network.coefs_, network.intercepts_, strict=True)]
    return [scaler.mean_.astype(np.float32), scaler.scale_.astype(np.float32), *layers]


def judge(films: Sequence[Film], probabilities: Sequence[NDArray[np.float32]], quiet: float, clear: float) -> str:
    """How the fast detector would do if the network answered as in full precision: cuts, and windows it would run."""
    right = found_count = there = windows = run = 0
    for film, likely in zip(films, probabilities, strict=True):
        known = verdicts(likely, quiet=quiet, clear=clear)
        single = known.clear.astype(np.float32)
        many = single.copy()
        beside = np.convolve(known.open, np.ones(2 * _BESIDE + 1), "same") > 0
        for start in range(0, len(single), KEPT_FRAMES):
            cell = slice(start, start + KEPT_FRAMES)
            windows += 1
            if beside[cell].any():
                run += 1
                single[cell], many[cell] = film.single[cell], film.many[cell]
        cuts, true = (
            {shot.start_frame for shot in find_shots(*pair)[1:]} for pair in ((single, many), (film.single, film.many))
        )
        right, found_count, there = right + len(cuts & true), found_count + len(cuts), there + len(true)
    f1 = 2 * right / max(1, found_count + there)
    return (
        f"quiet {quiet:<6} clear {clear:<5} windows run {run / windows:5.3f}  cuts {there}, "
        f"missed {there - right}, wrong {found_count - right}, F1 {f1:.4f}"
    )


def main() -> None:
    """Judge, train, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("films", type=Path, nargs="+")
    parser.add_argument("--groups", type=Path)
    parser.add_argument("--cache", type=Path, default=Path("build/cut-classifier"))
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    groups: dict[str, str] = {}
    if arguments.groups:
        with arguments.groups.open(newline="") as table:
            groups = {row["file"]: row["group"] for row in csv.DictReader(table)}
    paths = sorted(arguments.films)
    films = [read_film(path, arguments.cache, groups.get(path.name, path.stem)) for path in paths]
    unseen: list[NDArray[np.float32]] = [np.empty(0, np.float32)] * len(films)
    for train, test in GroupKFold(_FOLDS).split(films, groups=[film.group for film in films]):
        classifier = trained([films[each] for each in train])
        for each in test:
            unseen[each] = classifier.of_inputs(films[each].inputs)
    print(f"{len(films)} films, {sum(len(film.single) for film in films)} frames; on films of groups not trained on:")
    for quiet in (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2):
        for clear in (0.8, 0.85, 0.9, 1.0):
            print(judge(films, unseen, quiet, clear))
    final = trained(films)
    np.savez(arguments.out, mean=final.mean, scale=final.scale, hidden=final.hidden, output=final.output)
    print(f"{arguments.out}: {arguments.out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
