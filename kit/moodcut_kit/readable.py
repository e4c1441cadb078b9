"""The contract's analyses as plain values: exact clocks for programs, JSON for people.

Frames are numbered from 0, ranges are half-open, seconds of the film count from its first frame and seconds of the
music from its first sample. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from moodcut_kit.contract import Json
from moodcut_kit.time import FrameTimes
from moodcut_kit.v1 import media_pb2

EMOTIONS: Sequence[str] = ("excited", "fear", "neutral", "relaxation", "sad", "tension")


def posterior_dict(message: media_pb2.EmotionPosterior) -> dict[str, float]:
    """The six probabilities by name."""
    return {name: float(getattr(message, name)) for name in EMOTIONS}


def frame_times_from(message: media_pb2.FrameTimes) -> FrameTimes:
    """The film's clock."""
    return FrameTimes.from_runs(
        time_base=Fraction(message.time_base.num, message.time_base.den),
        first_pts=message.first_pts,
        runs=[(run.step, run.count) for run in message.runs],
    )


def movie_shots(movie: media_pb2.MovieAnalysis, frame_times: FrameTimes) -> list[Json]:
    """Shots with their scene, in frames and seconds, and why they are not to be chosen (None: they can be)."""
    return [
        {
            "shot_id": shot.shot_id,
            "scene_id": shot.scene_id,
            "start_frame": shot.start_frame,
            "end_frame": shot.end_frame,
            "start_seconds": float(frame_times.start_seconds(shot.start_frame)),
            "end_seconds": float(frame_times.start_seconds(shot.end_frame)),
            "unusable": unusable_word(shot.unusable_reason),
        }
        for shot in movie.shots
    ]


def unusable_word(reason: media_pb2.UnusableReason.ValueType) -> str | None:
    """Why a shot is not to be chosen: black, only_transition, credits, blurred; None if it can be."""
    if reason == media_pb2.UNUSABLE_REASON_UNSPECIFIED:
        return None
    return media_pb2.UnusableReason.Name(reason).removeprefix("UNUSABLE_REASON_").lower()


def movie_scenes(movie: media_pb2.MovieAnalysis, frame_times: FrameTimes) -> list[Json]:
    """Scenes in frames and seconds."""
    found: list[Json] = []
    for scene in movie.scenes:
        start = movie.shots[scene.first_shot_index].start_frame
        end = movie.shots[scene.end_shot_index - 1].end_frame
        found.append(
            {
                "scene_id": scene.scene_id,
                "first_shot_id": movie.shots[scene.first_shot_index].shot_id,
                "shot_count": scene.end_shot_index - scene.first_shot_index,
                "start_frame": start,
                "end_frame": end,
                "start_seconds": float(frame_times.start_seconds(start)),
                "end_seconds": float(frame_times.start_seconds(end)),
            }
        )
    return found


def music_bars(music: media_pb2.MusicAnalysis) -> list[Json]:
    """Complete bars in seconds, with the section they lie in, their loudness and their onset strength."""
    base = Fraction(music.time_base.num, music.time_base.den)
    return [
        {
            "index": bar.index,
            "start_seconds": float(bar.start_pts * base),
            "end_seconds": float(bar.end_pts * base),
            "section": music.sections[bar.section_index].label if bar.section_index < len(music.sections) else "",
            "loudness_dbfs": round(bar.loudness_dbfs, 2),
            "onset_strength": round(bar.onset_strength, 3),
        }
        for bar in music.bars
    ]


def music_sections(music: media_pb2.MusicAnalysis) -> list[Json]:
    """Sections in bars and seconds; those of one label sound alike."""
    base = Fraction(music.time_base.num, music.time_base.den)
    return [
        {
            "label": section.label,
            "first_bar": section.first_bar_index,
            "end_bar": section.end_bar_index,
            "start_seconds": float(section.start_pts * base),
            "end_seconds": float(section.end_pts * base),
        }
        for section in music.sections
    ]


def music_beats(music: media_pb2.MusicAnalysis) -> list[Json]:
    """Beats in seconds, with their place in the bar and their onset strength."""
    base = Fraction(music.time_base.num, music.time_base.den)
    return [
        {
            "seconds": float(beat.pts * base),
            "position": beat.position,
            "onset_strength": round(beat.onset_strength, 3),
        }
        for beat in music.beats
    ]


def pickup_seconds(music: media_pb2.MusicAnalysis) -> float | None:
    """The first beat if it comes before the first downbeat."""
    first = next(iter(music.beats), None)
    if first is None or first.position == 1:
        return None
    return float(first.pts * Fraction(music.time_base.num, music.time_base.den))


def movie_json(movie: media_pb2.MovieAnalysis) -> dict[str, Json]:
    """A film's analysis: what `moodcut segment movie --json` prints."""
    frame_times = frame_times_from(movie.frame_times)
    return {
        "fps": f"{movie.frame_rate.num}/{movie.frame_rate.den}",
        "duration_seconds": float(frame_times.duration_seconds),
        "frame_count": movie.frame_count,
        "width": movie.width,
        "height": movie.height,
        "picture_area": {name: getattr(movie.picture_area, name) for name in ("left", "top", "width", "height")},
        "detector": movie.detector,
        "shots": movie_shots(movie, frame_times),
        "scene_source": media_pb2.SceneSource.Name(movie.scene_source).removeprefix("SCENE_SOURCE_").lower(),
        "scenes": movie_scenes(movie, frame_times),
        "warnings": list(movie.warnings),
    }


def music_json(music: media_pb2.MusicAnalysis) -> dict[str, Json]:
    """A piece of music's analysis: what `moodcut segment music --json` prints."""
    base = Fraction(music.time_base.num, music.time_base.den)
    return {
        "bpm": music.bpm,
        "meter": music.meter,
        "confidence": music.confidence,
        "backend": media_pb2.BeatBackend.Name(music.backend).removeprefix("BEAT_BACKEND_").lower(),
        "duration_seconds": float(music.duration_pts * base),
        "beats_seconds": [float(beat.pts * base) for beat in music.beats],
        "pickup_seconds": pickup_seconds(music),
        "beats": music_beats(music),
        "bars": music_bars(music),
        "sections": music_sections(music),
        "warnings": list(music.warnings),
    }
