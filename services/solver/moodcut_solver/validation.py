"""Checks a problem's fields and resolves their defaults. Every refusal names the field and the index."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from moodcut_solver.errors import InvalidProblemError, ProblemTooLargeError
from moodcut_solver.problem import (
    LIMITS,
    Bools,
    CoverageRequirement,
    Floats,
    HardSceneLimit,
    Ints,
    LengthMode,
    Problem,
    SoftMode,
    SoftSceneLimit,
    Weighting,
)

_LARGEST_TICK = 1 << 53
_FLOOR_GUARD = 1e-9


def whole_bars(duration_seconds: Floats, bar_duration_seconds: float) -> Ints:
    """t_i = floor(duration / bar), with a guard of 1e-9 bars against durations that are whole only nearly."""
    with np.errstate(over="ignore"):
        bars = np.minimum(duration_seconds / bar_duration_seconds, 1e15)
    return np.floor(bars + _FLOOR_GUARD).astype(np.int64)


def int_array(field: str, values: ArrayLike, count: int) -> Ints:
    """``values`` as (count,) int64; they must be whole numbers."""
    array = np.asarray(values)
    if array.shape == ():
        array = np.full(count, array)
    if array.shape != (count,):
        raise InvalidProblemError(field, f"has shape {array.shape}, needs ({count},), one number a shot")
    if array.dtype.kind not in "iub":
        floats = float_array(field, array, count)
        wrong = np.flatnonzero(floats != np.rint(floats))
        if len(wrong):
            raise InvalidProblemError(f"shots[{wrong[0]}].{field}", f"is {floats[wrong[0]]}, must be a whole number")
        wrong = np.flatnonzero(np.abs(floats) > _LARGEST_TICK)
        if len(wrong):
            raise InvalidProblemError(f"shots[{wrong[0]}].{field}", f"is {floats[wrong[0]]}, beyond 2**53")
    return array.astype(np.int64)


def float_array(field: str, values: ArrayLike, count: int) -> Floats:
    """``values`` as (count,) float64; they must be finite."""
    try:
        array = np.asarray(values, np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidProblemError(field, f"is not an array of numbers: {error}") from error
    if array.shape != (count,):
        raise InvalidProblemError(field, f"has shape {array.shape}, needs ({count},), one number a shot")
    wrong = np.flatnonzero(~np.isfinite(array))
    if len(wrong):
        raise InvalidProblemError(f"shots[{wrong[0]}].{field}", f"is {array[wrong[0]]}, must be a finite number")
    return array


def _table(field: str, values: ArrayLike) -> Floats:
    try:
        return np.asarray(values, np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidProblemError(field, f"is not a table of numbers: {error}") from error


def _whole(field: str, value: object, least: int, most: int) -> int:
    """``value`` as an int; it must be a whole number from ``least`` to ``most``."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not least <= value <= most:
        raise InvalidProblemError(field, f"is {value!r}, must be a whole number from {least} to {most}")
    return int(value)


def check_shots(
    shot_ids: Sequence[str], scene_ids: Sequence[Hashable]
) -> tuple[tuple[str, ...], tuple[str, ...], Ints]:
    """Shot ids, distinct scene ids in order of appearance, and each shot's index into them."""
    count = len(scene_ids)
    if count == 0:
        raise InvalidProblemError("shots", "is empty; at least one shot is needed")
    if count > LIMITS.shot_count:
        raise ProblemTooLargeError("shots", f"has {count} shots, more than the limit of {LIMITS.shot_count}")
    if len(shot_ids) != count:
        raise InvalidProblemError("shot_id", f"has {len(shot_ids)} entries for {count} shots")
    seen: dict[str, int] = {}
    for i, shot_id in enumerate(shot_ids):
        if not isinstance(shot_id, str):
            raise InvalidProblemError(f"shots[{i}].shot_id", f"is {shot_id!r}, must be a text")
        if shot_id == "":
            raise InvalidProblemError(f"shots[{i}].shot_id", "is empty")
        if shot_id in seen:
            raise InvalidProblemError(f"shots[{i}].shot_id", f"is {shot_id!r}, like that of shots[{seen[shot_id]}]")
        seen[shot_id] = i
    index: dict[Hashable, int] = {}
    scene = np.empty(count, np.int64)
    for i, scene_id in enumerate(scene_ids):
        if scene_id == "" or scene_id is None:
            raise InvalidProblemError(f"shots[{i}].scene_id", "is empty")
        scene[i] = index.setdefault(scene_id, len(index))
    names = tuple(str(scene_id) for scene_id in index)
    if len(set(names)) < len(names):
        raise InvalidProblemError("scene_ids", "has different ids that read the same, such as 1 and '1'")
    return tuple(shot_ids), names, scene


def check_grid(bar_count: int | None, bar_boundary_ticks: ArrayLike | None) -> tuple[int, Ints | None]:
    """The number of bars, and their boundaries where there are any."""
    boundaries = None
    if bar_boundary_ticks is not None:
        raw = np.asarray(bar_boundary_ticks)
        if raw.ndim != 1 or len(raw) < 2 or raw.dtype.kind not in "iu":
            raise InvalidProblemError("bar_boundary_ticks", "must be at least two integers")
        boundaries = raw.astype(np.int64)
        wrong = np.flatnonzero(np.abs(boundaries) > _LARGEST_TICK)
        if len(wrong):
            raise InvalidProblemError(f"bar_boundary_ticks[{wrong[0]}]", f"is {boundaries[wrong[0]]}, beyond 2**53")
        wrong = np.flatnonzero(np.diff(boundaries) <= 0)
        if len(wrong):
            at = int(wrong[0]) + 1
            raise InvalidProblemError(
                f"bar_boundary_ticks[{at}]", f"is {boundaries[at]} after {boundaries[at - 1]}; boundaries must increase"
            )
        count = len(boundaries) - 1
        if bar_count not in (None, 0, count):
            raise InvalidProblemError("bar_count", f"is {bar_count}, but bar_boundary_ticks bound {count} bars")
    else:
        count = bar_count if isinstance(bar_count, int | np.integer) else 0
        if count < 1:
            raise InvalidProblemError("bar_count", f"is {bar_count}, must be a whole number of at least 1")
        count = int(count)
    if count > LIMITS.bar_count:
        raise ProblemTooLargeError("bar_count", f"is {count}, more than the limit of {LIMITS.bar_count}")
    return count, boundaries


def check_scores(
    score: ArrayLike | None, bar_scores: ArrayLike | None, bar_row: Ints | None, shot_count: int, bar_count: int
) -> tuple[Floats, Floats, Ints]:
    """Scores (n,), scores per bar (m, bar_count) and each shot's row of them or -1."""
    if bar_scores is None:
        rows, row = np.zeros((0, bar_count)), np.full(shot_count, -1, np.int64)
    else:
        rows = _table("bar_scores", bar_scores)
        row = np.arange(shot_count) if bar_row is None else bar_row
        if rows.ndim != 2 or rows.shape[1] != bar_count or len(rows) != np.count_nonzero(row >= 0):
            raise InvalidProblemError("bar_scores", f"has shape {rows.shape}, needs a row of {bar_count} bars a shot")
        for test, why in (
            (~np.isfinite(rows), "must be a finite number"),
            (np.abs(rows) > LIMITS.score, "is too large"),
        ):
            if np.any(test):
                at, bar = np.argwhere(test)[0]
                shot = int(np.flatnonzero(row == at)[0])
                raise InvalidProblemError(f"shots[{shot}].bar_scores[{bar}]", f"is {rows[at, bar]}, {why}")
    if score is None:
        if np.any(row < 0):
            raise InvalidProblemError("score", "is needed for shots without bar_scores")
        score = np.zeros(shot_count)
    values = score if np.any(row < 0) else np.zeros(shot_count)
    if np.any(row >= 0) and np.any(row < 0):
        values = np.where(row >= 0, 0.0, np.asarray(score, np.float64))
    values = float_array("score", values, shot_count)
    wrong = np.flatnonzero(np.abs(values) > LIMITS.score)
    if len(wrong):
        raise InvalidProblemError(f"shots[{wrong[0]}].score", f"is {values[wrong[0]]}, beyond {LIMITS.score:g}")
    return values, rows, row


def check_lengths(
    mode: LengthMode, min_bars: ArrayLike | None, max_bars: ArrayLike | None, shot_count: int
) -> tuple[Ints, Ints]:
    """Bounds of flexible lengths a shot; 0 or None stands for no bound."""
    bounds = []
    for field, values, default in (("min_bars", min_bars, 1), ("max_bars", max_bars, LIMITS.bar_count)):
        array = int_array(field, 0 if values is None else values, shot_count)
        wrong = np.flatnonzero(array < 0)
        if len(wrong):
            raise InvalidProblemError(f"shots[{wrong[0]}].{field}", f"is {array[wrong[0]]}, must not be negative")
        wrong = np.flatnonzero(array > 0)
        if mode is LengthMode.WHOLE_SHOT and len(wrong):
            raise InvalidProblemError(
                f"shots[{wrong[0]}].{field}", "has no meaning where shots keep their whole length; use flexible lengths"
            )
        bounds.append(np.minimum(np.where(array == 0, default, array), LIMITS.bar_count + 1))
    given = int_array("max_bars", 0 if max_bars is None else max_bars, shot_count) > 0
    wrong = np.flatnonzero((bounds[0] > bounds[1]) & given)
    if len(wrong):
        at = int(wrong[0])
        raise InvalidProblemError(f"shots[{at}].min_bars", f"is {bounds[0][at]}, more than max_bars {bounds[1][at]}")
    return bounds[0], np.minimum(bounds[1], LIMITS.bar_count)


def check_choice(required: Bools, excluded: Bools, pinned: Ints, bar_count: int) -> None:
    """Refuse what contradicts itself for one shot."""
    wrong = np.flatnonzero((pinned >= bar_count) | (pinned < -1))
    if len(wrong):
        at = int(wrong[0])
        raise InvalidProblemError(
            f"shots[{at}].pinned_first_bar", f"is {pinned[at]}; the bars are 0 to {bar_count - 1}"
        )
    for field, array in (("required", required), ("pinned_first_bar", pinned >= 0)):
        both = np.flatnonzero(array & excluded)
        if len(both):
            raise InvalidProblemError(f"shots[{both[0]}].excluded", f"is set together with {field}")


def check_coverage(coverage: Iterable[CoverageRequirement], shot_count: int) -> tuple[CoverageRequirement, ...]:
    """Coverage ranges within the shots, at least one shot each, not overlapping."""
    needs = tuple(coverage)
    for i, need in enumerate(needs):
        if not isinstance(need, CoverageRequirement):
            raise InvalidProblemError(f"coverage[{i}]", f"is {need!r}, must be a CoverageRequirement")
        if not 0 <= need.first_index < need.end_index <= shot_count:
            raise InvalidProblemError(
                f"coverage[{i}]", f"is [{need.first_index}, {need.end_index}), not a range within 0 to {shot_count}"
            )
        if need.min_count < 1:
            raise InvalidProblemError(f"coverage[{i}].min_count", f"is {need.min_count}, must be at least 1")
        for k, other in enumerate(needs[:i]):
            if need.first_index < other.end_index and other.first_index < need.end_index:
                raise InvalidProblemError(f"coverage[{i}]", f"overlaps coverage[{k}]")
    return needs


def check_scene_limit(limit: HardSceneLimit | SoftSceneLimit | None) -> None:
    """A limit of at least one scene, and a scale within bounds."""
    if limit is None:
        return
    if not isinstance(limit, HardSceneLimit | SoftSceneLimit):
        raise InvalidProblemError("scene_limit", f"is {limit!r}, must be a HardSceneLimit, a SoftSceneLimit or None")
    name = "hard_scene_limit" if isinstance(limit, HardSceneLimit) else "soft_scene_limit"
    _whole(f"{name}.max_scenes", limit.max_scenes, 1, 2**31 - 1)
    if isinstance(limit, SoftSceneLimit) and limit.mode is SoftMode.SCALED:
        _whole(f"{name}.scale", limit.scale, 1, LIMITS.scale)


def check_runs(problem: Problem) -> None:
    """Where position matters, a scene must be one run of shots."""
    if not problem.position_matters or problem.scenes_are_runs:
        return
    seen: set[int] = set()
    previous = -1
    for i, scene in enumerate(problem.scene.tolist()):
        if scene != previous and scene in seen:
            raise InvalidProblemError(
                f"shots[{i}].scene_id",
                f"is {problem.scene_ids[scene]!r} again after another scene; where position matters "
                "(bar_boundary_ticks, bar_scores, pinned_first_bar, coverage) a scene must be one run of shots",
            )
        seen.add(scene)
        previous = scene


def check_group(duplicate_group: Sequence[Hashable] | None, shot_count: int) -> Ints:
    """Near-duplicate group of every shot as an index, -1 for none ('' or None); groups of one shot are none."""
    group = np.full(shot_count, -1, np.int64)
    if duplicate_group is None:
        return group
    if len(duplicate_group) != shot_count:
        raise InvalidProblemError("duplicate_group", f"has {len(duplicate_group)} entries for {shot_count} shots")
    index: dict[Hashable, int] = {}
    for i, name in enumerate(duplicate_group):
        if name is not None and name != "":
            group[i] = index.setdefault(name, len(index))
    sizes = np.bincount(group[group >= 0], minlength=len(index))
    alone = (group >= 0) & (sizes[np.maximum(group, 0)] < 2) if len(index) else np.zeros(shot_count, bool)
    return np.where(alone, -1, group)


def check_rest(weighting: Weighting, mode: LengthMode, solution_count: int, time_limit_seconds: float) -> None:
    """Counts, limits and kinds."""
    if not isinstance(weighting, Weighting) or not isinstance(mode, LengthMode):
        raise InvalidProblemError("weighting", "and length_mode must be a Weighting and a LengthMode")
    _whole("solution_count", solution_count, 1, LIMITS.solution_count)
    if not isinstance(time_limit_seconds, int | float) or not 0 < time_limit_seconds <= LIMITS.time_limit_seconds:
        raise InvalidProblemError(
            "time_limit_seconds", f"is {time_limit_seconds}, must be above 0 and at most {LIMITS.time_limit_seconds:g}"
        )
