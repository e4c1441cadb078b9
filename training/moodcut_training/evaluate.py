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

    ``outcomes`` per held-out clip, by modality whether it was right (1 or 0), by ``image`` and ``music`` the precision
    of what was found for it, NaN where it took no part; ``groups`` the clips' groups, alike for all methods.
    """

    name: str
    figures: dict[str, Figures]
    image_by_music: tuple[float, Interval] | None
    music_by_image: tuple[float, Interval] | None
    outcomes: dict[str, np.ndarray]
    groups: np.ndarray

    def less(self, other: CrossValidated, outcome: str) -> tuple[float, Interval] | None:
        """Mean of this one's ``outcome`` less that of another on the same clips; None if either has none."""
        if outcome not in self.outcomes or outcome not in other.outcomes:
            return None
        return _mean(self.outcomes[outcome] - other.outcomes[outcome], self.groups)

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
        for found, queries, precisions in (
            ("image", heard, average_precisions(scores, same, other)),
            ("music", seen, average_precisions(scores.T, same.T, other.T)),
        ):
            rows = np.full(len(test.labels), np.nan)
            rows[queries] = precisions
            self.precisions[found].append(rows)

    def result(self, name: str) -> CrossValidated:
        labels, groups = np.concatenate(self.labels), np.concatenate(self.groups)
        scores = {modality: np.concatenate(self.scores[modality]) for modality in MODALITIES}
        figures = {
            modality: classified(each, labels, groups, calibrated=self.calibrated) for modality, each in scores.items()
        }
        outcomes = {modality: _right(each, labels) for modality, each in scores.items()}
        outcomes |= {found: np.concatenate(rows) for found, rows in self.precisions.items() if rows}
        return CrossValidated(
            name=name,
            figures={modality: each for modality, each in figures.items() if each is not None},
            image_by_music=_mean(outcomes["image"], groups) if "image" in outcomes else None,
            music_by_image=_mean(outcomes["music"], groups) if "music" in outcomes else None,
            outcomes=outcomes,
            groups=groups,
        )


def _right(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """1 where the best score is the label's, else 0; NaN where there is no score."""
    there = ~np.isnan(scores).any(axis=1)
    return np.where(there, np.where(np.isnan(scores), -np.inf, scores).argmax(axis=1) == labels, np.nan)


def _mean(values: np.ndarray, groups: np.ndarray) -> tuple[float, Interval]:
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


def differences(results: Sequence[CrossValidated]) -> str:
    """A Markdown table: the first result less each of the others on the same clips, intervals in brackets."""
    columns = (*MODALITIES, "image", "music")
    lines = [
        f"| {results[0].name} less | audio | visual | joint | pictures for music | music for pictures |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for each in results[1:]:
        cells = [results[0].less(each, outcome) for outcome in columns]
        shown = ["" if cell is None else f"{cell[0]:+.2f} ({cell[1][0]:+.2f} to {cell[1][1]:+.2f})" for cell in cells]
        lines.append("| " + " | ".join([each.name, *shown]) + " |")
    return "\n".join(lines)


def _with(value: float, interval: Interval) -> str:
    return f"{value:.2f} ({interval[0]:.2f} to {interval[1]:.2f})"
