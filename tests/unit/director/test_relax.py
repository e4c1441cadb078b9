"""Relaxing step by step and the diagnosis in words, with the real solver behind them."""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction
from itertools import accumulate, pairwise
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from moodcut_director.choose import Choice, choose
from moodcut_director.errors import MusicTooShortError, NoSelectionError, SolverTimeoutError, UnitTooShortError
from moodcut_director.grid import Grid, Music, Unit, make_grid
from moodcut_director.options import Selection, Story
from moodcut_director.relax import diagnosis, duration_words, ladder, more_scenes, shorter
from moodcut_kit.time import FrameTimes
from moodcut_kit.v1 import media_pb2, solver_pb2

MS = Fraction(1, 1000)
GRID = Grid(unit=Unit.BAR, time_base=Fraction(1), boundaries_pts=tuple(range(0, 22, 2)), units_per_bar=Fraction(1))
INFEASIBLE = solver_pb2.Infeasibility(
    binding_constraint=solver_pb2.Infeasibility.CONSTRAINT_SCENE_LIMIT,
    smallest_max_scenes=7,
    nearest_bar_count_below=8,
    nearest_bar_count_above=12,
)


class SolverHere:
    """Takes the place of the channel: the real solver, or no answer in time for the units named."""

    def __init__(self, *, unknown_bar_counts: tuple[int, ...] = ()) -> None:
        self.unknown_bar_counts = unknown_bar_counts
        self.problems: list[solver_pb2.SolveRequest] = []
        self.Solve = pytest.importorskip("moodcut_solver.messages").solve_message

    def unary(self, method: Any, request: solver_pb2.SolveRequest, *, timeout_seconds: float) -> Any:
        self.problems.append(request)
        if request.bar_count in self.unknown_bar_counts:
            return solver_pb2.SolveResponse(status=solver_pb2.SolveResponse.STATUS_UNKNOWN)
        return method(request)


def music(bar_ms: list[int], *, meter: int = 4, complete: bool = True) -> media_pb2.MusicAnalysis:
    """Bars from zero on, each with ``meter`` steady beats; not ``complete``: the beats alone."""
    starts = [0, *accumulate(bar_ms)]
    message = media_pb2.MusicAnalysis(
        time_base=media_pb2.Rational(num=1, den=1000), duration_pts=starts[-1] + 10, meter=meter
    )
    for start, end in pairwise(starts):
        if complete:
            message.bars.add(start_pts=start, end_pts=end)
        for beat in range(meter):
            message.beats.add(pts=start + beat * (end - start) // meter, position=beat + 1)
    return message


def decide(
    lengths: list[int],
    song: media_pb2.MusicAnalysis,
    selection: Selection,
    *,
    relax: bool = False,
    scene_size: int = 3,
    solver: SolverHere | None = None,
    rate: int = 25,
) -> Choice:
    movie = media_pb2.MovieAnalysis(frame_rate=media_pb2.Rational(num=rate, den=1))
    starts = [0, *accumulate(lengths)]
    for index, (start, end) in enumerate(pairwise(starts)):
        movie.shots.add(
            shot_id=f"s{index}", scene_id=f"c{index // scene_size}", usable_start_frame=start, usable_end_frame=end
        )
    solver = solver or SolverHere()
    return choose(
        solver=solver,  # type: ignore[arg-type]
        caller=solver,  # type: ignore[arg-type]
        movie=movie,
        frame_times=FrameTimes.from_runs(time_base=Fraction(1, rate), first_pts=0, runs=[(1, starts[-1])]),
        music=song,
        scores={shot.shot_id: index * 5 % 7 / 7 for index, shot in enumerate(movie.shots)},
        selection=selection,
        relax=relax,
        time_limit_seconds=5,
    )


def scenes_used(choice: Choice) -> int:
    return len({placement.scene_id for placement in choice.solution.placements})


def test_the_ladder_in_its_order() -> None:
    paper = Selection(flexible=False, average_units=True)
    steps = list(ladder(paper, meter=4))
    assert [step.description for step in steps] == [
        "flexible lengths",
        "half bars in place of bars",
        "beats in place of bars",
    ]
    assert steps[-1].selection.flexible
    assert [step.selection.unit for step in steps] == [Unit.BAR, Unit.HALF_BAR, Unit.BEAT]


def test_steps_that_change_nothing_are_left_out() -> None:
    (step,) = ladder(Selection(unit=Unit.HALF_BAR), meter=4)
    assert (step.selection.unit, step.description) == (Unit.BEAT, "beats in place of half bars")
    assert not list(ladder(Selection(unit=Unit.BEAT), meter=4))


@pytest.mark.parametrize(("meter", "bounds"), [(4, [(2, 6), (4, 12)]), (3, [(2, 6), (3, 9)]), (7, [(2, 6), (7, 21)])])
def test_bounds_keep_their_length(meter: int, bounds: list[tuple[int, int]]) -> None:
    steps = list(ladder(Selection(min_units=1, max_units=3), meter=meter))
    assert [(step.selection.min_units, step.selection.max_units) for step in steps] == bounds
    (beats,) = ladder(Selection(unit=Unit.HALF_BAR, min_units=1, max_units=1), meter=3)
    assert (beats.selection.min_units, beats.selection.max_units) == (1, 2)
    unbound = list(ladder(Selection(), meter=meter))
    assert all(step.selection.min_units == step.selection.max_units == 0 for step in unbound)


def test_more_scenes_only_where_they_help() -> None:
    step = more_scenes(Selection(), INFEASIBLE)
    assert step is not None
    assert step.selection.max_scenes == 7
    assert more_scenes(Selection(story=Story.NONE), INFEASIBLE) is None
    assert more_scenes(Selection(max_scenes=8), INFEASIBLE) is None
    assert more_scenes(Selection(max_scenes=1000), solver_pb2.Infeasibility(smallest_max_scenes=1001)) is None


def test_shorter() -> None:
    found = shorter(GRID, INFEASIBLE)
    assert found is not None
    assert found.unit_count == 8
    assert shorter(GRID, solver_pb2.Infeasibility()) is None


def test_the_diagnosis_names_what_binds_and_what_would_help() -> None:
    def words_for(*, unit_counts: list[int], longest: int = 9, relaxed: bool = False) -> str:
        return diagnosis(
            Selection(flexible=False),
            GRID,
            INFEASIBLE,
            music_grid=GRID,
            unit_counts=unit_counts,
            longest_shot_seconds=Fraction(longest),
            relaxed=relaxed,
        )

    words = words_for(unit_counts=[8, 12])
    for part in (
        "10 bars",
        "at most 5 scenes",
        "scene limit",
        "--max-scenes 7",
        "--duration 16.00 (8 bars).",
        "--length flexible",
    ):
        assert part in words
    assert "12 bars" not in words, "the music has 10"
    assert "--relax" in words
    assert "longest shot" not in words
    relaxed = words_for(unit_counts=[], longest=1, relaxed=True)
    assert relaxed.endswith(
        "The longest shot that can be used lasts 1.00 s, the shortest bar 2.00 s. Relaxing did not help."
    )
    assert "may help" not in relaxed


@given(
    lengths=st.lists(st.integers(1000, 200_000), min_size=2, max_size=30),
    first=st.integers(0, 10**6),
    data=st.data(),
)
def test_the_duration_in_words_gives_as_many_units_as_it_says(
    lengths: list[int], first: int, data: st.DataObject
) -> None:
    bars = list(pairwise(accumulate(lengths, initial=first)))
    source = Music(time_base=Fraction(1, 44_100), duration_pts=bars[-1][1], bars=bars, beats=[], meter=4)

    def grid(duration_seconds: Fraction | None) -> Grid:
        return make_grid(
            source,
            unit=Unit.BAR,
            in_point_seconds=Fraction(0),
            duration_seconds=duration_seconds,
            keep_pickup=False,
        )

    count = data.draw(st.integers(1, len(bars)))
    assert grid(Fraction(duration_words(grid(None), count))).unit_count == count


@settings(max_examples=60, deadline=None)
@given(
    lengths=st.lists(st.integers(20, 110), min_size=2, max_size=8),
    bar_ms=st.lists(st.integers(1500, 2600), min_size=2, max_size=12),
    limit=st.one_of(st.none(), st.integers(1, 9)),
    paper=st.booleans(),
)
def test_every_duration_the_diagnosis_suggests_has_a_selection(
    lengths: list[int], bar_ms: list[int], limit: int | None, paper: bool
) -> None:
    duration = None if limit is None else Fraction(sum(bar_ms[:limit]), 1000)
    selection = Selection(flexible=not paper, average_units=paper, max_scenes=2, duration_seconds=duration)
    song = music(bar_ms)
    try:
        decide(lengths, song, selection)
        assume(False)
    except NoSelectionError as error:
        for seconds, count in re.findall(r"--duration ([\d.]+) \((\d+) ", error.message):
            choice = decide(lengths, song, replace(selection, duration_seconds=Fraction(seconds)))
            assert choice.grid.unit_count == int(count)
        needed = re.search(r"--max-scenes (\d+)", error.message)
        if needed:
            assert decide(lengths, song, replace(selection, max_scenes=int(needed[1]))).solved


def test_music_too_short_for_a_bar_goes_on_with_smaller_units() -> None:
    song = music([2000], complete=False)
    with pytest.raises(MusicTooShortError):
        decide([100, 100], song, Selection())
    choice = decide([100, 100], song, Selection(), relax=True)
    assert choice.relaxations == ("half bars in place of bars",)
    assert choice.grid.boundaries_pts == (0, 1000, 2000)
    with pytest.raises(MusicTooShortError, match="no complete beat"):
        decide([100, 100], song, Selection(in_point_seconds=Fraction("1.9")), relax=True)
    with pytest.raises(NoSelectionError, match="Relaxing did not help"):
        decide([3, 3], song, Selection(), relax=True)


def test_a_smaller_unit_than_a_frame_is_passed_over() -> None:
    # One frame a second: bars of two seconds can be cut, beats of half a second cannot.
    choice = decide([3, 3, 3], music([2000] * 6), Selection(), relax=True, rate=1)
    assert choice.relaxations == ("half bars in place of bars", "9 half bars in place of 12")
    with pytest.raises(UnitTooShortError, match=r"a frame of the film 1\.000 s"):
        decide([3, 3, 3], music([2000] * 6), Selection(unit=Unit.BEAT), relax=True, rate=1)


def test_no_answer_in_time_is_not_no_selection() -> None:
    song, selection = music([2000] * 4), Selection(story=Story.SOFT)
    with pytest.raises(SolverTimeoutError, match=r"within its 5 s.*--constraint hard in place of soft") as caught:
        decide([60] * 6, song, selection, solver=SolverHere(unknown_bar_counts=(4,)))
    assert (caught.value.code, caught.value.reason) == ("DEADLINE_EXCEEDED", "SOLVER_TIMEOUT")
    relaxed = decide([60] * 6, song, selection, relax=True, solver=SolverHere(unknown_bar_counts=(4,)))
    assert relaxed.relaxations == ("half bars in place of bars",)


def test_more_scenes_alone_where_they_are_enough() -> None:
    choice = decide([52] * 12, music([2000] * 7), Selection(max_scenes=2), relax=True)
    assert choice.relaxations[-1] == "3 scenes in place of 2"
    assert sum(placement.bar_count for placement in choice.solution.placements) == choice.grid.unit_count == 7 * 4


def test_shorter_with_the_scenes_asked_for_where_more_do_not_help() -> None:
    choice = decide([52] * 3, music([2000] * 4), Selection(max_scenes=2), relax=True)
    assert choice.relaxations[-1] == "12 beats in place of 16"
    assert choice.selection.max_scenes == 2


def test_the_longest_montage_has_no_more_scenes_than_it_needs() -> None:
    # Four scenes of three shots of four beats each, and two of which no shot can fill a beat.
    lengths = [52] * 12 + [3] * 6
    choice = decide(lengths, music([2000] * 20), Selection(max_scenes=1), relax=True)
    assert choice.relaxations[-2:] == ("4 scenes in place of 1", "48 beats in place of 80")
    assert choice.grid.unit_count == 48
    assert scenes_used(choice) == 4


@settings(max_examples=30, deadline=None)
@given(
    lengths=st.lists(st.integers(5, 90), min_size=1, max_size=9),
    bar_count=st.integers(1, 8),
    max_scenes=st.integers(1, 3),
    story=st.sampled_from(Story),
)
def test_relaxing_fills_as_much_as_all_scenes_can(
    lengths: list[int], bar_count: int, max_scenes: int, story: Story
) -> None:
    song = music([1600] * bar_count)
    selection = Selection(max_scenes=max_scenes, story=story)
    try:
        choice = decide(lengths, song, selection, relax=True)
    except NoSelectionError:
        # Not even one beat of 400 ms can be filled.
        assert max(lengths) < 10
        return
    free = decide(lengths, song, replace(selection, story=Story.NONE), relax=True)
    assert choice.grid.boundaries_pts[-1] == free.grid.boundaries_pts[-1]
    if story is Story.HARD:
        assert scenes_used(choice) <= choice.selection.max_scenes
