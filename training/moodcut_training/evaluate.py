"""Grouped cross-validation: what methods do on clips whose source they never met."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from moodcut_scorer.evaluation.figures import MODALITIES, Answers, Figures, Interval, classified
from moodcut_scorer.evaluation.metrics import average_precisions, bootstrap_interval
from moodcut_training.data import grouped_folds
from moodcut_training.methods import Labelled, Method

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossValidated:
    """One way of answering, over all folds and repeats: figures per modality, and mean average precisions of pictures
    for music and of music for pictures with their intervals, None if it does not compare them.
    """

    name: str
    figures: dict[str, Figures]
    image_by_music: tuple[float, Interval] | None
    music_by_image: tuple[float, Interval] | None

    def summary(self) -> dict[str, object]:
        """All figures, ready for JSON."""
        found: dict[str, object] = {
            modality: {
                "accuracy": each.accuracy,
                "interval": each.interval,
                "macro_f1": each.macro_f1,
                "macro_f1_interval": each.macro_f1_interval,
                "calibration_error": each.calibration_error,
                "confusion": (each.confusion / each.confusion.sum(axis=1, keepdims=True)).round(3).tolist(),
            }
            for modality, each in self.figures.items()
        }
        if self.image_by_music is not None and self.music_by_image is not None:
            found["retrieval"] = {
                "image_by_music_map": self.image_by_music[0],
                "image_by_music_interval": self.image_by_music[1],
                "music_by_image_map": self.music_by_image[0],
                "music_by_image_interval": self.music_by_image[1],
            }
        return found


@dataclass(slots=True)
class _Heap:
    """Answers about held-out clips as they come in."""

    calibrated: bool = False
    scores: dict[str, list[np.ndarray]] = field(default_factory=lambda: {each: [] for each in MODALITIES})
    labels: list[np.ndarray] = field(default_factory=list)
    groups: list[np.ndarray] = field(default_factory=list)
    precisions: dict[str, list[np.ndarray]] = field(default_factory=lambda: {"image": [], "music": []})
    queried: dict[str, list[np.ndarray]] = field(default_factory=lambda: {"image": [], "music": []})

    def add(self, answers: Answers, test: Labelled) -> None:
        self.calibrated = answers.calibrated
        for modality in MODALITIES:
            self.scores[modality].append(getattr(answers, modality))
        self.labels.append(test.labels)
        self.groups.append(test.groups)
        if answers.similarity is None:
            return
        heard, seen = (~np.isnan(each).any(axis=1) for each in (answers.audio, answers.visual))
        same = test.labels[heard][:, None] == test.labels[seen][None]
        other = test.groups[heard][:, None] != test.groups[seen][None]
        scores = answers.similarity[np.ix_(heard, seen)]
        self.precisions["image"].append(average_precisions(scores, same, other))
        self.queried["image"].append(test.groups[heard])
        self.precisions["music"].append(average_precisions(scores.T, same.T, other.T))
        self.queried["music"].append(test.groups[seen])

    def result(self, name: str) -> CrossValidated:
        labels, groups = np.concatenate(self.labels), np.concatenate(self.groups)
        figures = {
            modality: classified(np.concatenate(self.scores[modality]), labels, groups, calibrated=self.calibrated)
            for modality in MODALITIES
        }
        return CrossValidated(
            name=name,
            figures={modality: each for modality, each in figures.items() if each is not None},
            image_by_music=self._mean("image"),
            music_by_image=self._mean("music"),
        )

    def _mean(self, found: str) -> tuple[float, Interval] | None:
        if not self.precisions[found]:
            return None
        values, groups = np.concatenate(self.precisions[found]), np.concatenate(self.queried[found])
        there = ~np.isnan(values)
        return float(values[there].mean()), bootstrap_interval(values[there], groups[there])


def cross_validate(
    data: Labelled, methods: Sequence[Method], *, fold_count: int = 5, seeds: Sequence[int] = (0, 1, 2)
) -> list[CrossValidated]:
    """Let each method learn and answer ``fold_count`` times per seed; groups are never divided.

    All methods meet the same folds. Retrieval ranks within a fold's held-out clips and leaves out those of the query's
    own group. Intervals resample groups: repeats do not narrow them.
    """
    heaps: dict[str, _Heap] = {}
    for seed in seeds:
        folds = grouped_folds(data.labels.tolist(), data.groups.tolist(), fold_count=fold_count, seed=seed)
        for fold in range(fold_count):
            train, test = data.of(np.flatnonzero(folds != fold)), data.of(np.flatnonzero(folds == fold))
            for method in methods:
                for answers in method(train, test):
                    heaps.setdefault(answers.name, _Heap()).add(answers, test)
            _LOG.info("seed %d, fold %d of %d", seed, fold + 1, fold_count)
    return [heap.result(name) for name, heap in heaps.items()]


def table(results: Sequence[CrossValidated]) -> str:
    """A Markdown table of all results, intervals in brackets."""
    lines = [
        "| method | audio | visual | joint | F1 audio | F1 visual | pictures for music | music for pictures |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for each in results:
        cells = [each.name]
        for modality in MODALITIES:
            figures = each.figures.get(modality)
            cells.append("" if figures is None else _with(figures.accuracy, figures.interval))
        for modality in ("audio", "visual"):
            figures = each.figures.get(modality)
            cells.append("" if figures is None else f"{figures.macro_f1:.2f}")
        compared = (each.image_by_music, each.music_by_image)
        cells += ["" if found is None else _with(*found) for found in compared]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _with(value: float, interval: Interval) -> str:
    return f"{value:.2f} ({interval[0]:.2f} to {interval[1]:.2f})"
