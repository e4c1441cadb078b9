"""From analyses to the solver's problem, and from its answer to a timeline; the real solver is in between."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from moodcut_director.errors import NoFootageError, UnitTooShortError
from moodcut_director.grid import Grid, Unit
from moodcut_director.messages import selection_from
from moodcut_director.options import Selection, Story
from moodcut_director.problem import make_problem, usable_shots
from moodcut_director.timeline import cut_seconds, duration_seconds, make_timeline, max_sync_error_seconds
from moodcut_kit.time import FrameTimes
from moodcut_kit.v1 import media_pb2, montage_pb2, solver_pb2

RATE = Fraction(25)


def film(lengths: list[int], *, scene_size: int = 3) -> tuple[list[media_pb2.Shot], FrameTimes]:
    shots, start = [], 0
    for index, length in enumerate(lengths):
        shots.append(
            media_pb2.Shot(
                shot_id=f"shot-{index:04d}",
                scene_id=f"scene-{index // scene_size:03d}",
                start_frame=start,
                end_frame=start + length,
                usable_start_frame=start,
                usable_end_frame=start + length,
            )
        )
        start += length
    return shots, FrameTimes.from_runs(time_base=1 / RATE, first_pts=7, runs=[(1, start)])


def steady_grid(units: int, unit_ms: int) -> Grid:
    return Grid(
        unit=Unit.BAR,
        time_base=Fraction(1, 1000),
        boundaries_pts=tuple(500 + index * unit_ms for index in range(units + 1)),
        units_per_bar=Fraction(1),
    )


def problem_of(
    shots: list[media_pb2.Shot], times: FrameTimes, grid: Grid, selection: Selection, *, rate: Fraction = RATE
) -> solver_pb2.SolveRequest:
    usable = usable_shots(shots, times, selection)
    return make_problem(
        shots=usable,
        scores={shot.shot_id: index / 10 for index, shot in enumerate(usable)},
        frame_times=times,
        rate=rate,
        grid=grid,
        selection=selection,
        time_limit_seconds=5,
    )


def test_default_problem_has_real_boundaries_and_lengths_in_frames() -> None:
    shots, times = film([60, 100])
    problem = problem_of(shots, times, steady_grid(2, 2010), Selection())
    assert list(problem.bar_boundary_ticks) == [0, 50, 101]
    assert [shot.duration_ticks for shot in problem.shots] == [60, 100]
    assert problem.hard_scene_limit.max_scenes == 5
    assert (problem.min_bars, problem.max_bars) == (1, 4)
    assert problem.length_mode == solver_pb2.LENGTH_MODE_FLEXIBLE
    assert problem.weighting == solver_pb2.WEIGHTING_PER_BAR


def test_paper_problem_counts_whole_average_bars() -> None:
    shots, times = film([49, 50, 51, 100, 10])
    selection = Selection(flexible=False, average_units=True, per_unit=False, story=Story.SOFT, max_scenes=2)
    problem = problem_of(shots, times, steady_grid(2, 2000), selection)
    assert [shot.bars for shot in problem.shots] == [0, 1, 1, 2, 0]
    assert not problem.bar_boundary_ticks
    assert problem.soft_scene_limit.max_scenes == 2
    assert problem.weighting == solver_pb2.WEIGHTING_PER_SHOT


def test_paper_problem_with_a_pickup_counts_bars_without_it() -> None:
    shots, times = film([49, 50, 100, 150])
    selection = Selection(flexible=False, average_units=True, per_unit=False)
    steady = steady_grid(5, 2000)
    short = replace(steady, boundaries_pts=(0, *steady.boundaries_pts), pickup_count=1)
    assert [shot.bars for shot in problem_of(shots, times, short, selection).shots] == [0, 1, 2, 3]
    # A shot that may begin in a pick-up longer than a unit must be long enough for it.
    unit_pts = tuple(pts + 2500 for pts in steady.boundaries_pts)
    long = replace(steady, boundaries_pts=(0, *unit_pts), pickup_count=1)
    assert [shot.bars for shot in problem_of(shots, times, long, selection).shots] == [0, 0, 1, 2]


def test_what_cannot_be_used_is_excluded_but_still_there() -> None:
    shots, times = film([50, 50, 50, 50])
    shots[1].unusable_reason = media_pb2.UNUSABLE_REASON_BLACK
    shots[2].usable_start_frame += 10
    selection = Selection(film_start_seconds=Fraction(1), film_end_seconds=Fraction(6))
    problem = problem_of(shots, times, steady_grid(1, 1000), selection)
    assert [shot.duration_ticks for shot in problem.shots] == [25, 0, 40, 0]
    assert [shot.excluded for shot in problem.shots] == [False, True, False, True]


@pytest.mark.parametrize(
    ("selection", "words"),
    [
        (Selection(film_start_seconds=Fraction(9)), r"begins at 9\.00 s, but the film lasts 8\.00 s"),
        (Selection(film_start_seconds=Fraction(8)), "Ask for an earlier part"),
        (
            Selection(film_start_seconds=Fraction(2), film_end_seconds=Fraction(4)),
            r"from 2\.00 s to 4\.00 s \(the film lasts 8\.00 s\)",
        ),
    ],
)
def test_a_film_range_without_footage_is_refused(selection: Selection, words: str) -> None:
    shots, times = film([50, 50, 50, 50])
    shots[1].unusable_reason = media_pb2.UNUSABLE_REASON_BLACK
    with pytest.raises(NoFootageError, match=words) as caught:
        usable_shots(shots, times, selection)
    assert (caught.value.code, caught.value.metadata["film_seconds"]) == ("FAILED_PRECONDITION", "8.0")


def test_a_film_range_may_end_after_the_film() -> None:
    shots, times = film([50, 50])
    (first, second) = usable_shots(shots, times, Selection(film_end_seconds=Fraction(100)))
    assert (first.end_frame, second.end_frame) == (50, 100)


def test_a_film_that_is_black_throughout_is_refused() -> None:
    shots, times = film([50])
    shots[0].unusable_reason = media_pb2.UNUSABLE_REASON_BLACK
    with pytest.raises(NoFootageError, match="no shot of the film can be used"):
        usable_shots(shots, times, Selection())


@pytest.mark.parametrize("average", [False, True])
def test_a_unit_shorter_than_a_frame_is_refused(average: bool) -> None:
    shots, times = film([50, 50])
    grid = replace(steady_grid(20, 100), unit=Unit.NONE)
    problem_of(shots, times, grid, Selection(average_units=average), rate=Fraction(10))
    with pytest.raises(
        UnitTooShortError, match=r"lasts 0\.100 s, but a frame of the film 0\.125 s.*--unit bar"
    ) as caught:
        problem_of(shots, times, grid, Selection(average_units=average), rate=Fraction(8))
    assert caught.value.reason == "UNIT_TOO_SHORT"


@given(lengths=st.lists(st.integers(1, 500), min_size=3, max_size=8), data=st.data())
def test_a_film_range_copied_from_a_report_is_exactly_those_shots(lengths: list[int], data: st.DataObject) -> None:
    shots, _ = film(lengths)
    times = FrameTimes.from_runs(time_base=Fraction(1, 90_000), first_pts=7, runs=[(3754, 1), (3753, sum(lengths) - 1)])
    first = data.draw(st.integers(0, len(shots) - 1))
    last = data.draw(st.integers(first, len(shots) - 1))
    options = montage_pb2.MontageOptions(
        film_start_seconds=float(times.start_seconds(shots[first].start_frame)),
        film_end_seconds=float(times.start_seconds(shots[last].end_frame)),
    )
    usable = usable_shots(shots, times, selection_from(options))
    for index, (shot, whole) in enumerate(zip(usable, shots, strict=True)):
        inside = first <= index <= last
        assert shot.end_frame - shot.start_frame == (whole.end_frame - whole.start_frame if inside else 0)


@settings(max_examples=60, deadline=None)
@given(
    lengths=st.lists(st.integers(5, 200), min_size=3, max_size=12),
    unit_ms=st.integers(400, 2500),
    units=st.integers(1, 8),
    average=st.booleans(),
    flexible=st.booleans(),
)
def test_every_clip_lies_in_its_shot_and_the_clips_tile_the_montage(
    lengths: list[int], unit_ms: int, units: int, average: bool, flexible: bool
) -> None:
    messages = pytest.importorskip("moodcut_solver.messages")
    shots, times = film(lengths)
    grid = steady_grid(units, unit_ms)
    selection = Selection(flexible=flexible, average_units=average, max_scenes=4)
    solution = messages.solve_message(problem_of(shots, times, grid, selection))
    if solution.status != solver_pb2.SolveResponse.STATUS_OPTIMAL:
        assert solution.status == solver_pb2.SolveResponse.STATUS_INFEASIBLE
        return
    usable = {shot.shot_id: shot for shot in usable_shots(shots, times, selection)}
    timeline = make_timeline(
        movie=media_pb2.MovieAnalysis(),
        movie_ref=montage_pb2.MediaRef(name="film.mp4"),
        music_ref=montage_pb2.MediaRef(name="song.wav"),
        frame_times=times,
        shots=usable,
        placements=solution.placements,
        grid=grid,
        rate=RATE,
        average_units=average,
    )
    at = 0
    for clip in timeline.clips:
        shot = usable[clip.shot_id]
        assert clip.output_start_frame == at
        assert clip.frame_count >= 1
        assert shot.start_frame <= clip.source_start_frame
        assert clip.source_end_frame == clip.source_start_frame + clip.frame_count <= shot.end_frame
        at += clip.frame_count
    assert at == math.floor(units * unit_ms * RATE / 1000 + Fraction(1, 2))
    assert abs(duration_seconds(timeline) - Fraction(units * unit_ms, 1000)) <= Fraction(1, 2) / RATE
    assert len(cut_seconds(timeline)) == len(timeline.clips) - 1
    assert max_sync_error_seconds(timeline) <= Fraction(1, 2) / RATE


@st.composite
def variable_films(draw: st.DrawFn) -> tuple[list[media_pb2.Shot], FrameTimes]:
    """Shots of a film of variable rate in milliseconds; each may end with a frame that lasts long."""
    usual = draw(st.sampled_from([33, 40, 41]))
    lengths, steps = [], []
    for _ in range(draw(st.integers(3, 8))):
        odd = draw(st.lists(st.integers(1, 250), max_size=5))
        shot = [*[usual] * draw(st.integers(1, 60)), *odd, draw(st.sampled_from([usual, usual + 1, 500, 3000]))]
        lengths.append(len(shot))
        steps += shot
    shots, _ = film(lengths)
    return shots, FrameTimes.from_runs(time_base=Fraction(1, 1000), first_pts=7, runs=[(step, 1) for step in steps])


@settings(max_examples=80, deadline=None)
@given(
    made=variable_films(),
    unit_ms=st.integers(300, 2500),
    units=st.integers(1, 6),
    average=st.booleans(),
    rate=st.sampled_from([None, RATE, Fraction(30000, 1001)]),
)
def test_what_the_solver_promises_of_a_film_of_variable_rate_can_be_rendered(
    made: tuple[list[media_pb2.Shot], FrameTimes], unit_ms: int, units: int, average: bool, rate: Fraction | None
) -> None:
    messages = pytest.importorskip("moodcut_solver.messages")
    plans = pytest.importorskip("moodcut_renderer.plan")
    shots, times = made
    rate = rate or times.rate()
    grid = steady_grid(units, unit_ms)
    assume(grid.unit_seconds * rate >= 1)
    selection = Selection(flexible=not average, average_units=average, max_scenes=4)
    solution = messages.solve_message(problem_of(shots, times, grid, selection, rate=rate))
    assume(solution.status == solver_pb2.SolveResponse.STATUS_OPTIMAL)
    usable = {shot.shot_id: shot for shot in usable_shots(shots, times, selection)}
    movie = media_pb2.MovieAnalysis()
    movie.frame_times.time_base.num, movie.frame_times.time_base.den = 1, 1000
    movie.frame_times.first_pts = 7
    for step, count in times.runs():
        movie.frame_times.runs.add(step=step, count=count)
    timeline = make_timeline(
        movie=movie,
        movie_ref=montage_pb2.MediaRef(name="film.mp4"),
        music_ref=montage_pb2.MediaRef(name="song.wav"),
        frame_times=times,
        shots=usable,
        placements=solution.placements,
        grid=grid,
        rate=rate,
        average_units=average,
    )
    plan = plans.make_plan(timeline)
    for clip, planned in zip(timeline.clips, plan.clips, strict=True):
        shot = usable[clip.shot_id]
        shown = times.resampled(start_frame=shot.start_frame, frame_count=clip.frame_count, rate=rate)
        assert planned.source_frames.tolist() == shown.tolist()
        assert shot.start_frame == shown[0]
        assert shown[-1] < shot.end_frame


def test_resampled_frames_of_a_film_with_rounded_time_stamps_are_consecutive() -> None:
    # 23.976 fps in a container that keeps milliseconds.
    rate = Fraction(24000, 1001)
    pts = np.array([round(1000 * index / rate) for index in range(2001)], dtype=np.int64)
    times = FrameTimes(Fraction(1, 1000), pts)
    assert times.rate() == rate
    shown = times.resampled(start_frame=333, frame_count=1500, rate=rate)
    assert list(shown) == list(range(333, 1833))
