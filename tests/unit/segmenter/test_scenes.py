"""Grouping shots into scenes."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moodcut_segmenter.scenes import (
    FeatureBlock,
    SceneOptions,
    _cheapest,
    _cheapest_of,
    _costs,
    boundary_probabilities,
    group_scenes,
)

_ONE_BLOCK = [FeatureBlock(0, 3, 1.0)]


def _alternating(places: list[int], *, seed: int = 0) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Shots that look like their place, with some noise."""
    rng = np.random.default_rng(seed)
    return np.eye(3)[places] + rng.normal(0, 0.05, (len(places), 3))


def test_places_become_scenes() -> None:
    places = [0] * 6 + [1] * 5 + [2] * 7
    scenes = group_scenes(_alternating(places), np.full(len(places), 6.0), _ONE_BLOCK)
    assert scenes == [(0, 6), (6, 11), (11, 18)]


def test_a_single_odd_shot_does_not_break_a_scene() -> None:
    places = [0] * 6 + [1] + [0] * 6
    assert group_scenes(_alternating(places), np.full(13, 4.0), _ONE_BLOCK) == [(0, 13)]


def test_shot_and_reverse_shot_are_one_scene() -> None:
    places = [0, 1] * 6 + [2] * 8
    assert group_scenes(_alternating(places), np.full(20, 4.0), _ONE_BLOCK, scene_count=2) == [(0, 12), (12, 20)]


def test_one_shot_is_one_scene_and_no_shot_none() -> None:
    assert group_scenes(np.zeros((1, 3)), np.array([5.0]), _ONE_BLOCK) == [(0, 1)]
    assert group_scenes(np.zeros((0, 3)), np.array([]), _ONE_BLOCK) == []


@settings(deadline=None)
@given(count=st.integers(1, 30), wanted=st.integers(1, 40), longest=st.integers(1, 30), seed=st.integers(0, 99))
def test_scenes_tile_the_shots_in_the_number_asked_for(count: int, wanted: int, longest: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    options = SceneOptions(longest_shots=longest)
    scenes = group_scenes(rng.random((count, 3)), rng.uniform(0.2, 9, count), _ONE_BLOCK, scene_count=wanted)
    free = group_scenes(rng.random((count, 3)), rng.uniform(0.2, 9, count), _ONE_BLOCK, options=options)
    assert len(scenes) == min(wanted, count)
    assert max(end - start for start, end in free) <= longest
    for found in (scenes, free):
        assert [start for start, _ in found] == [0, *(end for _, end in found[:-1])]
        assert found[-1][1] == count
        assert all(start < end for start, end in found)


@pytest.mark.parametrize("seed", range(5))
def test_no_other_partition_is_cheaper(seed: int) -> None:
    count = 8
    costs = np.random.default_rng(seed).random((count, count)) * 3
    costs = np.where(np.add.outer(np.arange(count), np.arange(count)) < count, costs, np.inf)

    def total(ends: tuple[int, ...]) -> float:
        return float(sum(costs[a, b - a - 1] for a, b in zip((0, *ends[:-1]), ends, strict=True)))

    partitions = [(*inner, count) for size in range(count) for inner in combinations(range(1, count), size)]
    best = min(partitions, key=lambda ends: total(ends) + 0.5 * len(ends))
    assert tuple(_cheapest(costs, 0.5)) == best
    for wanted in range(1, count + 1):
        least = min((each for each in partitions if len(each) == wanted), key=total)
        assert tuple(_cheapest_of(costs, wanted)) == least


def test_probabilities_are_shares_of_all_partitions() -> None:
    count, options = 7, SceneOptions(longest_shots=5, price=0.3)
    rng = np.random.default_rng(1)
    features, seconds = rng.random((count, 3)), rng.uniform(1, 9, count)
    found = boundary_probabilities(features, seconds, _ONE_BLOCK, options=options, temperature=0.5)
    costs = _costs(features, seconds, _ONE_BLOCK, 5, options)
    total, shares = 0.0, np.zeros(count - 1)
    for size in range(count):
        for inner in combinations(range(1, count), size):
            pieces = list(zip((0, *inner), (*inner, count), strict=True))
            if max(end - start for start, end in pieces) <= 5:
                cost = sum(costs[start, end - start - 1] + options.price for start, end in pieces)
                total += np.exp(-cost / 0.5)
                shares[[each - 1 for each in inner]] += np.exp(-cost / 0.5)
    assert found == pytest.approx(shares / total)


def test_boundaries_of_places_are_sure() -> None:
    places = [0] * 6 + [1] * 5 + [2] * 7
    found = boundary_probabilities(_alternating(places), np.full(len(places), 6.0), _ONE_BLOCK)
    assert set(np.flatnonzero(found > 0.5) + 1) == {6, 11}
