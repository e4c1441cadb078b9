"""The check of montages itself: what it must see beside a place where the film stands still, and what it must not."""

from __future__ import annotations

import numpy as np
import pytest
from support.verify_montage import find_cuts, match_frames, repeated_frames, surely_jumps

_FRAMES, _STILL, _RATE = 80, range(30, 40), 25.0


@pytest.fixture(scope="module")
def film() -> np.ndarray:
    """Grey frames uint8 [80, 64] that all differ, but for those of _STILL, alike but for a grey level in the last."""
    frames = np.random.default_rng(3).integers(0, 255, (_FRAMES, 64)).astype(np.uint8)
    frames[_STILL] = frames[_STILL.start] // 2
    frames[_STILL.stop - 1, 0] += 1
    return frames


def _seconds() -> np.ndarray:
    return np.arange(_FRAMES) / _RATE


def _jumps(film: np.ndarray, shown: list[int]) -> list[int]:
    best, _, costs = match_frames(film[shown], film)
    return [cut for cut in find_cuts(best, _seconds(), _RATE) if surely_jumps(cut, best, costs)]


@pytest.mark.parametrize(
    ("shown", "jumps"),
    [
        ([*range(10, 60)], []),
        ([*range(35, 60)], []),  # begins in the middle of the still frames
        ([*range(10, 20), *range(26, 60)], [10]),  # skips frames that move
        ([*range(10, 35), *range(45, 60)], [25]),  # skips from a still frame into movement
        ([*range(10, 28), *range(40, 60)], [18]),  # skips all that is still
        ([*range(20, 35), *range(20, 35)], [15]),  # goes back
        ([*range(50, 60), *range(30, 45)], [10]),  # goes back to the still frames
    ],
)
def test_a_jump_is_seen_unless_the_film_stood_still(film: np.ndarray, shown: list[int], jumps: list[int]) -> None:
    assert _jumps(film, shown) == jumps


@pytest.mark.parametrize(
    ("shown", "count"),
    [
        ([*range(10, 20), *range(50, 60)], 0),
        ([*range(10, 20), 50, *range(50, 60)], 1),
        ([*range(10, 19), 18, *range(50, 60)], 1),
        # The still frames' last two before film that moves: alike, and neither is a repetition.
        ([*range(10, 20), *range(38, 60)], 0),
        ([*range(10, 20), *range(39, 60)], 0),
        ([*range(10, 20), 39, *range(39, 60)], 0),
    ],
)
def test_a_repeated_frame_at_a_join_is_seen_unless_the_film_stood_still(
    film: np.ndarray, shown: list[int], count: int
) -> None:
    best, _, costs = match_frames(film[shown], film)
    assert repeated_frames(best, costs, [10], _seconds(), _RATE) == count
