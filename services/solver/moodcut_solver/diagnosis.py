"""Why a problem has no selection, and what is close to it.

One forward pass gives, for every number of bars at once, the fewest scenes (hard limit) or the least weight (soft
limit) that fill them. All answers are read from such passes: with a constraint removed, or over a longer grid.
"""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import replace

import numpy as np

from moodcut_solver.automaton import build_automaton, open_bits
from moodcut_solver.errors import ProblemTooLargeError
from moodcut_solver.forward import forward
from moodcut_solver.groups import MOST_OPEN_BITS
from moodcut_solver.hard import check_size
from moodcut_solver.options import build_options
from moodcut_solver.problem import LIMITS, Floats, HardSceneLimit, LengthMode, Problem, SoftSceneLimit
from moodcut_solver.scores import ScoreTable
from moodcut_solver.soft_weights import soft_weights
from moodcut_solver.solution import Constraint, Infeasibility
from moodcut_solver.table import Checkpoint, OutOfTimeError


def diagnose(problem: Problem, check: Checkpoint) -> Infeasibility:
    """The diagnosis of an infeasible ``problem``. ``check`` may raise OutOfTimeError: the answer is incomplete then."""
    if open_bits(problem, _groups(problem)) > MOST_OPEN_BITS:
        return _without_groups(problem, check)
    relax: tuple[Constraint, ...] = ()
    smallest = below = above = 0
    complete = False
    try:
        price = _prices(problem, problem.bar_count, check)
        smallest = _smallest_limit(problem, float(price[problem.bar_count]))
        feasible = np.flatnonzero(price[1 : problem.bar_count] <= _budget(problem)) + 1
        below = int(feasible[-1]) if len(feasible) else 0
        # That more scenes would do is known already.
        relax = (Constraint.SCENE_LIMIT,) if smallest else _to_relax(problem, check)
        above, complete = _above(problem, check)
    except (OutOfTimeError, ProblemTooLargeError):
        complete = False
    if isinstance(problem.scene_limit, SoftSceneLimit) and not soft_weights(problem).exact:
        complete = False
    return Infeasibility(
        constraints_to_relax=relax,
        explanation=_explain(problem, relax, smallest, below, above),
        smallest_max_scenes=smallest,
        nearest_bar_count_below=below,
        nearest_bar_count_above=above,
        complete=complete,
    )


def _without_groups(problem: Problem, check: Checkpoint) -> Infeasibility:
    """What can be said where more near-duplicate groups are open at once than can be watched: whether they bind."""
    relax: tuple[Constraint, ...] = ()
    with suppress(OutOfTimeError, ProblemTooLargeError):
        if _fits(replace(problem, group=np.full(problem.shot_count, -1, np.int64)), check):
            relax = (Constraint.DUPLICATE_GROUP,)
    return Infeasibility(
        constraints_to_relax=relax,
        explanation=_explain(problem, relax, 0, 0, 0),
        smallest_max_scenes=0,
        nearest_bar_count_below=0,
        nearest_bar_count_above=0,
        complete=False,
    )


def _groups(problem: Problem) -> list[int]:
    return sorted(set(problem.group[problem.group >= 0].tolist()))


def _budget(problem: Problem) -> float:
    """The largest price that the scene limit allows."""
    if isinstance(problem.scene_limit, HardSceneLimit):
        return float(problem.scene_limit.max_scenes)
    if isinstance(problem.scene_limit, SoftSceneLimit):
        return float(soft_weights(problem).capacity)
    return 0.0


def _smallest_limit(problem: Problem, price: float) -> int:
    if problem.scene_limit is None or not math.isfinite(price):
        return 0
    if isinstance(problem.scene_limit, SoftSceneLimit):
        weights = soft_weights(problem)
        per_scene = weights.capacity // min(problem.scene_limit.max_scenes, len(problem.scene_ids))
        return max(1, -(-round(price) // per_scene))
    return max(1, round(price))


def _prices(problem: Problem, bar_count: int, check: Checkpoint) -> Floats:
    """(bar_count + 1,): fewest scenes, or least weight, to fill so many bars; infinite where impossible."""
    soft = isinstance(problem.scene_limit, SoftSceneLimit)
    weights = soft_weights(problem).weights.astype(np.float64) if soft else np.zeros(problem.shot_count)
    flat = replace(
        problem,
        bar_count=bar_count,
        bar_scores=np.zeros((0, bar_count)),
        bar_row=np.full(problem.shot_count, -1, np.int64),
    )
    nothing = np.zeros(problem.shot_count)
    options = build_options(flat, ScoreTable(nothing, flat.bar_scores, flat.bar_row))
    automaton = build_automaton(flat, count_scenes=False, groups=_groups(flat))
    check_size(flat, automaton.state_count, options)
    result = forward(
        options,
        automaton,
        start=0,
        check=check,
        use_values=False,
        weights=weights,
        multiplier=1.0,
        open_cost=1.0 if isinstance(problem.scene_limit, HardSceneLimit) else 0.0,
        cut_last=flat.boundaries is not None and flat.length_mode is LengthMode.WHOLE_SHOT,
    )
    gain: Floats = result.gain[0]
    if len(result.ended):
        gain = np.maximum(gain, result.ended[0])
    return np.negative(gain)


def _fits(problem: Problem, check: Checkpoint) -> bool:
    return bool(_prices(problem, problem.bar_count, check)[problem.bar_count] <= _budget(problem))


def _without(problem: Problem, constraint: Constraint) -> Problem | None:
    """``problem`` without a constraint; None if it does not have it."""
    count = problem.shot_count
    none, never = np.full(count, -1, np.int64), np.zeros(count, bool)
    if constraint is Constraint.SCENE_LIMIT and problem.scene_limit is not None:
        return replace(problem, scene_limit=None)
    if constraint is Constraint.PINNED and np.any(problem.pinned >= 0):
        return replace(problem, pinned=none)
    if constraint is Constraint.REQUIRED and np.any(problem.required):
        return replace(problem, required=never)
    if constraint is Constraint.REQUIRED_SCENES and problem.required_scenes:
        return replace(problem, required_scenes=())
    if constraint is Constraint.COVERAGE and problem.coverage:
        return replace(problem, coverage=())
    if constraint is Constraint.DUPLICATE_GROUP and np.any(problem.group >= 0):
        return replace(problem, group=none)
    if constraint is Constraint.EXCLUDED and np.any(problem.excluded):
        return replace(problem, excluded=never)
    return None


def _to_relax(problem: Problem, check: Checkpoint) -> tuple[Constraint, ...]:
    """One constraint that can go, or a set of which none can stay; BAR_COUNT if nothing else helps."""
    present = []
    bare = problem
    for constraint in Constraint:
        lesser = _without(problem, constraint)
        if lesser is None:
            continue
        if _fits(lesser, check):
            return (constraint,)
        present.append(constraint)
        bare = _without(bare, constraint) or bare
    if len(present) < 2 or not _fits(bare, check):
        return (Constraint.BAR_COUNT,)
    gone = list(present)
    for kept in reversed(present):
        trial = problem
        for constraint in gone:
            if constraint is not kept:
                trial = _without(trial, constraint) or trial
        if _fits(trial, check):
            gone.remove(kept)
    return tuple(gone)


def _above(problem: Problem, check: Checkpoint) -> tuple[int, bool]:
    """The next larger number of bars that can be filled, and whether that is settled."""
    if problem.boundaries is not None:
        return 0, True
    assert problem.bars is not None
    flexible = problem.length_mode is LengthMode.FLEXIBLE
    longest = np.minimum(problem.bars, problem.max_bars) if flexible else problem.bars
    longest = np.minimum(np.where(problem.excluded, 0, longest), LIMITS.bar_count + 1)
    total = int(np.sum(longest[longest <= LIMITS.bar_count]))
    end = min(total, LIMITS.bar_count)
    # Where no shot must be there, shots can be taken away one by one, so that the next number is near or nowhere.
    needs_shots = bool(
        np.any(problem.required) or np.any(problem.pinned >= 0) or problem.coverage or problem.required_scenes
    )
    reach = problem.bar_count + int(np.max(longest[longest <= LIMITS.bar_count], initial=1))
    while problem.bar_count < end:
        reach = min(reach, end)
        price = _prices(problem, reach, check)
        feasible = np.flatnonzero(price[problem.bar_count + 1 :] <= _budget(problem))
        if len(feasible):
            return problem.bar_count + 1 + int(feasible[0]), True
        if reach == end or not needs_shots:
            break
        reach *= 2
    return 0, True


_NAMES = {
    Constraint.SCENE_LIMIT: "the limit on scenes",
    Constraint.PINNED: "pinned shots",
    Constraint.REQUIRED: "required shots",
    Constraint.REQUIRED_SCENES: "required scenes",
    Constraint.COVERAGE: "coverage",
    Constraint.DUPLICATE_GROUP: "near-duplicate groups",
    Constraint.EXCLUDED: "excluded shots",
}


def _explain(problem: Problem, relax: tuple[Constraint, ...], smallest: int, below: int, above: int) -> str:
    bars = problem.bar_count
    if not relax:
        text = f"No selection fills {bars} bars."
    elif relax == (Constraint.BAR_COUNT,):
        text = f"No choice of shots covers exactly {bars} bars."
    else:
        text = f"No selection fills {bars} bars with {' and '.join(_NAMES[constraint] for constraint in relax)}."
    hints = []
    if smallest:
        hints.append(f"max_scenes {smallest}")
    hints += [f"{count} bars" for count in (below, above) if count]
    return f"{text} It can be done with {', or with '.join(hints)}." if hints else text
