"""Timelines over generated media, for tests of what renders them."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from hashlib import sha256
from pathlib import Path

from moodcut.demo import FilmTruth, SongTruth
from moodcut_kit.time import ticks_nearest
from moodcut_kit.v1 import renderer_pb2
from support.verify_montage import ExpectedClip


def digest(path: Path) -> str:
    """Content hash of a file."""
    return sha256(path.read_bytes()).hexdigest()


def make_timeline(
    film: FilmTruth,
    song: SongTruth,
    choice: Sequence[tuple[int, int]],
    *,
    rate: Fraction | None = None,
    first_bar: int = 0,
    film_sha256: str = "0" * 64,
    song_sha256: str = "1" * 64,
) -> renderer_pb2.Timeline:
    """Bars from ``first_bar`` on, filled with (shot index, bars) in turn."""
    rate = rate or Fraction(film.frame_rate)
    times = film.frame_times
    bar_count = sum(count for _, count in choice)
    bounds = [round(each * song.sample_rate) for each in song.downbeats_seconds[first_bar : first_bar + bar_count + 1]]
    ticks = [ticks_nearest(Fraction(each - bounds[0], song.sample_rate), rate) for each in bounds]
    timeline = renderer_pb2.Timeline(
        movie_sha256=film_sha256,
        movie_name="film.mp4",
        music_sha256=song_sha256,
        music_name="song.wav",
        music_start_pts=bounds[0],
        music_end_pts=bounds[-1],
        unit_boundary_pts=bounds,
    )
    timeline.music_time_base.num, timeline.music_time_base.den = 1, song.sample_rate
    timeline.frame_rate.num, timeline.frame_rate.den = rate.numerator, rate.denominator
    timeline.movie_frame_times.time_base.num = times.time_base.numerator
    timeline.movie_frame_times.time_base.den = times.time_base.denominator
    timeline.movie_frame_times.first_pts = film.first_pts
    for step, count in film.runs:
        timeline.movie_frame_times.runs.add(step=step, count=count)
    unit = 0
    for shot_index, unit_count in choice:
        shot = film.shots[shot_index]
        frame_count = ticks[unit + unit_count] - ticks[unit]
        last = times.resampled(start_frame=shot.start_frame, frame_count=frame_count, rate=rate)[-1]
        timeline.clips.add(
            shot_id=f"shot-{shot_index + 1:04}",
            scene_id=f"scene-{shot.scene_index + 1:03}",
            source_start_frame=shot.start_frame,
            source_end_frame=min(int(last) + 1, shot.end_frame),
            output_start_frame=ticks[unit],
            frame_count=frame_count,
            first_unit=unit,
            unit_count=unit_count,
        )
        unit += unit_count
    return timeline


def expected_clips(timeline: renderer_pb2.Timeline) -> list[ExpectedClip]:
    """What the verification looks for."""
    base = Fraction(timeline.music_time_base.num, timeline.music_time_base.den)
    return [
        ExpectedClip(
            start_seconds=float((timeline.unit_boundary_pts[clip.first_unit] - timeline.music_start_pts) * base),
            source_start_frame=clip.source_start_frame,
            source_end_frame=clip.source_end_frame,
        )
        for clip in timeline.clips
    ]


def greedy_choice(film: FilmTruth, song: SongTruth, *, max_bars: int = 4, skip: int = 1) -> list[tuple[int, int]]:
    """Shots in film order, leaving out ``skip`` after each, for as many whole bars as they last."""
    times = film.frame_times
    bars = len(song.downbeats_seconds) - 1
    choice: list[tuple[int, int]] = []
    unit = index = 0
    while unit < bars and index < len(film.shots):
        shot = film.shots[index]
        length = float(times.start_seconds(shot.end_frame) - times.start_seconds(shot.start_frame))
        start = song.downbeats_seconds[unit]
        fitting = [
            count
            for count in range(1, max_bars + 1)
            if unit + count <= bars and song.downbeats_seconds[unit + count] - start <= length
        ]
        if fitting:
            choice.append((index, fitting[-1]))
            unit += fitting[-1]
            index += 1 + skip
        else:
            index += 1
    return choice
