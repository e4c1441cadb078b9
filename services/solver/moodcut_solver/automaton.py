"""What a recursion must remember between shots, besides the bars that are filled.

Every constraint that looks at more than one shot is a counter or a flag:

- ``scenes``: how many more scenes have to be opened (hard scene limit; Algorithm 1's k),
- ``open``: whether the scene of the last shot is in use (Algorithm 1's z),
- ``covered``: how many shots of the current coverage range are chosen (ranges are disjoint, so one counter serves all),
- ``bits``: which of the near-duplicate groups that are being watched have been used; a group's bit is free again after
  its last shot, so as many are needed as groups overlap.

A state is one number. Skipping or taking a shot leads from state to state; shots with the same part in the constraints
share a row of the transition tables.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from moodcut_solver.problem import Floats, HardSceneLimit, Ints, Problem

FORBIDDEN: int = -1

Transitions = np.ndarray[tuple[int, int], np.dtype[np.int32]]


class _Role(NamedTuple):
    """A shot's part in the constraints."""

    ends_scene: bool
    scene_required: bool
    coverage: int
    ends_coverage: bool
    bit: int
    ends_group: bool


@dataclass(frozen=True, slots=True, eq=False)
class Automaton:
    """States and transitions for n shots.

    ``skip`` and ``take`` (r, state_count) int32: next state or FORBIDDEN; ``role`` (n,): the shot's row of them.
    ``starts``: for every number of scenes that is counted, its start state; one start for 0 if scenes are not counted.
    State 0 is the one to end in. ``opens`` (state_count,): 1.0 where taking a shot opens a scene.
    """

    state_count: int
    skip: Transitions
    take: Transitions
    role: Ints
    starts: dict[int, int]
    opens: Floats


def open_bits(problem: Problem, groups: Collection[int]) -> int:
    """The bits needed to watch ``groups``: the most of them that are open at once."""
    return 1 + max(_bits(problem, groups)[0].values(), default=-1)


def _bits(problem: Problem, groups: Collection[int]) -> tuple[dict[int, int], dict[int, int]]:
    """A bit for each group, such that groups open at the same time have different ones; and each group's last shot."""
    spans = []
    can = ~problem.excluded
    if problem.bars is not None:
        can &= problem.bars > 0
    for group in groups:
        members = np.flatnonzero((problem.group == group) & can)
        if len(members) > 1:
            spans.append((int(members[0]), int(members[-1]), int(group)))
    bit_of: dict[int, int] = {}
    free_after: list[int] = []
    for first, last, group in sorted(spans):
        bit = next((b for b, end in enumerate(free_after) if end < first), len(free_after))
        if bit == len(free_after):
            free_after.append(last)
        free_after[bit] = last
        bit_of[group] = bit
    return bit_of, {group: last for _, last, group in spans}


def build_automaton(problem: Problem, *, count_scenes: bool = True, groups: Collection[int] = ()) -> Automaton:
    """The automaton of ``problem``; ``groups`` are the near-duplicate groups to watch.

    Scenes are counted where the problem has a hard limit and ``count_scenes`` says so. The shots of a scene must follow
    one another wherever scenes are counted or required.
    """
    limit = problem.scene_limit
    counted = 0
    if count_scenes and isinstance(limit, HardSceneLimit):
        counted = min(limit.max_scenes, len(problem.scene_ids), problem.bar_count)
    tracks_open = isinstance(limit, HardSceneLimit) or bool(problem.required_scenes)
    bit_of, last_of = _bits(problem, groups)
    bits = 1 + max(bit_of.values(), default=-1)
    covered = 1 + max((need.min_count for need in problem.coverage), default=0)
    shape = (counted + 1, 2 if tracks_open else 1, covered, 1 << bits)

    distinct, role = _roles(problem, tracks_open, bit_of, last_of)
    tables = [_transitions(each, shape, counts=counted > 0) for each in distinct]
    state_count = int(np.prod(shape))
    per_scene = state_count // shape[0]
    opens = np.ones(shape)
    if tracks_open:
        opens[:, 1] = 0.0
    return Automaton(
        state_count=state_count,
        skip=np.stack([skip for skip, _ in tables]),
        take=np.stack([take for _, take in tables]),
        role=role,
        starts={k: k * per_scene for k in range(1, counted + 1)} if counted else {0: 0},
        opens=opens.reshape(-1),
    )


def _roles(
    problem: Problem, tracks_open: bool, bit_of: dict[int, int], last_of: dict[int, int]
) -> tuple[list[_Role], Ints]:
    """The distinct roles, and which of them each shot (n,) has."""
    count = problem.shot_count
    ends_scene = np.append(np.diff(problem.scene) != 0, True)
    needed = np.isin(problem.scene, problem.required_scenes)
    coverage = np.zeros(count, np.int64)
    ends_coverage = np.zeros(count, np.int64)
    for need in problem.coverage:
        coverage[need.first_index : need.end_index] = need.min_count
        ends_coverage[need.end_index - 1] = 1
    bit = np.full(count, -1, np.int64)
    ends_group = np.zeros(count, np.int64)
    for group, number in bit_of.items():
        bit[problem.group == group] = number
        ends_group[last_of[group]] = 1
    parts = (ends_scene & tracks_open, needed & ends_scene & tracks_open, coverage, ends_coverage, bit + 1, ends_group)
    sizes = tuple(int(part.max()) + 1 for part in parts)
    _, first, role = np.unique(np.ravel_multi_index(parts, sizes), return_index=True, return_inverse=True)
    distinct = [
        _Role(
            ends_scene=bool(parts[0][i]),
            scene_required=bool(parts[1][i]),
            coverage=int(coverage[i]),
            ends_coverage=bool(ends_coverage[i]),
            bit=int(bit[i]),
            ends_group=bool(ends_group[i]),
        )
        for i in first.tolist()
    ]
    return distinct, role.astype(np.int64)


def _transitions(
    role: _Role, shape: tuple[int, int, int, int], *, counts: bool
) -> tuple[np.ndarray[tuple[int], np.dtype[np.int32]], np.ndarray[tuple[int], np.dtype[np.int32]]]:
    scenes, is_open, covered, bits = np.indices(shape).reshape(4, -1)
    tracks_open = shape[1] == 2

    def after(
        scenes: Ints, is_open: Ints, covered: Ints, bits: Ints, allowed: np.ndarray[tuple[int], np.dtype[np.bool_]]
    ) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
        if role.ends_scene:
            if role.scene_required:
                allowed = allowed & (is_open == 1)
            is_open = np.zeros_like(is_open)
        if role.ends_coverage:
            allowed = allowed & (covered >= role.coverage)
            covered = np.zeros_like(covered)
        if role.ends_group:
            bits = bits & ~(1 << role.bit)
        fields = (np.maximum(scenes, 0), is_open, covered, bits)
        return np.where(allowed, np.ravel_multi_index(fields, shape), FORBIDDEN).astype(np.int32)

    everything = np.ones(len(scenes), bool)
    skip = after(scenes, is_open, covered, bits, everything)
    left = scenes - (1 - is_open) if counts else scenes
    allowed = left >= 0
    if role.bit >= 0:
        allowed = allowed & (bits & (1 << role.bit) == 0)
        bits = bits | (1 << role.bit)
    if role.coverage:
        covered = np.minimum(covered + 1, role.coverage)
    take = after(left, np.ones_like(is_open) if tracks_open else is_open, covered, bits, allowed)
    return skip, take
