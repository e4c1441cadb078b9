"""Scenes whose beginnings are given: each begins with the shot that begins nearest. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

import numpy as np

from moodcut_kit.time import FrameTimes
from moodcut_segmenter.errors import BadOptionsError
from moodcut_segmenter.shots import ShotSpan

# Half a second of film: a hand that marks a cut is nearer, and so are rounded times.
FAR_FRAMES = 12
_NAMED_IN_WARNINGS = 3


def check_starts(starts_seconds: Sequence[Fraction], duration_seconds: Fraction) -> None:
    """Raise BadOptionsError unless the times increase and lie within the film."""
    for before, after in pairwise(starts_seconds):
        if after <= before:
            message = f"scenes must begin one after the other, but {_shown(after)} follows {_shown(before)}"
            raise BadOptionsError(message, field="options.scene_starts")
    for each in starts_seconds:
        if not 0 <= each < duration_seconds:
            message = (
                f"a scene is said to begin at {_shown(each)}, outside the film, which lasts {_shown(duration_seconds)}"
            )
            raise BadOptionsError(message, field="options.scene_starts")


def scenes_at(
    starts_seconds: Sequence[Fraction], shots: Sequence[ShotSpan], times: FrameTimes
) -> tuple[list[tuple[int, int]], list[str]]:
    """Scenes as half-open ranges of shots that tile them, and warnings in words.

    The first scene begins with the first shot in any case. Shots are never divided: a beginning that lies more than
    ``FAR_FRAMES`` from every cut is moved all the same, with a warning; two at one cut make one scene, likewise.
    Raises BadOptionsError as :func:`check_starts` does.
    """
    check_starts(starts_seconds, times.duration_seconds)
    cuts = np.array([shot.start_frame for shot in shots])
    found, moved, lost = [0], list[str](), list[str]()
    for seconds in starts_seconds:
        frame = times.boundary_nearest(seconds)
        shot = int(np.argmin(np.abs(cuts - frame)))
        if abs(int(cuts[shot]) - frame) > FAR_FRAMES:
            moved.append(f"{_shown(seconds)} to {_shown(times.start_seconds(int(cuts[shot])))}")
        if shot > found[-1]:
            found.append(shot)
        elif shot or frame > FAR_FRAMES:
            lost.append(_shown(seconds))
    warnings = []
    if moved:
        warnings.append(f"beginnings of scenes far from any cut were moved to the nearest: {_listed(moved)}")
    if lost:
        warnings.append(f"beginnings of scenes at a cut where another scene begins were left out: {_listed(lost)}")
    return list(zip(found, [*found[1:], len(shots)], strict=True)), warnings


def _shown(seconds: Fraction) -> str:
    return f"{float(seconds):.3f} s"


def _listed(items: list[str]) -> str:
    more = len(items) - _NAMED_IN_WARNINGS
    return ", ".join(items[:_NAMED_IN_WARNINGS]) + (f" and {more} more" if more > 0 else "")
