"""What the solver answers."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Status(enum.Enum):
    """What is known of the placements."""

    OPTIMAL = "optimal"
    FEASIBLE = "feasible"
    INFEASIBLE = "infeasible"
    UNKNOWN = "unknown"


class Method(enum.Enum):
    """How the answer was found."""

    RECURSION = "recursion"
    LABELS = "labels"
    CP_SAT = "cp_sat"


class Verdict(enum.Enum):
    """What the independent solver says."""

    AGREE = "agree"
    DISAGREE = "disagree"
    NOT_PROVEN = "not_proven"


class Model(enum.Enum):
    """The model the independent solver was given."""

    NONE = "none"
    PLAIN = "plain"
    SCENE_WISE = "scene_wise"


class Constraint(enum.Enum):
    """A constraint that can be relaxed, in the order in which relaxing is tried."""

    SCENE_LIMIT = "scene_limit"
    PINNED = "pinned"
    REQUIRED = "required"
    REQUIRED_SCENES = "required_scenes"
    COVERAGE = "coverage"
    DUPLICATE_GROUP = "duplicate_group"
    EXCLUDED = "excluded"
    BAR_COUNT = "bar_count"


@dataclass(frozen=True, slots=True, order=True)
class Step:
    """A chosen shot: its index in the problem, the first bar it covers and how many."""

    shot_index: int
    first_bar: int
    bar_count: int


@dataclass(frozen=True, slots=True)
class Placement:
    """A chosen shot with its scores.

    ``score`` is what it adds to the objective, ``raw_score`` the shot's own score (its mean over the bars covered where
    there are scores per bar), before scene mean and weighting.
    """

    shot_index: int
    shot_id: str
    scene_id: str
    first_bar: int
    bar_count: int
    score: float
    raw_score: float


@dataclass(frozen=True, slots=True)
class Selection:
    """A complete selection and its total score."""

    objective: float
    placements: tuple[Placement, ...]


@dataclass(frozen=True, slots=True)
class FrontierPoint:
    """Best objective with exactly ``scene_count`` scenes."""

    scene_count: int
    objective: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossCheck:
    """The independent solver's answer; see the contract's message of the same name."""

    verdict: Verdict
    model: Model
    objective: float
    best_bound: float
    gap: float
    violations: tuple[str, ...]
    solve_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Infeasibility:
    """Why there is no selection and what is close; zeros mean there is none (or not known, unless ``complete``)."""

    constraints_to_relax: tuple[Constraint, ...]
    explanation: str
    smallest_max_scenes: int
    nearest_bar_count_below: int
    nearest_bar_count_above: int
    complete: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Solution:
    """The answer to a problem."""

    status: Status
    method: Method
    objective: float = 0.0
    best_bound: float = 0.0
    placements: tuple[Placement, ...] = ()
    scene_frontier: tuple[FrontierPoint, ...] = ()
    alternatives: tuple[Selection, ...] = ()
    cross_check: CrossCheck | None = None
    infeasibility: Infeasibility | None = None
    solve_seconds: float = 0.0
    soft_weight_sum: float = 0.0
    soft_excess: float = 0.0

    @property
    def gap(self) -> float:
        """(best_bound - objective) / max(1, \\|objective\\|); 0 where proven optimal."""
        return max(0.0, self.best_bound - self.objective) / max(1.0, abs(self.objective))
