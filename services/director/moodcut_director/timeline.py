"""From the chosen shots to a timeline of clips, and how well its cuts meet the music. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from moodcut_director.grid import Grid
from moodcut_director.messages import rational
from moodcut_director.problem import UsableShot
from moodcut_kit.time import FrameTimes
from moodcut_kit.v1 import media_pb2, montage_pb2, renderer_pb2, solver_pb2


def make_timeline(
    *,
    movie: media_pb2.MovieAnalysis,
    movie_ref: montage_pb2.MediaRef,
    music_ref: montage_pb2.MediaRef,
    frame_times: FrameTimes,
    shots: Mapping[str, UsableShot],
    placements: Sequence[solver_pb2.Placement],
    grid: Grid,
    rate: Fraction,
    average_units: bool,
    music_audio_track: int = 0,
) -> renderer_pb2.Timeline:
    """Chosen shots in film order on consecutive units, each trimmed at its end to the length of its units.

    Every boundary is rounded from its own absolute time, so rounding never accumulates.
    """
    ticks = grid.boundary_ticks(rate, average=average_units)
    timeline = renderer_pb2.Timeline(
        movie_sha256=movie_ref.sha256,
        movie_name=movie_ref.name,
        movie_frame_times=movie.frame_times,
        music_sha256=music_ref.sha256,
        music_name=music_ref.name,
        music_time_base=rational(grid.time_base),
        music_start_pts=grid.boundaries_pts[0],
        music_end_pts=grid.boundaries_pts[-1],
        frame_rate=rational(rate),
        unit_boundary_pts=grid.boundaries_pts,
        music_audio_track=music_audio_track,
    )
    for placement in placements:
        shot = shots[placement.shot_id]
        start_tick = ticks[placement.first_bar]
        frame_count = ticks[placement.first_bar + placement.bar_count] - start_tick
        shown = frame_times.resampled(start_frame=shot.start_frame, frame_count=frame_count, rate=rate)
        timeline.clips.add(
            shot_id=shot.shot_id,
            scene_id=shot.scene_id,
            source_start_frame=shot.start_frame,
            source_end_frame=min(int(shown[-1]) + 1, shot.end_frame),
            output_start_frame=start_tick,
            frame_count=frame_count,
            first_unit=placement.first_bar,
            unit_count=placement.bar_count,
        )
    return timeline


def cut_seconds(timeline: renderer_pb2.Timeline) -> list[Fraction]:
    """Times of the cuts inside the montage."""
    rate = Fraction(timeline.frame_rate.num, timeline.frame_rate.den)
    return [clip.output_start_frame / rate for clip in timeline.clips[1:]]


def max_sync_error_seconds(timeline: renderer_pb2.Timeline) -> Fraction:
    """Largest distance between a cut and the real boundary of the unit that begins there."""
    time_base = Fraction(timeline.music_time_base.num, timeline.music_time_base.den)
    errors = (
        abs(cut - (timeline.unit_boundary_pts[clip.first_unit] - timeline.music_start_pts) * time_base)
        for cut, clip in zip(cut_seconds(timeline), timeline.clips[1:], strict=True)
    )
    return max(errors, default=Fraction(0))


def duration_seconds(timeline: renderer_pb2.Timeline) -> Fraction:
    """Length of the picture."""
    rate = Fraction(timeline.frame_rate.num, timeline.frame_rate.den)
    return sum(clip.frame_count for clip in timeline.clips) / rate
