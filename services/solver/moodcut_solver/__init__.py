"""Chooses the shots of a montage: scores and constraints in, the exactly best selection out.

>>> import moodcut_solver
>>> solution = moodcut_solver.solve(
...     score=[0.2, 0.9, 0.4, 0.7],
...     scene_ids=["bridge", "bridge", "market", "market"],
...     bars=[1, 2, 1, 3],
...     bar_count=4,
...     scene_limit=moodcut_solver.HardSceneLimit(2),
...     add_scene_mean=False,
... )
>>> [(placement.shot_id, placement.first_bar, placement.bar_count) for placement in solution.placements]
[('0', 0, 1), ('1', 1, 2), ('2', 3, 1)]
>>> round(solution.objective, 6)
1.5
"""

from moodcut_solver.api import solve
from moodcut_solver.build import build_problem
from moodcut_solver.errors import (
    InvalidProblemError,
    ProblemTooLargeError,
    SolveCancelledError,
)
from moodcut_solver.problem import (
    LIMITS,
    CoverageRequirement,
    HardSceneLimit,
    LengthMode,
    Limits,
    Problem,
    SoftMode,
    SoftSceneLimit,
    Weighting,
)
from moodcut_solver.solution import (
    Constraint,
    CrossCheck,
    FrontierPoint,
    Infeasibility,
    Method,
    Model,
    Placement,
    Selection,
    Solution,
    Status,
    Verdict,
)
from moodcut_solver.solving import solve_problem
from moodcut_solver.warm import warm_up

__all__ = [
    "LIMITS",
    "Constraint",
    "CoverageRequirement",
    "CrossCheck",
    "FrontierPoint",
    "HardSceneLimit",
    "Infeasibility",
    "InvalidProblemError",
    "LengthMode",
    "Limits",
    "Method",
    "Model",
    "Placement",
    "Problem",
    "ProblemTooLargeError",
    "Selection",
    "SoftMode",
    "SoftSceneLimit",
    "Solution",
    "SolveCancelledError",
    "Status",
    "Verdict",
    "Weighting",
    "build_problem",
    "solve",
    "solve_problem",
    "warm_up",
]
