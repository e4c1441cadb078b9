"""A scene's best fillings against every way to fill it."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from moodcut_solver.scene_values import Filling, scene_fillings
from moodcut_solver.uses import Use


def enumerate_fillings(uses: list[Use], bar_count: int, required: frozenset[int]) -> dict[tuple[int, int], float]:
    """Best total for every number of bars and of shots, over all choices of at most one way a shot."""
    shots = sorted({use.shot for use in uses} | required)
    ways = [[None, *(use for use in uses if use.shot == shot)] for shot in shots]
    best: dict[tuple[int, int], float] = {}
    for choice in product(*ways):
        chosen = [use for use in choice if use is not None]
        bars = sum(use.length for use in chosen)
        if not chosen or bars > bar_count or not required <= {use.shot for use in chosen}:
            continue
        key = (bars, len(chosen))
        best[key] = max(best.get(key, -np.inf), sum(use.score for use in chosen))
    return best


@pytest.mark.parametrize("count_shots", [False, True])
def test_fillings_are_the_best_of_all(count_shots: bool) -> None:
    filled = 0
    for seed in range(400):
        rng = np.random.default_rng([41, seed])
        shot_count, bar_count = int(rng.integers(1, 6)), int(rng.integers(1, 9))
        uses = [
            Use(shot, -1, int(length), float(rng.integers(-4, 5)) / 2 if seed % 2 else float(rng.normal()))
            for shot in range(shot_count)
            for length in rng.choice(np.arange(1, 5), int(rng.integers(0, 4)), replace=False)
        ]
        required = frozenset(shot for shot in range(shot_count) if rng.random() < 0.15)
        everything = enumerate_fillings(uses, bar_count, required)
        found = scene_fillings(uses, bar_count=bar_count, required=required, count_shots=count_shots)
        if count_shots:
            # The best with at most so many shots, at the fewest with which it can be had.
            expected = {
                (bars, count): score
                for (bars, count), score in everything.items()
                if all(score > other + 1e-12 for (b, c), other in everything.items() if b == bars and c < count)
            }
        else:
            expected = {}
            for (bars, _), score in everything.items():
                expected[bars, 1] = max(score, expected.get((bars, 1), -np.inf))
        assert {(filling.bar_count, filling.shot_count): filling.score for filling in found} == pytest.approx(expected)
        filled += len(found)
    assert filled > 500


def test_a_required_shot_that_fits_nowhere_leaves_the_scene_empty() -> None:
    uses = [Use(0, -1, 1, 1.0)]
    assert scene_fillings(uses, bar_count=2, required=frozenset({1}), count_shots=False) == []
    assert scene_fillings(uses, bar_count=2, count_shots=True) == [Filling(1, 1, 1.0)]
