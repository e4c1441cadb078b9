"""Where to listen: windows of 10 to 15 s, since a single bar is too short to carry emotion. Pure."""

from __future__ import annotations

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
    units_seconds: np.ndarray, duration_seconds: float, *, window_seconds: float = WINDOW_SECONDS
) -> np.ndarray:
    """One window float64 [n, 2] around each unit of the grid, kept inside the piece.

    ``units_seconds`` [n, 2] are start and end of each unit. A unit longer than the window is its own window. Raises
    BadScoringError naming the first unit that does not end after it starts, or lies outside of the piece.
    """
    units = np.asarray(units_seconds, dtype=np.float64).reshape(-1, 2)
    wrong = ~((units[:, 1] > units[:, 0]) & (units[:, 1] > 0) & (units[:, 0] < duration_seconds))
    if wrong.any():
        index = int(np.argmax(wrong))
        start, end = units[index]
        raise BadScoringError(
            f"Unit {index} from {start:.3f} s to {end:.3f} s is no stretch of a piece of {duration_seconds:.3f} s."
        )
    half = np.maximum(window_seconds, units[:, 1] - units[:, 0]) / 2
    start = np.clip(units.mean(axis=1) - half, 0.0, np.maximum(0.0, duration_seconds - 2 * half))
    return np.stack([start, np.minimum(start + 2 * half, duration_seconds)], axis=1)


def members(centres_seconds: np.ndarray, windows: np.ndarray) -> list[np.ndarray]:
    """Indices of the patches whose centre lies in each window; where none does, the nearest one to its middle."""
    found = []
    for start, end in windows:
        inside = np.flatnonzero((centres_seconds >= start) & (centres_seconds <= end))
        nearest = np.array([int(np.argmin(np.abs(centres_seconds - (start + end) / 2)))])
        found.append(inside if inside.size else nearest)
    return found
