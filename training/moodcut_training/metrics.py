"""The measures of :mod:`moodcut_scorer.evaluation.metrics`, under the name that training code knows them by."""

from moodcut_scorer.evaluation.metrics import (
    average_precisions,
    bootstrap_interval,
    bootstrap_of,
    calibration_error,
    confusion,
    fit_temperature,
    macro_f1,
    negative_log_likelihood,
)

__all__ = [
    "average_precisions",
    "bootstrap_interval",
    "bootstrap_of",
    "calibration_error",
    "confusion",
    "fit_temperature",
    "macro_f1",
    "negative_log_likelihood",
]
