"""Compiles the loops, or loads them from the cache, before the clock of a request starts."""

from __future__ import annotations

from functools import cache

import numpy as np

from moodcut_solver.automaton import build_automaton
from moodcut_solver.build import build_problem
from moodcut_solver.compiled import COMPILED
from moodcut_solver.forward import forward
from moodcut_solver.labels import LabelBounds, LabelTable
from moodcut_solver.options import build_options
from moodcut_solver.scores import score_table
from moodcut_solver.table import SuffixTable


def _never() -> None:
    """Never stops."""


def warm_up() -> None:
    """Make everything ready, so that no request has to wait for it."""
    for long_grid in (False, True):
        prepare_table(long_grid=long_grid)
    prepare_forward()
    prepare_labels()


@cache
def prepare_table(*, long_grid: bool) -> None:
    """The table's loops; grids of more than 255 bars have their own."""
    if COMPILED:
        problem = build_problem(scene_ids=["a"], score=[0.0], bars=[1], bar_count=300 if long_grid else 1)
        options = build_options(problem, score_table(problem))
        SuffixTable(options, build_automaton(problem), check=_never).steps(0)


@cache
def prepare_forward() -> None:
    """The forward pass."""
    if COMPILED:
        problem = build_problem(scene_ids=["a"], score=[0.0], bars=[1], bar_count=1)
        options = build_options(problem, score_table(problem))
        forward(
            options,
            build_automaton(problem),
            start=0,
            check=_never,
            use_values=True,
            weights=np.zeros(1),
            multiplier=0.0,
        )


@cache
def prepare_labels() -> None:
    """The recursion with labels."""
    if COMPILED:
        problem = build_problem(scene_ids=["a"], score=[0.0], bars=[1], bar_count=1)
        options = build_options(problem, score_table(problem))
        bounds = LabelBounds(np.zeros((1, 1, 2)), 0.0, 1, -np.inf)
        LabelTable(options, build_automaton(problem), np.zeros(1, np.int64), bounds, check=_never, beam=1)
