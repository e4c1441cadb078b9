"""Windows of the music."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moodcut_scorer.errors import BadScoringError
from moodcut_scorer.windows import even_windows, members, unit_windows


@given(st.floats(0.5, 4000.0))
def test_even_windows_cover_a_piece(duration: float) -> None:
    windows = even_windows(duration)
    assert windows[0, 0] == 0.0
    assert windows[-1, 1] == pytest.approx(duration)
    if duration > 12:
        assert np.allclose(windows[:, 1] - windows[:, 0], 12.0)
        assert (np.diff(windows[:, 0]) <= 6.0 + 1e-9).all()
    else:
        assert len(windows) == 1


@given(st.lists(st.floats(0.05, 30.0), min_size=1, max_size=40), st.floats(0.0, 20.0))
def test_unit_windows_hold_their_unit(lengths: list[float], start: float) -> None:
    bounds = start + np.concatenate([[0.0], np.cumsum(lengths)])
    duration = float(bounds[-1]) + 1.0
    windows = unit_windows(np.stack([bounds[:-1], bounds[1:]], axis=1), duration)
    assert windows.shape == (len(lengths), 2)
    assert (windows[:, 0] <= bounds[:-1] + 1e-6).all()
    assert (windows[:, 1] >= bounds[1:] - 1e-6).all()
    assert windows.min() >= 0.0
    assert windows.max() <= duration + 1e-6
    assert np.allclose((windows[:, 1] - windows[:, 0]), np.minimum(duration, np.maximum(12.0, lengths)), atol=1e-6)


@pytest.mark.parametrize("unit", [(2.0, 1.0), (1.0, 1.0), (40.0, 41.0), (-2.0, -1.0), (float("nan"), 1.0)])
def test_a_unit_must_lie_in_the_piece(unit: tuple[float, float]) -> None:
    with pytest.raises(BadScoringError, match="Unit 1"):
        unit_windows(np.array([(0.0, 2.0), unit]), 30.0)


def test_no_units_no_windows() -> None:
    assert unit_windows(np.zeros((0, 2)), 30.0).shape == (0, 2)


def test_members_fall_back_to_the_nearest() -> None:
    centres = np.array([1.5, 3.0, 4.5])
    inside = members(centres, np.array([[0.0, 3.2], [10.0, 12.0]]))
    assert inside[0].tolist() == [0, 1]
    assert inside[1].tolist() == [2]
