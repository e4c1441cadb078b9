"""A classifier learned from labels alone: what a joint emotion space has to be compared with. numpy and scipy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from moodcut_scorer.emotions import EMOTIONS
from moodcut_scorer.vectors import softmax

PENALTY = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftmaxRegression:
    """Multinomial logistic regression: ``centre`` and ``scale`` [f] of features, ``weight`` [f, 6], ``bias`` [6]."""

    centre: np.ndarray
    scale: np.ndarray
    weight: np.ndarray
    bias: np.ndarray

    def probabilities(self, features: np.ndarray) -> np.ndarray:
        """Posteriors float32 [n, 6] of features [n, f]."""
        return softmax((features - self.centre) / self.scale @ self.weight + self.bias)


def fit_softmax_regression(
    features: np.ndarray, labels: np.ndarray, *, penalty: float = PENALTY, sample_weight: np.ndarray | None = None
) -> SoftmaxRegression:
    """Fit features [n, f] to labels: mean cross-entropy, every class weighing the same, plus an L2 penalty.

    ``labels`` are classes int64 [n], or float [n, 6], how much each item is of each class. Items weigh
    ``sample_weight`` [n] within their class. The penalty is ``penalty`` / 2 times the squared weights. The problem is
    convex, its solution unique: no seed.
    """
    centre, scale = features.mean(axis=0), features.std(axis=0) + 1e-3
    standard = ((features - centre) / scale).astype(np.float64)
    classes = len(EMOTIONS)
    share = np.eye(classes)[labels] if labels.ndim == 1 else labels.astype(np.float64)
    if sample_weight is not None:
        share = share * sample_weight[:, None]
    by_class = share.sum(axis=0)
    share = share / (np.count_nonzero(by_class) * np.where(by_class > 0, by_class, 1.0))
    whole = share.sum(axis=1, keepdims=True)
    # With fewer items than features the solution lies in the items' span: solve there, and it is the same solution.
    basis = np.linalg.qr(standard.T)[0].T
    reduced = standard @ basis.T

    def loss(packed: np.ndarray) -> tuple[float, np.ndarray]:
        weight, bias = packed[:-classes].reshape(-1, classes), packed[-classes:]
        logits = reduced @ weight + bias
        logits -= logits.max(axis=1, keepdims=True)
        log_odds = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        value = -float(np.sum(share * log_odds)) + 0.5 * penalty * float(np.sum(weight**2))
        slope = whole * np.exp(log_odds) - share
        return value, np.concatenate([(reduced.T @ slope + penalty * weight).ravel(), slope.sum(axis=0)])

    start = np.zeros((len(basis) + 1) * classes)
    packed = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 500}).x
    weight, bias = packed[:-classes].reshape(-1, classes), packed[-classes:]
    return SoftmaxRegression(
        centre=centre.astype(np.float32),
        scale=scale.astype(np.float32),
        weight=(basis.T @ weight).astype(np.float32),
        bias=bias.astype(np.float32),
    )
