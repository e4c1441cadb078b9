"""Groups the shots of a film into scenes: optimal sequential grouping. Pure.

A scene is a run of shots that look alike. Shots are compared by a kernel over colours, layout and edges; the cost of a
run is the spread of its shots around their mean in the kernel's space, as in kernel change-point detection (Arlot,
Celisse and Harchaoui, 2019), every shot counting as long as it lasts; dynamic programming finds the partition of least
cost (the idea of optimal sequential grouping: Rotman, Porat and Ashour, 2017). How many scenes there are is decided by
a price per scene, or given. A weak prior on how long scenes last keeps single odd shots from becoming scenes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_PAIRS = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneOptions:
    """How shots are grouped.

    ``price``: what one more scene costs, in the unit of one shot of mean length that is like no other.
    ``usual_seconds`` and ``length_weight``: the prior, length_weight * ln(length / usual)^2 per scene.
    ``longest_shots``: no scene has more shots, so that time and memory grow with the film's length and not its square.
    """

    price: float = 1.3
    usual_seconds: float = 40.0
    length_weight: float = 0.1
    longest_shots: int = 600


@dataclass(frozen=True, slots=True)
class FeatureBlock:
    """Columns ``start`` to ``end`` of the shots' features, and what part they play in the kernel."""

    start: int
    end: int
    weight: float


def group_scenes(
    features: NDArray[np.floating],
    durations_seconds: NDArray[np.floating],
    blocks: Sequence[FeatureBlock],
    *,
    scene_count: int | None = None,
    options: SceneOptions | None = None,
) -> list[tuple[int, int]]:
    """Scenes as half-open ranges of shots that tile them.

    ``features``: [shots, columns]; ``durations_seconds``: [shots], positive; ``blocks`` say how columns are compared.
    ``scene_count`` asks for so many (as many as there are shots if they are fewer); without it the price decides.
    """
    shot_count = len(durations_seconds)
    if shot_count == 0:
        return []
    wanted = None if scene_count is None else min(max(scene_count, 1), shot_count)
    chosen = options or SceneOptions()
    longest = chosen.longest_shots if wanted is None else max(chosen.longest_shots, -(-2 * shot_count // wanted))
    costs = _costs(features, durations_seconds, blocks, longest, chosen)
    ends = _cheapest(costs, chosen.price) if wanted is None else _cheapest_of(costs, wanted)
    return list(zip([0, *ends[:-1]], ends, strict=True))


def boundary_probabilities(
    features: NDArray[np.floating],
    durations_seconds: NDArray[np.floating],
    blocks: Sequence[FeatureBlock],
    *,
    options: SceneOptions | None = None,
    temperature: float = 0.1,
) -> Floats:
    """How likely a scene begins with each shot but the first: float64 [shots - 1].

    The share of the partitions in which one does, each counting exp(-cost / temperature): of no use for finding scenes,
    but a measure of how sure the boundaries are.
    """
    chosen = options or SceneOptions()
    costs = (_costs(features, durations_seconds, blocks, chosen.longest_shots, chosen) + chosen.price) / temperature
    count, longest = costs.shape
    before, after = np.full(count + 1, -np.inf), np.full(count + 1, -np.inf)
    before[0], after[count] = 0.0, 0.0
    for start in range(count):
        ends = slice(start + 1, start + 1 + min(longest, count - start))
        reached = before[start] - costs[start, : ends.stop - ends.start]
        before[ends] = np.logaddexp(before[ends], reached)
    for start in range(count - 1, -1, -1):
        reach = min(longest, count - start)
        after[start] = np.logaddexp.reduce(after[start + 1 : start + 1 + reach] - costs[start, :reach])
    return np.asarray(np.exp(before + after - before[count])[1:-1], dtype=np.float64)


class _Kernel:
    """Similarity of shots, 0 to 1: a weighted sum of Gaussians, each as wide as half its median squared distance."""

    def __init__(self, features: Floats, blocks: Sequence[FeatureBlock]) -> None:
        total = sum(block.weight for block in blocks)
        rng = np.random.default_rng(0)
        pairs = rng.integers(0, len(features), size=(2, _PAIRS)) if len(features) > 1 else np.zeros((2, 1), np.int64)
        pairs = pairs[:, pairs[0] != pairs[1]]
        self._parts = []
        for block in blocks:
            part = features[:, block.start : block.end]
            distances = np.square(part[pairs[0]] - part[pairs[1]]).sum(axis=1)
            width = float(np.median(distances)) if len(distances) else 0.0
            self._parts.append((part, width if width > 0 else 1.0, block.weight / total))

    def row(self, shot: int, end: int) -> Floats:
        """Similarity of ``shot`` with itself and all after it up to ``end``."""
        value = np.zeros(end - shot)
        for part, width, weight in self._parts:
            value += weight * np.exp(-np.square(part[shot:end] - part[shot]).sum(axis=1) / width)
        return value


def _costs(
    features: NDArray[np.floating],
    durations_seconds: NDArray[np.floating],
    blocks: Sequence[FeatureBlock],
    longest: int,
    options: SceneOptions,
) -> Floats:
    durations = np.maximum(np.asarray(durations_seconds, dtype=np.float64), 1e-3)
    kernel = _Kernel(np.asarray(features, dtype=np.float64), blocks)
    return _run_costs(kernel, durations, min(len(durations), longest), options)


def _run_costs(kernel: _Kernel, durations: Floats, longest: int, options: SceneOptions) -> Floats:
    """Cost of every run of shots: [shots, longest], entry (a, n) for n + 1 shots from a on; infinite past the end."""
    count = len(durations)
    weights = durations / durations.mean()
    costs = np.full((count, longest), np.inf)
    inner: Floats = np.zeros(0)
    for start in range(count - 1, -1, -1):
        end = min(count, start + longest)
        size = end - start
        similar = kernel.row(start, end) * weights[start:end] * weights[start]
        # Sum over all pairs of the run from start: those without start, its own, and twice those with it.
        inner = np.concatenate(([0.0], inner[: size - 1])) + 2.0 * np.cumsum(similar) - similar[0]
        total = np.cumsum(weights[start:end])
        lasting = np.cumsum(durations[start:end])
        prior = options.length_weight * np.square(np.log(lasting / options.usual_seconds))
        costs[start, :size] = total - inner / total + prior
    return costs


def _cheapest(costs: Floats, price: float) -> list[int]:
    """Ends of the runs of the cheapest partition when every run costs ``price`` more."""
    count, longest = costs.shape
    best = np.full(count + 1, np.inf)
    best[count] = 0.0
    size = np.ones(count, dtype=np.int64)
    for start in range(count - 1, -1, -1):
        reach = min(longest, count - start)
        total = costs[start, :reach] + best[start + 1 : start + 1 + reach] + price
        size[start] = int(np.argmin(total)) + 1
        best[start] = total[size[start] - 1]
    ends = [int(size[0])]
    while ends[-1] < count:
        ends.append(ends[-1] + int(size[ends[-1]]))
    return ends


def _cheapest_of(costs: Floats, wanted: int) -> list[int]:
    """Ends of the runs of the cheapest partition into exactly ``wanted`` runs."""
    count, longest = costs.shape
    best = np.full(count + 1, np.inf)
    best[count] = 0.0
    sizes = np.ones((wanted, count), dtype=np.int64)
    for left in range(wanted):
        after, best = best, np.full(count + 1, np.inf)
        for start in range(count - 1, -1, -1):
            reach = min(longest, count - start)
            total = costs[start, :reach] + after[start + 1 : start + 1 + reach]
            sizes[left, start] = int(np.argmin(total)) + 1
            best[start] = total[sizes[left, start] - 1]
    ends = [0]
    for left in range(wanted - 1, -1, -1):
        ends.append(ends[-1] + int(sizes[left, ends[-1]]))
    return ends[1:]
