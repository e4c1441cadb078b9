"""Felt emotions as shares of the six."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from moodcut_scorer.emotions import EMOTIONS
from moodcut_training.weaklabels import FELT, shares_of_felt


def test_by_hand() -> None:
    names = ("calmness", "sadness", "tension", "joyful_activation", "amazement")
    felt = np.array([[1.0, 0, 0, 0, 0], [0, 1.0, 0, 0, 0], [0, 0, 0.5, 0, 0.5], [0, 0, 0, 0, 0], [0, 0, 0, 1.0, 0]])
    shares = shares_of_felt(names, felt)
    np.testing.assert_allclose(shares[0], np.eye(6)[EMOTIONS.index("relaxation")])
    np.testing.assert_allclose(shares[1], np.eye(6)[EMOTIONS.index("sad")])
    # Tension, fear and neutral are each felt by this song alone, and so as much above their means.
    np.testing.assert_allclose(shares[2], [0, 1 / 3, 1 / 3, 0, 0, 1 / 3])
    np.testing.assert_allclose(shares[3], 1 / 6)
    np.testing.assert_allclose(shares[4], np.eye(6)[EMOTIONS.index("excited")])


@given(arrays(np.float64, (7, len(FELT)), elements=st.floats(0, 1)))
def test_shares_are_shares(felt: np.ndarray) -> None:
    shares = shares_of_felt(tuple(FELT), felt)
    assert (shares >= 0).all()
    np.testing.assert_allclose(shares.sum(axis=1), 1)


@pytest.mark.parametrize(
    ("names", "said"), [(("calmness", "glee"), "'glee' is no felt"), (("calmness", "sadness"), "comes near excited")]
)
def test_names_that_do_not_serve(names: tuple[str, ...], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        shares_of_felt(names, np.ones((2, 2)))
