from __future__ import annotations

from fractions import Fraction

from moodcut_director.grid import Grid, Unit
from moodcut_director.options import Selection, Story
from moodcut_director.relax import diagnosis, ladder, more_scenes, shorter
from moodcut_kit.v1 import solver_pb2

GRID = Grid(unit=Unit.BAR, time_base=Fraction(1), boundaries_pts=tuple(range(0, 22, 2)), units_per_bar=Fraction(1))
INFEASIBLE = solver_pb2.Infeasibility(
    binding_constraint=solver_pb2.Infeasibility.CONSTRAINT_SCENE_LIMIT,
    smallest_max_scenes=7,
    nearest_bar_count_below=8,
    nearest_bar_count_above=12,
)


def test_the_ladder_in_its_order() -> None:
    paper = Selection(flexible=False, average_units=True)
    steps = list(ladder(paper))
    assert [step.description for step in steps] == [
        "flexible lengths",
        "half bars in place of bars",
        "beats in place of bars",
    ]
    assert steps[-1].selection.flexible
    assert [step.selection.unit for step in steps] == [Unit.BAR, Unit.HALF_BAR, Unit.BEAT]


def test_steps_that_change_nothing_are_left_out() -> None:
    assert [step.selection.unit for step in ladder(Selection(unit=Unit.HALF_BAR))] == [Unit.BEAT]
    assert not list(ladder(Selection(unit=Unit.BEAT)))


def test_more_scenes_only_where_they_help() -> None:
    widened = more_scenes(Selection(), INFEASIBLE)
    assert widened is not None
    assert widened.selection.max_scenes == 7
    assert more_scenes(Selection(story=Story.NONE), INFEASIBLE) is None
    assert more_scenes(Selection(max_scenes=8), INFEASIBLE) is None


def test_shorter() -> None:
    found = shorter(GRID, INFEASIBLE)
    assert found is not None
    assert found[0].unit_count == 8
    assert found[1] == "8 bars in place of 10"
    assert shorter(GRID, solver_pb2.Infeasibility()) is None


def test_the_diagnosis_names_what_binds_and_what_would_help() -> None:
    words = diagnosis(Selection(flexible=False), GRID, INFEASIBLE, relaxed=False)
    for part in (
        "10 bars",
        "at most 5 scenes",
        "scene limit",
        "--max-scenes 7",
        "--duration 16.01",
        "--length flexible",
    ):
        assert part in words
    assert "--relax" in words
