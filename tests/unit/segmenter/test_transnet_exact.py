"""8-bit convolutions never change a shot: what they leave in doubt is run again in full precision."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from moodcut_segmenter.detectors import Span, TransitionProbabilities
from moodcut_segmenter.detectors.transnet import TransNetDetector, TransNetReferenceDetector
from moodcut_segmenter.shots import find_shots
from moodcut_segmenter.transnet_exact import ABOVE, APART, BELOW, doubtful

FRAMES = 50


@settings(max_examples=300, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32 - 1), cuts=st.integers(0, 3))
def test_what_is_not_in_doubt_gives_the_same_shots_however_it_is_off(seed: int, cuts: int) -> None:
    rng = np.random.default_rng(seed)
    single, many = (rng.random(FRAMES) * rng.choice([0.1, 0.3, 0.6]) for _ in range(2))
    for place in rng.integers(2, FRAMES - 8, cuts):
        many[place : place + rng.integers(1, 8)] = rng.choice([0.55, 0.7, 0.95])
        single[place + rng.integers(0, 3)] = rng.choice([0.62, 0.95])
    if doubtful(single.astype(np.float32), many.astype(np.float32)):
        return
    expected = find_shots(single, many)
    for _ in range(5):
        off = rng.uniform(-APART / 2.1, APART / 2.1, (2, FRAMES))
        off[0] += rng.uniform(-ABOVE, BELOW - APART) + APART / 2
        assert find_shots(single + off[0], many + off[1]) == expected


@pytest.mark.parametrize(
    ("single", "many", "doubt"),
    [
        ({}, {}, False),
        ({20: 0.9}, {20: 0.9}, False),
        ({20: 0.9}, {19: 0.9, 20: 0.9, 21: 0.9, 22: 0.9}, False),
        ({20: 0.45}, {}, True),
        ({20: 0.9, 21: 0.88}, {}, True),
        ({20: 0.9}, {20: 0.9, 21: 0.52}, True),
        ({20: 0.9}, {20: 0.9, 30: 0.52}, False),
        ({0: 0.9}, {0: 0.9}, True),
        ({48: 0.9}, {48: 0.9, 49: 0.9}, True),
    ],
)
def test_what_is_in_doubt(single: dict[int, float], many: dict[int, float], doubt: bool) -> None:
    arrays = np.full((2, FRAMES), 0.01, np.float32)
    for array, values in zip(arrays, (single, many), strict=True):
        for place, value in values.items():
            array[place] = value
    assert doubtful(arrays[0], arrays[1]) is doubt


def _detect(detector: TransNetReferenceDetector, frames: NDArray[np.uint8]) -> TransitionProbabilities:
    return detector.detect(iter(frames), Span.whole(len(frames)), check=lambda: None)


def _clip(count: int) -> NDArray[np.uint8]:
    """Looks of 37 frames that drift, with a dissolve of 16 frames from every third to the next."""
    rng = np.random.default_rng(8)
    looks = rng.integers(0, 256, (count // 37 + 2, 9, 16, 3)).repeat(3, axis=1).repeat(3, axis=2).astype(np.float64)
    frames = np.empty((count, 27, 48, 3), np.uint8)
    for t in range(count):
        look, inside = divmod(t, 37)
        share = (inside - 20) / 16 if look % 3 == 0 and inside > 20 else 0.0
        picture = np.roll(looks[look], inside // 4, axis=1) * (1 - share) + looks[look + 1] * share
        frames[t] = picture
    return frames


def test_the_same_shots_as_the_reference() -> None:
    frames = _clip(600)
    exact = TransNetDetector(threads=1)
    found, expected = _detect(exact, frames), _detect(TransNetReferenceDetector(threads=1), frames)
    assert len(find_shots(expected.single, expected.many)) > 8
    assert find_shots(found.single, found.many) == find_shots(expected.single, expected.many)
    assert float(np.abs(found.single - expected.single).max()) < BELOW / 2
    assert 0 < exact.network.run_counts["full"] < exact.network.run_counts["int8"] <= 12
