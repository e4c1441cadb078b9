"""Random small problems with every option and combinations of options."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from moodcut_solver import (
    CoverageRequirement,
    HardSceneLimit,
    LengthMode,
    SoftMode,
    SoftSceneLimit,
    Weighting,
)


def random_fields(rng: np.random.Generator, *, options: tuple[str, ...] = ()) -> dict[str, Any]:
    """Arguments of ``solve``; ``options`` names what may be added, without it one is drawn at random."""
    flexible = rng.random() < 0.4
    n = int(rng.integers(1, 8 if flexible else 12))
    bar_count = int(rng.integers(1, 9))
    cuts = rng.random(n) < rng.choice([0.0, 0.3, 0.5, 1.0])
    scene = np.cumsum(cuts)
    fields: dict[str, Any] = {"scene_ids": [f"s{k}" for k in scene], "add_scene_mean": bool(rng.random() < 0.6)}
    draw = rng.integers(-3, 4, (n, bar_count)) / 2 if rng.random() < 0.5 else rng.normal(size=(n, bar_count))
    if "bar_scores" in options:
        fields["bar_scores"] = draw
    else:
        fields["score"] = draw[:, 0]
    if "ticks" in options:
        fields["bar_boundary_ticks"] = np.cumsum(np.append(rng.integers(-5, 5), rng.integers(5, 9, bar_count)))
        fields["duration_ticks"] = rng.integers(0, 30, n)
    else:
        fields["bars"] = rng.integers(0, 4, n)
        fields["bar_count"] = bar_count
    if flexible:
        fields["length_mode"] = LengthMode.FLEXIBLE
        if rng.random() < 0.5:
            fields["min_bars"] = int(rng.integers(0, 3))
            fields["max_bars"] = 0 if rng.random() < 0.3 else fields["min_bars"] + int(rng.integers(1, 3))
        elif rng.random() < 0.5:
            fields["max_bars"] = rng.integers(1, 4, n)
    fields["weighting"] = Weighting.PER_BAR if rng.random() < 0.4 else Weighting.PER_SHOT
    _add_scene_limit(rng, fields)
    if "required" in options:
        fields["required"] = rng.random(n) < 0.2
    if "excluded" in options:
        fields["excluded"] = (rng.random(n) < 0.25) & ~fields.get("required", np.zeros(n, bool))
    if "pinned" in options:
        pins = np.full(n, -1)
        at = int(rng.integers(n))
        if not fields.get("excluded", np.zeros(n, bool))[at]:
            pins[at] = rng.integers(bar_count)
        fields["pinned_first_bar"] = pins
    if "required_scenes" in options:
        fields["required_scenes"] = [f"s{k}" for k in np.unique(scene) if rng.random() < 0.35]
    if "coverage" in options:
        fields["coverage"] = _coverage(rng, n)
    if "groups" in options:
        fields["duplicate_group"] = [str(g) if g < 4 else "" for g in rng.integers(0, 6, n)]
    return fields


def _add_scene_limit(rng: np.random.Generator, fields: dict[str, Any]) -> None:
    kind = rng.integers(4)
    most = int(rng.integers(1, 5)) if rng.random() < 0.9 else 50
    if kind == 0:
        fields["scene_limit"] = HardSceneLimit(most)
    elif kind == 1:
        fields["scene_limit"] = SoftSceneLimit(most)
    elif kind == 2:
        fields["scene_limit"] = SoftSceneLimit(most, SoftMode.SCALED, int(rng.choice([7, 10, 1000])))


def _coverage(rng: np.random.Generator, n: int) -> list[CoverageRequirement]:
    bounds = sorted(set(rng.integers(0, n + 1, 3).tolist()))
    return [
        CoverageRequirement(first, end, int(rng.integers(1, 3)))
        for first, end in pairwise(bounds)
        if rng.random() < 0.8
    ]


OPTIONS = ("bar_scores", "ticks", "required", "excluded", "pinned", "required_scenes", "coverage", "groups")


def some_options(rng: np.random.Generator) -> tuple[str, ...]:
    """Options for a problem: none, one, or several."""
    chance = rng.choice([0.0, 0.15, 0.4])
    return tuple(name for name in OPTIONS if rng.random() < chance)
