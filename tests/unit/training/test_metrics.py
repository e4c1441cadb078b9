"""Figures against hand-computed ones."""

from __future__ import annotations

import numpy as np
import pytest

from moodcut_scorer.evaluation.metrics import (
    average_precisions,
    bootstrap_interval,
    calibration_error,
    confusion,
    fit_temperature,
    macro_f1,
    negative_log_likelihood,
)


def test_confusion_and_f1() -> None:
    truth, predicted = np.array([0, 0, 1, 1, 2]), np.array([0, 1, 1, 1, 0])
    assert confusion(truth, predicted, 3).tolist() == [[1, 1, 0], [0, 2, 0], [1, 0, 0]]
    assert macro_f1(truth, predicted, 3) == pytest.approx((2 * 1 / 4 + 2 * 2 / 5 + 0) / 3)
    assert macro_f1(truth, predicted, 6) == macro_f1(truth, predicted, 3), "classes that nobody met take no part"
    assert macro_f1(truth, truth) == 1


def test_average_precision() -> None:
    scores = np.array([[0.9, 0.8, 0.7, 0.6], [0.1, 0.2, 0.3, 0.4], [1.0, 1.0, 1.0, 1.0]])
    relevant = np.array([[1, 0, 1, 0], [1, 0, 0, 0], [0, 0, 0, 0]], dtype=bool)
    found = average_precisions(scores, relevant)
    assert found[:2] == pytest.approx([(1 + 2 / 3) / 2, 1 / 4])
    assert np.isnan(found[2])
    allowed = np.ones((3, 4), dtype=bool)
    allowed[0, 1] = False
    assert average_precisions(scores, relevant, allowed)[0] == pytest.approx(1.0)


def test_calibration() -> None:
    probabilities = np.array([[0.8, 0.2], [0.8, 0.2], [0.8, 0.2], [0.8, 0.2], [0.35, 0.65]])
    truth = np.array([0, 0, 0, 1, 1])
    assert calibration_error(probabilities, truth) == pytest.approx(0.8 * abs(0.8 - 0.75) + 0.2 * abs(0.65 - 1))


def test_temperature_is_recovered() -> None:
    rng = np.random.default_rng(0)
    honest = rng.normal(size=(4000, 6)) * 2
    odds = np.exp(honest) / np.exp(honest).sum(axis=1, keepdims=True)
    truth = (odds.cumsum(axis=1) > rng.random((4000, 1))).argmax(axis=1)
    assert fit_temperature(honest * 3, truth) == pytest.approx(3.0, rel=0.1)
    assert negative_log_likelihood(np.zeros((3, 6)), np.array([0, 1, 2]), 1.0) == pytest.approx(np.log(6))


def test_interval_widens_with_groups() -> None:
    values = np.tile([0.0, 1.0], 50)
    alone = bootstrap_interval(values, np.arange(100))
    paired = bootstrap_interval(np.repeat([0.0, 1.0], 50), np.repeat(np.arange(10), 10))
    assert alone[0] < 0.5 < alone[1]
    assert paired[1] - paired[0] > alone[1] - alone[0]
