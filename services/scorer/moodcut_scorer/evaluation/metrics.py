"""What is measured: accuracy, macro F1, retrieval, calibration, and intervals. Pure numpy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def confusion(truth: np.ndarray, predicted: np.ndarray, class_count: int = 6) -> np.ndarray:
    """Counts int64 [classes, classes], rows the truth."""
    table = np.zeros((class_count, class_count), dtype=np.int64)
    np.add.at(table, (truth, predicted), 1)
    return table


def macro_f1(truth: np.ndarray, predicted: np.ndarray, class_count: int = 6) -> float:
    """Mean, over the classes met or predicted, of the harmonic mean of precision and recall.

    ``truth`` and ``predicted`` int64 [n], n at least 1. A class that is neither met nor predicted takes no part.
    """
    table = confusion(truth, predicted, class_count)
    total = table.sum(axis=0) + table.sum(axis=1)
    there = total > 0
    return float(np.mean(2 * table.diagonal()[there] / total[there]))


def average_precisions(
    scores: np.ndarray,
    relevant: np.ndarray,
    allowed: np.ndarray | None = None,
) -> np.ndarray:
    """Average precision float64 [q] of each query.

    ``scores`` [q, n], ``relevant`` bool [q, n]; entries that are not ``allowed`` [q, n] do not take part. A query
    without a relevant entry gives NaN. Equal scores rank in the order given.
    """
    found = np.full(len(scores), np.nan)
    for row, (score, wanted) in enumerate(zip(scores, relevant, strict=True)):
        taken = np.ones(len(score), dtype=bool) if allowed is None else allowed[row]
        hits = wanted[taken][np.argsort(-score[taken], kind="stable")]
        if hits.any():
            found[row] = (np.cumsum(hits) / np.arange(1, len(hits) + 1))[hits].mean()
    return found


def calibration_error(probabilities: np.ndarray, truth: np.ndarray, *, bin_count: int = 10) -> float:
    """Expected calibration error: mean gap between confidence and accuracy over equal bins of confidence."""
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == truth
    places = np.minimum((confidence * bin_count).astype(np.int64), bin_count - 1)
    gaps = [
        abs(float(confidence[places == place].mean()) - float(right[places == place].mean())) * (places == place).mean()
        for place in np.unique(places)
    ]
    return float(np.sum(gaps))


def negative_log_likelihood(logits: np.ndarray, truth: np.ndarray, temperature: float) -> float:
    """Mean of -log p(truth) of softmax(logits / temperature)."""
    scaled = logits / temperature
    peak = scaled.max(axis=1, keepdims=True)
    total = np.log(np.exp(scaled - peak).sum(axis=1)) + peak[:, 0]
    return float(np.mean(total - scaled[np.arange(len(truth)), truth]))


def fit_temperature(logits: np.ndarray, truth: np.ndarray) -> float:
    """The temperature in [0.05, 20] that makes held-out logits [n, 6] likeliest, to 2 %."""
    grid = np.exp(np.arange(np.log(0.05), np.log(20.0), 0.02))
    return float(min(grid, key=lambda temperature: negative_log_likelihood(logits, truth, float(temperature))))


def bootstrap_interval(
    values: np.ndarray, groups: np.ndarray, *, seed: int = 0, count: int = 2000
) -> tuple[float, float]:
    """95 % interval of the mean of per-item ``values``, resampling whole groups."""
    names, member = np.unique(groups, return_inverse=True)
    sums, sizes = np.bincount(member, weights=values), np.bincount(member)
    drawn = np.random.default_rng(seed).integers(len(names), size=(count, len(names)))
    means = sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def bootstrap_of(
    statistic: Callable[[np.ndarray], float], groups: np.ndarray, *, seed: int = 0, count: int = 1000
) -> tuple[float, float]:
    """95 % interval of any ``statistic`` of item indices int64 [m], resampling whole groups.

    For figures that are no mean over items, such as macro F1. Draws for which the statistic is NaN are left out; with
    none left both ends are NaN.
    """
    names, member = np.unique(groups, return_inverse=True)
    members = [np.flatnonzero(member == index) for index in range(len(names))]
    rng = np.random.default_rng(seed)
    found = np.array(
        [
            statistic(np.concatenate([members[index] for index in rng.integers(len(names), size=len(names))]))
            for _ in range(count)
        ]
    )
    found = found[~np.isnan(found)]
    if not len(found):
        return float("nan"), float("nan")
    low, high = np.quantile(found, [0.025, 0.975])
    return float(low), float(high)
