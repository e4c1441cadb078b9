"""Answers against labels: the figures of the paper's Table 3 and Figure 6, retrieval, intervals. Pure numpy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from moodcut_scorer.emotions import EMOTIONS
from moodcut_scorer.evaluation.metrics import (
    average_precisions,
    bootstrap_interval,
    bootstrap_of,
    calibration_error,
    confusion,
    macro_f1,
)

MODALITIES = ("audio", "visual", "joint")
Interval = tuple[float, float]
_NO_INTERVAL: Interval = (float("nan"), float("nan"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What one judge said of n items.

    ``audio``, ``visual`` and ``joint`` float [n, 6]: a score of each emotion, NaN in the rows of items without sound,
    without picture, or without both. ``similarity`` [n, n]: how well music (rows) fits pictures (columns), None if the
    judge does not compare them. ``calibrated``: the scores are probabilities.
    """

    name: str
    audio: np.ndarray
    visual: np.ndarray
    joint: np.ndarray
    similarity: np.ndarray | None = None
    calibrated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """One modality: accuracy and macro F1 with 95 % intervals over groups, and the confusion matrix (rows: truth).

    The ends of the intervals are NaN where all items are of one group: resampling it says nothing.
    """

    count: int
    accuracy: float
    interval: Interval
    macro_f1: float
    macro_f1_interval: Interval
    confusion: np.ndarray
    calibration_error: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrieval:
    """Mean average precision of pictures for a piece of music and the reverse, with 95 % intervals over groups."""

    image_by_music_map: float
    image_by_music_interval: Interval
    music_by_image_map: float
    music_by_image_interval: Interval


def classified(scores: np.ndarray, truth: np.ndarray, groups: np.ndarray, *, calibrated: bool) -> Figures | None:
    """Figures of ``scores`` [n, 6]; rows with NaN do not take part. None if no row is left."""
    there = ~np.isnan(scores).any(axis=1)
    if not there.any():
        return None
    scores, truth, groups = scores[there], truth[there], groups[there]
    predicted = scores.argmax(axis=1)
    return Figures(
        count=len(truth),
        accuracy=float(np.mean(predicted == truth)),
        interval=_interval((predicted == truth).astype(np.float64), groups),
        macro_f1=macro_f1(truth, predicted),
        macro_f1_interval=(
            bootstrap_of(lambda drawn: macro_f1(truth[drawn], predicted[drawn]), groups)
            if len(np.unique(groups)) > 1
            else _NO_INTERVAL
        ),
        confusion=confusion(truth, predicted, len(EMOTIONS)),
        calibration_error=calibration_error(scores, truth) if calibrated else None,
    )


def retrieved(
    similarity: np.ndarray, heard: np.ndarray, seen: np.ndarray, truth: np.ndarray, groups: np.ndarray
) -> Retrieval | None:
    """Mean average precisions of ``similarity`` [n, n] among the items with sound and those with picture.

    An entry is relevant if its label is the query's; entries of the query's own group do not take part. None where no
    query has a relevant entry.
    """
    scores = similarity[np.ix_(heard, seen)]
    same = truth[heard][:, None] == truth[seen][None]
    other = groups[heard][:, None] != groups[seen][None]
    by_music = average_precisions(scores, same, other)
    by_image = average_precisions(scores.T, same.T, other.T)
    if np.isnan(by_music).all() or np.isnan(by_image).all():
        return None
    pictures, music = _mean(by_music, groups[heard]), _mean(by_image, groups[seen])
    return Retrieval(
        image_by_music_map=pictures[0],
        image_by_music_interval=pictures[1],
        music_by_image_map=music[0],
        music_by_image_interval=music[1],
    )


def _mean(precisions: np.ndarray, groups: np.ndarray) -> tuple[float, Interval]:
    answered = ~np.isnan(precisions)
    return float(precisions[answered].mean()), _interval(precisions[answered], groups[answered])


def _interval(values: np.ndarray, groups: np.ndarray) -> Interval:
    return bootstrap_interval(values, groups) if len(np.unique(groups)) > 1 else _NO_INTERVAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """All figures of one judge; None where there was nothing to judge."""

    name: str
    audio: Figures | None
    visual: Figures | None
    joint: Figures | None
    retrieval: Retrieval | None


def judged(answers: Answers, truth: np.ndarray, groups: np.ndarray) -> Judgement:
    """Compare ``answers`` with labels int64 [n] and group names [n]."""
    found = {
        modality: classified(getattr(answers, modality), truth, groups, calibrated=answers.calibrated)
        for modality in MODALITIES
    }
    heard, seen = (~np.isnan(scores).any(axis=1) for scores in (answers.audio, answers.visual))
    compared = None
    if answers.similarity is not None and heard.any() and seen.any():
        compared = retrieved(answers.similarity, heard, seen, truth, groups)
    return Judgement(name=answers.name, **found, retrieval=compared)
