"""Where to listen: windows of 10 to 15 s, since a single bar is too short to carry emotion. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from moodcut_scorer.errors import BadScoringError

WINDOW_SECONDS = 12.0


def even_windows(duration_seconds: float, *, window_seconds: float = WINDOW_SECONDS) -> np.ndarray:
    """Windows float64 [n, 2] (start, end) over a whole piece, half overlapping, the last one ending at its end."""
    if duration_seconds <= window_seconds:
        return np.array([[0.0, duration_seconds]])
    span = duration_seconds - window_seconds
    starts = np.linspace(0.0, span, 1 + int(np.ceil(2.0 * span / window_seconds)))
    return np.stack([starts, starts + window_seconds], axis=1)


def unit_windows(
    boundaries_seconds: Sequence[float] | np.ndarray, duration_seconds: float, *, window_seconds: float = WINDOW_SECONDS
) -> np.ndarray:
    """One window float64 [n, 2] around each unit of the grid, kept inside the piece.

    ``boundaries_seconds`` are the n + 1 rising boundaries of n units. A unit longer than the window is its own window.
    Raises BadScoringError if there are fewer than two boundaries or they do not rise.
    """
    bounds = np.asarray(boundaries_seconds, dtype=np.float64)
    if bounds.ndim != 1 or len(bounds) < 2 or not (np.diff(bounds) > 0).all():
        raise BadScoringError("The units need at least two boundaries in seconds, each later than the one before.")
    centre = (bounds[:-1] + bounds[1:]) / 2
    half = np.maximum(window_seconds, np.diff(bounds)) / 2
    latest_start = np.maximum(0.0, duration_seconds - 2 * half)
    start = np.clip(centre - half, 0.0, latest_start)
    return np.stack([start, np.minimum(start + 2 * half, max(duration_seconds, 0.0))], axis=1)


def members(centres_seconds: np.ndarray, windows: np.ndarray) -> list[np.ndarray]:
    """Indices of the patches whose centre lies in each window; where none does, the nearest one to its middle."""
    found = []
    for start, end in windows:
        inside = np.flatnonzero((centres_seconds >= start) & (centres_seconds <= end))
        nearest = np.array([int(np.argmin(np.abs(centres_seconds - (start + end) / 2)))])
        found.append(inside if inside.size else nearest)
    return found
