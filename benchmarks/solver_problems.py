"""Random selection problems for the benchmarks, the same in every run."""

from __future__ import annotations

from typing import Any

import numpy as np

import moodcut_solver as ms


def problem(shot_count: int, bar_count: int, seed: int = 0) -> dict[str, Any]:
    """Shots of 0 to 7 bars, scores in [0, 1], scenes of 2 to 30 shots."""
    rng = np.random.default_rng([shot_count, bar_count, seed])
    scenes = np.repeat(np.arange(shot_count), rng.integers(2, 31, shot_count))[:shot_count]
    return {
        "scene_ids": scenes.tolist(),
        "score": rng.random(shot_count),
        "bars": rng.integers(0, 8, shot_count),
        "bar_count": bar_count,
    }


def rich(fields: dict[str, Any]) -> dict[str, Any]:
    """The same shots with real boundaries, a score for every bar and flexible lengths up to 4."""
    rng = np.random.default_rng(len(fields["bars"]))
    count = fields["bar_count"]
    return {
        "scene_ids": fields["scene_ids"],
        "bar_scores": rng.random((len(fields["bars"]), count)),
        "duration_ticks": fields["bars"] * 50 + rng.integers(0, 50, len(fields["bars"])),
        "bar_boundary_ticks": np.cumsum(np.append(0, rng.integers(46, 55, count))),
        "length_mode": ms.LengthMode.FLEXIBLE,
        "max_bars": 4,
    }


KINDS = ("hard", "hard, rich", "soft exact", "soft scaled")


def of_kind(kind: str, fields: dict[str, Any], max_scenes: int) -> dict[str, Any]:
    """One of ``KINDS`` of problem with these shots."""
    if kind == "hard, rich":
        return rich(fields) | {"scene_limit": ms.HardSceneLimit(max_scenes)}
    limits: dict[str, Any] = {
        "hard": ms.HardSceneLimit(max_scenes),
        "soft exact": ms.SoftSceneLimit(max_scenes),
        "soft scaled": ms.SoftSceneLimit(max_scenes, ms.SoftMode.SCALED),
    }
    return fields | {"scene_limit": limits[kind]}
