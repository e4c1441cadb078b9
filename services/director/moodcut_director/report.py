"""The report of a montage as JSON: what `moodcut make --json` prints. Pure.

Frames are numbered from 0, ranges are half-open, seconds of the film count from its first frame and seconds of the
music from its first sample. ``cuts_seconds``, a clip's ``first_bar`` and its ``start_seconds`` count from the beginning
of the montage; a bar of ``first_bar`` and ``bar_count`` is one unit of the grid, whose boundaries are
``unit_boundaries_seconds`` and of which ``units`` says how the music sounds there.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from statistics import fmean

from moodcut_director.grid import Unit
from moodcut_director.timeline import cut_seconds, duration_seconds, max_sync_error_seconds
from moodcut_kit.contract import Json
from moodcut_kit.readable import movie_scenes, movie_shots, music_bars, music_sections, posterior_dict
from moodcut_kit.time import FrameTimes
from moodcut_kit.v1 import media_pb2, renderer_pb2, solver_pb2


def make_report(
    *,
    montage_id: str,
    movie: media_pb2.MovieAnalysis,
    frame_times: FrameTimes,
    music: media_pb2.MusicAnalysis,
    scores: media_pb2.Scores,
    solution: solver_pb2.SolveResponse,
    timeline: renderer_pb2.Timeline,
    unit: str,
    relaxations: Sequence[str],
    stage_seconds: Mapping[str, float],
    grid_warnings: Sequence[str] = (),
    mood: media_pb2.Emotion.ValueType = media_pb2.EMOTION_UNSPECIFIED,
    random_scores: bool = False,
) -> dict[str, Json]:
    """All that is worth knowing of a finished montage.

    ``grid_warnings`` are those of the grid it lies on; ``mood`` was looked for in place of the music's own emotion.
    """
    music_base = Fraction(music.time_base.num, music.time_base.den)
    return {
        "montage_id": montage_id,
        "fps": f"{movie.frame_rate.num}/{movie.frame_rate.den}",
        "detector": movie.detector,
        "model": scores.model,
        "shots": movie_shots(movie, frame_times),
        "scenes": movie_scenes(movie, frame_times),
        "bars": music_bars(music),
        "sections": music_sections(music),
        "bpm": music.bpm,
        "meter": music.meter,
        "beat_backend": media_pb2.BeatBackend.Name(music.backend).removeprefix("BEAT_BACKEND_").lower(),
        "emotion": dict(posterior_dict(scores.music_emotion)),
        "mood": media_pb2.Emotion.Name(mood).removeprefix("EMOTION_").lower() if mood else None,
        "scores": "random" if random_scores else "model",
        "unit": unit,
        "unit_boundaries_seconds": [float(pts * music_base) for pts in timeline.unit_boundary_pts],
        "units": _units(music, timeline.unit_boundary_pts, Unit(unit)),
        "status": solver_pb2.SolveResponse.Status.Name(solution.status).removeprefix("STATUS_").lower(),
        "objective": solution.objective,
        "selection": _selection(frame_times, solution, timeline),
        "cuts_seconds": [float(cut) for cut in cut_seconds(timeline)],
        "duration_seconds": float(duration_seconds(timeline)),
        "music_start_seconds": float(timeline.music_start_pts * music_base),
        "music_end_seconds": float(timeline.music_end_pts * music_base),
        "max_sync_error_ms": float(max_sync_error_seconds(timeline) * 1000),
        "relaxations": list(relaxations),
        "warnings": [*movie.warnings, *music.warnings, *grid_warnings],
        "stage_seconds": {stage: round(seconds, 3) for stage, seconds in stage_seconds.items()},
    }


def _units(music: media_pb2.MusicAnalysis, boundaries_pts: Sequence[int], unit: Unit) -> list[Json]:
    """How the music sounds in each unit: section and loudness of the bar that its middle lies in.

    Onset strength is that bar's for units of whole bars and of 100 ms, the mean of the unit's own beats for half bars
    and beats. None where the music has no such bar or beat, as in a pick-up or a bridged hole.
    """
    bar_starts = [bar.start_pts for bar in music.bars]
    beat_pts = [beat.pts for beat in music.beats]
    found: list[Json] = []
    for start, end in pairwise(boundaries_pts):
        middle = (start + end) / 2
        index = bisect_right(bar_starts, middle) - 1
        bar = music.bars[index] if index >= 0 and middle < music.bars[index].end_pts else None
        if unit in (Unit.BAR, Unit.NONE):
            onset = bar.onset_strength if bar else None
        else:
            beats = music.beats[bisect_left(beat_pts, start) : bisect_left(beat_pts, end)]
            onset = fmean(beat.onset_strength for beat in beats) if beats else None
        has_section = bar is not None and bar.section_index < len(music.sections)
        found.append(
            {
                "bar": bar.index if bar else None,
                "section": music.sections[bar.section_index].label if bar and has_section else None,
                "loudness_dbfs": round(bar.loudness_dbfs, 2) if bar else None,
                "onset_strength": None if onset is None else round(onset, 3),
            }
        )
    return found


def _selection(
    frame_times: FrameTimes, solution: solver_pb2.SolveResponse, timeline: renderer_pb2.Timeline
) -> list[Json]:
    rate = Fraction(timeline.frame_rate.num, timeline.frame_rate.den)
    return [
        {
            "shot_id": clip.shot_id,
            "scene_id": clip.scene_id,
            "first_bar": clip.first_unit,
            "bar_count": clip.unit_count,
            "start_seconds": float(clip.output_start_frame / rate),
            "end_seconds": float((clip.output_start_frame + clip.frame_count) / rate),
            "source_start_frame": clip.source_start_frame,
            "source_end_frame": clip.source_end_frame,
            "source_start_seconds": float(frame_times.start_seconds(clip.source_start_frame)),
            "source_end_seconds": float(frame_times.start_seconds(clip.source_end_frame)),
            "score": placement.score,
            "similarity": placement.raw_score,
        }
        for clip, placement in zip(timeline.clips, solution.placements, strict=True)
    ]
