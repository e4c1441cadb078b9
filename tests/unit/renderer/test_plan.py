"""From timelines to the film frame of each output frame."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moodcut_kit.time import FrameTimes, ticks_nearest
from moodcut_kit.v1 import renderer_pb2
from moodcut_renderer import TimelineError, make_plan

_RATES = [Fraction(24000, 1001), Fraction(24), Fraction(25), Fraction(30000, 1001), Fraction(60000, 1001)]


def make_timeline(
    times: FrameTimes, rate: Fraction, clips: list[tuple[int, int]], *, sample_rate: int = 44100, start_pts: int = 1000
) -> renderer_pb2.Timeline:
    """Clips of (first film frame, output frames) one after the other, with music just as long."""
    timeline = renderer_pb2.Timeline(music_start_pts=start_pts)
    at = 0
    for first, count in clips:
        shown = times.resampled(start_frame=first, frame_count=count, rate=rate)
        timeline.clips.add(
            source_start_frame=first, source_end_frame=int(shown[-1]) + 1, output_start_frame=at, frame_count=count
        )
        at += count
    timeline.music_end_pts = start_pts + round(at / rate * sample_rate)
    timeline.music_time_base.num, timeline.music_time_base.den = 1, sample_rate
    timeline.frame_rate.num, timeline.frame_rate.den = rate.numerator, rate.denominator
    timeline.movie_frame_times.time_base.num = times.time_base.numerator
    timeline.movie_frame_times.time_base.den = times.time_base.denominator
    timeline.movie_frame_times.first_pts = int(times.boundaries_pts[0])
    for step, count in times.runs():
        timeline.movie_frame_times.runs.add(step=step, count=count)
    return timeline


def constant(rate: Fraction, count: int) -> FrameTimes:
    return FrameTimes.from_runs(time_base=1 / (rate * 1001), first_pts=7, runs=[(1001, count)])


@settings(deadline=None)
@given(
    rate=st.sampled_from(_RATES),
    clips=st.lists(st.tuples(st.integers(0, 899), st.integers(1, 100)), min_size=1, max_size=8),
)
def test_a_film_at_its_own_rate_plays_frame_by_frame(rate: Fraction, clips: list[tuple[int, int]]) -> None:
    plan = make_plan(make_timeline(constant(rate, 1000), rate, clips))
    for planned, (first, count) in zip(plan.clips, clips, strict=True):
        assert planned.source_frames.tolist() == list(range(first, first + count))
    assert plan.frame_count == sum(count for _, count in clips)


@settings(max_examples=60, deadline=None)
@given(
    rate=st.sampled_from(_RATES),
    runs=st.lists(st.tuples(st.integers(200, 5000), st.integers(1, 30)), min_size=3, max_size=12),
    data=st.data(),
)
def test_a_film_of_variable_rate_shows_what_a_player_shows(
    rate: Fraction, runs: list[tuple[int, int]], data: st.DataObject
) -> None:
    times = FrameTimes.from_runs(time_base=Fraction(1, 30000), first_pts=90, runs=runs)
    first = data.draw(st.integers(0, times.frame_count - 1))
    room = times.duration_seconds - times.start_seconds(first)
    count = data.draw(st.integers(1, max(1, min(200, int(room * rate)))))
    (planned,) = make_plan(make_timeline(times, rate, [(first, count)])).clips
    for index, frame in enumerate(planned.source_frames.tolist()):
        due = times.start_seconds(first) + index / rate
        begins, ends = times.start_seconds(frame), times.start_seconds(frame + 1)
        assert begins - times.time_base <= due
        assert due < ends or frame == times.frame_count - 1
    assert np.all(np.diff(planned.source_frames) >= 0)


def test_a_frame_is_held_as_long_as_it_lasts() -> None:
    times = FrameTimes.from_runs(time_base=Fraction(1, 1000), first_pts=0, runs=[(40, 9), (2000, 1), (40, 10)])
    timeline = make_timeline(times, Fraction(25), [(5, 54), (12, 5)])
    assert timeline.clips[0].source_end_frame == 10
    first, second = make_plan(timeline).clips
    assert first.source_frames.tolist() == [5, 6, 7, 8, *[9] * 50]
    assert second.source_frames.tolist() == [*range(12, 17)]
    timeline = make_timeline(times, Fraction(25), [(5, 56)])
    timeline.clips[0].source_end_frame = 10
    with pytest.raises(TimelineError, match="needs 2 frames more"):
        make_plan(timeline)


def test_the_last_frame_may_stay_once_where_rounding_asks_for_it() -> None:
    timeline = make_timeline(constant(Fraction(25), 100), Fraction(25), [(10, 20)])
    timeline.clips[0].source_end_frame = 29
    assert make_plan(timeline).clips[0].source_frames.tolist() == [*range(10, 29), 28]
    timeline.clips[0].source_end_frame = 28
    with pytest.raises(TimelineError, match="needs 2 frames more") as caught:
        make_plan(timeline)
    assert caught.value.metadata["field"] == "clips[0]"


def test_the_montage_ends_with_the_frame_nearest_the_end_of_the_music() -> None:
    timeline = make_timeline(constant(Fraction(25), 100), Fraction(25), [(10, 20)])
    timeline.music_end_pts = timeline.music_start_pts + 44100 * 20 // 25 + 881
    assert make_plan(timeline).frame_count == ticks_nearest(Fraction(44100 * 20 // 25 + 881, 44100), Fraction(25))
    timeline.music_end_pts += 2
    with pytest.raises(TimelineError, match="20 frames; the music from start to end has 21"):
        make_plan(timeline)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.frame_rate.Clear(), "frame_rate is 0/0"),
        (lambda t: setattr(t.frame_rate, "num", 10**6), "at most 1000 frames"),
        (lambda t: setattr(t.music_time_base, "den", 0), "music_time_base is 1/0"),
        (lambda t: setattr(t, "music_start_pts", -5), "must begin at 0 or later"),
        (lambda t: setattr(t, "music_end_pts", t.music_start_pts), "end after it begins"),
        (lambda t: t.movie_frame_times.Clear(), "movie_frame_times"),
        (lambda t: setattr(t.movie_frame_times.runs[0], "step", -1), "increase strictly"),
        (lambda t: t.clips.pop(), "20 frames; the music"),
        (lambda t: setattr(t.clips[1], "output_start_frame", 21), "without gap or overlap"),
        (lambda t: setattr(t.clips[1], "output_start_frame", 19), "without gap or overlap"),
        (lambda t: setattr(t.clips[0], "frame_count", 0), "at least one"),
        (lambda t: setattr(t.clips[1], "source_end_frame", 101), "the film has 0 to 100"),
        (lambda t: setattr(t.clips[1], "source_start_frame", -1), "the film has 0 to 100"),
        (lambda t: setattr(t.clips[1], "source_end_frame", 40), "the film has 0 to 100"),
        (lambda t: setattr(t.clips[0], "source_end_frame", 60), "trim source_end_frame"),
        (lambda t: setattr(t.clips[1], "frame_count", 10**9), "longer than the film"),
        (lambda t: t.unit_boundary_pts.extend([1000, 900]), "must increase"),
        (lambda t: t.unit_boundary_pts.extend([1000, 1100]), "from music_start_pts to music_end_pts"),
    ],
)
def test_a_timeline_that_contradicts_itself_is_refused(change: object, message: str) -> None:
    timeline = make_timeline(constant(Fraction(25), 100), Fraction(25), [(10, 20), (50, 25)])
    make_plan(timeline)
    change(timeline)  # type: ignore[operator]
    with pytest.raises(TimelineError, match=message):
        make_plan(timeline)


def test_a_montage_longer_than_allowed_is_refused() -> None:
    timeline = make_timeline(constant(Fraction(25), 100), Fraction(25), [(0, 75)])
    make_plan(timeline, max_montage_seconds=3)
    with pytest.raises(TimelineError, match="at most 2 s"):
        make_plan(timeline, max_montage_seconds=2)
