"""From a timeline to the source frame that each output frame shows. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from moodcut_kit.readable import frame_times_from
from moodcut_kit.time import FrameTimes, ticks_nearest
from moodcut_kit.v1 import media_pb2, renderer_pb2
from moodcut_renderer.errors import TimelineError

_MAX_RATE = 1000


@dataclass(frozen=True, slots=True)
class PlannedClip:
    """One clip: int64 [n] ``source_frames``, never decreasing, the film's frame that each of its n frames shows."""

    output_start_frame: int
    source_frames: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class RenderPlan:
    """What to render: ``frame_count`` frames at ``rate`` a second, from the first clip's first frame on.

    The music lies under it from ``music_start_seconds`` to ``music_end_seconds``, counted from its first sample;
    ``music_audio_track`` is its sound track from 1, or 0 for the one a player would choose.
    """

    rate: Fraction
    frame_count: int
    clips: tuple[PlannedClip, ...]
    frame_times: FrameTimes
    music_start_seconds: Fraction
    music_end_seconds: Fraction
    music_audio_track: int = 0


def make_plan(timeline: renderer_pb2.Timeline, *, max_montage_seconds: int | None = None) -> RenderPlan:
    """Check a timeline and say what each output frame shows.

    Frame k of a clip shows what a player shows of the film k / rate seconds after the start of the clip's first source
    frame, so a frame is held as long as it lasts; a film of constant rate shown at that rate gives consecutive frames.
    Raises TimelineError for clips that do not tile the output, ranges outside the film or of another length than the
    clip, and a picture that does not end with the music.
    """
    rate = _positive(timeline.frame_rate, "frame_rate")
    if rate > _MAX_RATE:
        raise TimelineError(f"frame_rate is {rate}; at most {_MAX_RATE} frames a second", field="frame_rate")
    time_base = _positive(timeline.music_time_base, "music_time_base")
    start, end = timeline.music_start_pts * time_base, timeline.music_end_pts * time_base
    if not 0 <= start < end:
        message = f"the music is used from {float(start):.3f} s to {float(end):.3f} s; it must begin at 0 or later"
        raise TimelineError(message + " and end after it begins", field="music_start_pts")
    if max_montage_seconds is not None and end - start > max_montage_seconds:
        message = f"the montage lasts {float(end - start):.0f} s; at most {max_montage_seconds} s are rendered here"
        raise TimelineError(message, field="music_end_pts", max_seconds=max_montage_seconds)
    try:
        frame_times = frame_times_from(timeline.movie_frame_times)
    except (ValueError, ZeroDivisionError) as error:
        raise TimelineError(f"movie_frame_times: {error}", field="movie_frame_times") from error
    _check_units(timeline)
    clips = tuple(_plan_clip(timeline, index, frame_times, rate) for index in range(len(timeline.clips)))
    frame_count = sum(clip.frame_count for clip in timeline.clips)
    expected = ticks_nearest(end - start, rate)
    if frame_count != expected:
        message = f"the clips have {frame_count} frames; the music from start to end has {expected} at {rate} a second"
        raise TimelineError(message, field="clips", frame_count=frame_count, expected=expected)
    return RenderPlan(rate, frame_count, clips, frame_times, start, end, timeline.music_audio_track)


def _positive(value: media_pb2.Rational, field: str) -> Fraction:
    if value.num < 1 or value.den < 1:
        raise TimelineError(f"{field} is {value.num}/{value.den}; it must be positive", field=field)
    return Fraction(value.num, value.den)


def _check_units(timeline: renderer_pb2.Timeline) -> None:
    bounds = timeline.unit_boundary_pts
    if any(later <= earlier for earlier, later in pairwise(bounds)):
        raise TimelineError("unit_boundary_pts must increase", field="unit_boundary_pts")
    if bounds and (bounds[0] != timeline.music_start_pts or bounds[-1] != timeline.music_end_pts):
        message = "unit_boundary_pts must run from music_start_pts to music_end_pts"
        raise TimelineError(message, field="unit_boundary_pts")


def _plan_clip(timeline: renderer_pb2.Timeline, index: int, frame_times: FrameTimes, rate: Fraction) -> PlannedClip:
    clip, field = timeline.clips[index], f"clips[{index}]"
    previous = timeline.clips[index - 1] if index else renderer_pb2.Clip()
    free = previous.output_start_frame + previous.frame_count
    if clip.output_start_frame != free or clip.frame_count < 1:
        message = (
            f"{field} has {clip.frame_count} frames from output frame {clip.output_start_frame} on; it must have at"
            f" least one, from {free} on, so that the clips follow one another without gap or overlap"
        )
        raise TimelineError(message, field=field)
    first, after = clip.source_start_frame, clip.source_end_frame
    if not 0 <= first < after <= frame_times.frame_count:
        message = f"{field} shows film frames {first} to {after}; the film has 0 to {frame_times.frame_count}"
        raise TimelineError(message, field=field)
    if clip.frame_count > 2 * rate * (frame_times.duration_seconds + 1):
        raise TimelineError(f"{field} is longer than the film", field=field)
    due = frame_times.resampled(start_frame=first, frame_count=clip.frame_count + 1, rate=rate)
    frames, following = due[:-1], int(due[-1])
    held = int(np.count_nonzero(frames >= after))
    # Both ends of a range are rounded, so that one frame more may be due than the range has: the last one stays.
    if held > 1:
        message = f"{field} needs {held} frames more than film frames {first} to {after} have at {rate} a second"
        raise TimelineError(message, field=field, missing_frame_count=held)
    if after > max(following, frames[-1] + 1):
        message = (
            f"{field} shows film frames {first} to {frames[-1]} in {clip.frame_count} frames, not up to {after - 1}"
        )
        raise TimelineError(message + "; trim source_end_frame to what is shown", field=field)
    return PlannedClip(clip.output_start_frame, np.minimum(frames, after - 1))
