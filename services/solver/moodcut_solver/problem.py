"""What a selection problem is: validated, resolved and immutable.

:func:`moodcut_solver.build.build_problem` makes these; every solver here starts from one.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


class Weighting(enum.Enum):
    """What a chosen shot contributes: once a shot (the paper), or once for every bar it covers."""

    PER_SHOT = "per_shot"
    PER_BAR = "per_bar"


class LengthMode(enum.Enum):
    """How many bars a chosen shot covers: all it can fill (the paper), or any number within bounds."""

    WHOLE_SHOT = "whole_shot"
    FLEXIBLE = "flexible"


class SoftMode(enum.Enum):
    """How soft weights are summed: exactly, or scaled and rounded down (the paper)."""

    EXACT = "exact"
    SCALED = "scaled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The largest problem that is taken."""

    shot_count: int = 20_000
    bar_count: int = 5_000
    solution_count: int = 20
    scale: int = 1_000_000
    time_limit_seconds: float = 600.0
    table_cells: int = 4_000_000_000
    """Shots x bars x states of the recursion (about a billion a second)."""
    kept_bytes: int = 2 << 30
    """What a table may take that has to be kept whole: 8 x shots x bars x (states + lengths)."""
    score: float = 1e12


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class HardSceneLimit:
    """At most ``max_scenes`` scenes may have a chosen shot (Eq. 9)."""

    max_scenes: int


@dataclass(frozen=True, slots=True)
class SoftSceneLimit:
    """The chosen shots' weights 1 / |scene| may sum to at most ``max_scenes`` (Eq. 12, 13)."""

    max_scenes: int
    mode: SoftMode = SoftMode.EXACT
    scale: int = 1000


@dataclass(frozen=True, slots=True)
class CoverageRequirement:
    """At least ``min_count`` of the shots ``first_index`` to ``end_index - 1`` must be chosen."""

    first_index: int
    end_index: int
    min_count: int


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Problem:
    """A selection problem of n shots and ``bar_count`` bars. Arrays are not to be written to.

    ``scene`` (n,): index into ``scene_ids``. ``bars`` (n,): t_i, or None where ``boundaries`` (bar_count + 1,) and
    ``ticks`` (n,) say what fits where. ``score`` (n,): S_i. ``bar_scores`` (m, bar_count): scores per bar, ``bar_row``
    (n,): the shot's row of it or -1. ``pinned`` (n,): first bar or -1. ``min_bars``, ``max_bars`` (n,): bounds of
    flexible lengths. ``group`` (n,): near-duplicate group or -1.
    """

    shot_ids: tuple[str, ...]
    scene_ids: tuple[str, ...]
    scene: Ints
    bar_count: int
    bars: Ints | None
    ticks: Ints | None
    boundaries: Ints | None
    score: Floats
    bar_scores: Floats
    bar_row: Ints
    required: Bools
    excluded: Bools
    pinned: Ints
    min_bars: Ints
    max_bars: Ints
    group: Ints
    add_scene_mean: bool = True
    weighting: Weighting = Weighting.PER_SHOT
    length_mode: LengthMode = LengthMode.WHOLE_SHOT
    scene_limit: HardSceneLimit | SoftSceneLimit | None = None
    coverage: tuple[CoverageRequirement, ...] = ()
    required_scenes: tuple[int, ...] = ()
    solution_count: int = 1
    cross_check: bool = False
    time_limit_seconds: float = 10.0

    @property
    def shot_count(self) -> int:
        """Number of shots n."""
        return len(self.shot_ids)

    @property
    def scene_sizes(self) -> Ints:
        """Number of shots of every scene, over all shots of the request."""
        return np.bincount(self.scene, minlength=len(self.scene_ids)).astype(np.int64)

    @property
    def position_matters(self) -> bool:
        """Whether the bars a shot lands on, or its place among all shots, can change anything."""
        return bool(
            self.boundaries is not None or len(self.bar_scores) or np.any(self.pinned >= 0) or len(self.coverage)
        )

    @property
    def scenes_are_runs(self) -> bool:
        """Whether the shots of every scene follow one another."""
        return int(np.count_nonzero(np.diff(self.scene))) == len(self.scene_ids) - 1

    def reordered(self, order: Ints) -> Problem:
        """The same problem with its shots in another order; only where position does not matter."""
        return replace(
            self,
            shot_ids=tuple(self.shot_ids[i] for i in order),
            scene=self.scene[order],
            bars=None if self.bars is None else self.bars[order],
            score=self.score[order],
            bar_row=self.bar_row[order],
            required=self.required[order],
            excluded=self.excluded[order],
            pinned=self.pinned[order],
            min_bars=self.min_bars[order],
            max_bars=self.max_bars[order],
            group=self.group[order],
        )
