"""Every selection of a small problem, one by one, from the definition and from nothing else."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any, NamedTuple

from moodcut_solver import HardSceneLimit, LengthMode, SoftMode, SoftSceneLimit, Weighting


class Found(NamedTuple):
    objective: float
    steps: tuple[tuple[int, int, int], ...]
    scene_count: int


def enumerate_selections(fields: dict[str, Any]) -> list[Found]:
    """All selections allowed by ``fields``, which are the arguments of ``moodcut_solver.solve``."""
    scenes = fields["scene_ids"]
    n = len(scenes)
    boundaries = fields.get("bar_boundary_ticks")
    bar_count = len(boundaries) - 1 if boundaries is not None else fields["bar_count"]
    score = scores_with_means(fields, bar_count)
    per_bar = fields.get("weighting", Weighting.PER_SHOT) is Weighting.PER_BAR
    found = []
    for lengths in length_vectors(fields, n, bar_count):
        if sum(lengths) != bar_count:
            continue
        steps, bar, total, fits = [], 0, 0.0, True
        for i, length in enumerate(lengths):
            if length == 0:
                continue
            fits = fits and can_cover(fields, i, bar, length, bar_count)
            covered = [score[i][b] for b in range(bar, bar + length)]
            total += sum(covered) if per_bar else sum(covered) / length
            steps.append((i, bar, length))
            bar += length
        if fits and allowed(fields, steps):
            found.append(Found(total, tuple(steps), len({scenes[i] for i, _, _ in steps})))
    return found


def scores_with_means(fields: dict[str, Any], bar_count: int) -> list[list[float]]:
    scenes = fields["scene_ids"]
    if fields.get("bar_scores") is not None:
        own = [[float(x) for x in row] for row in fields["bar_scores"]]
    else:
        own = [[float(x)] * bar_count for x in fields["score"]]
    if not fields.get("add_scene_mean", True):
        return own
    result = []
    for i, scene in enumerate(scenes):
        members = [j for j in range(len(scenes)) if scenes[j] == scene]
        result.append([own[i][b] + sum(own[j][b] for j in members) / len(members) for b in range(bar_count)])
    return result


def length_vectors(fields: dict[str, Any], n: int, bar_count: int) -> Iterator[tuple[int, ...]]:
    """Bars of every shot, 0 where it is not chosen; more than what fits in the end."""
    options: list[list[int]] = []
    for i in range(n):
        if fields.get("excluded") is not None and fields["excluded"][i]:
            options.append([0])
        elif fields.get("length_mode") is LengthMode.FLEXIBLE or fields.get("bar_boundary_ticks") is not None:
            options.append(list(range(bar_count + 1)))
        else:
            options.append([0, int(fields["bars"][i])] if fields["bars"][i] >= 1 else [0])

    def extend(i: int, used: int) -> Iterator[tuple[int, ...]]:
        if i == n:
            yield ()
            return
        for length in options[i]:
            if used + length <= bar_count:
                for rest in extend(i + 1, used + length):
                    yield (length, *rest)

    return extend(0, 0)


def can_cover(fields: dict[str, Any], i: int, first: int, length: int, bar_count: int) -> bool:
    boundaries = fields.get("bar_boundary_ticks")

    def fits(count: int) -> bool:
        if first + count > bar_count:
            return False
        if boundaries is None:
            return count <= int(fields["bars"][i])
        return boundaries[first + count] - boundaries[first] <= fields["duration_ticks"][i]

    pin = fields["pinned_first_bar"][i] if fields.get("pinned_first_bar") is not None else -1
    if pin not in (-1, first) or not fits(length):
        return False
    if fields.get("length_mode") is LengthMode.FLEXIBLE:
        low, high = (bound(fields, name, i) for name in ("min_bars", "max_bars"))
        return length >= max(1, low) and (high == 0 or length <= high)
    if boundaries is None:
        return length == int(fields["bars"][i])
    return not fits(length + 1)


def bound(fields: dict[str, Any], name: str, i: int) -> int:
    value = fields.get(name)
    if value is None:
        return 0
    return int(value) if isinstance(value, int) else int(value[i])


def allowed(fields: dict[str, Any], steps: list[tuple[int, int, int]]) -> bool:
    scenes = fields["scene_ids"]
    chosen = {i for i, _, _ in steps}
    for name, least in (("required", True), ("pinned_first_bar", 0)):
        if fields.get(name) is not None and any(v >= least and i not in chosen for i, v in enumerate(fields[name])):
            return False
    if any(all(scenes[i] != scene for i in chosen) for scene in fields.get("required_scenes", ())):
        return False
    for need in fields.get("coverage", ()):
        if len(chosen & set(range(need.first_index, need.end_index))) < need.min_count:
            return False
    groups = (
        [fields["duplicate_group"][i] for i in chosen if fields["duplicate_group"][i]]
        if fields.get("duplicate_group")
        else []
    )
    if len(set(groups)) < len(groups):
        return False
    limit = fields.get("scene_limit")
    if isinstance(limit, HardSceneLimit):
        return len({scenes[i] for i in chosen}) <= limit.max_scenes
    if isinstance(limit, SoftSceneLimit):
        sizes = {scene: scenes.count(scene) for scene in scenes}
        if limit.mode is SoftMode.SCALED:
            return sum(math.floor(limit.scale / sizes[scenes[i]]) for i in chosen) <= limit.scale * limit.max_scenes
        return sum((Fraction(1, sizes[scenes[i]]) for i in chosen), Fraction(0)) <= limit.max_scenes
    return True


def preference(found: Found) -> tuple[float, int, list[tuple[int, int]]]:
    """Better first: objective (to what rounding leaves), fewer shots, earlier shots, longer ones."""
    return (-round(found.objective, 9), len(found.steps), [(i, -length) for i, _, length in found.steps])
