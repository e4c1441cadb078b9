"""Timelines as OpenTimelineIO documents, and back.

What an editor may change is read from the tracks: which clips there are, where in the film they begin, how long they
are. What an editor does not show lies in the metadata under ``moodcut``: hashes, the film's clock, shot names. Media
carry the names their user gave them, so that an editor can relink; a program finds them by hash.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import opentimelineio as otio

from moodcut_kit.readable import frame_times_from
from moodcut_kit.time import FrameTimes, ticks_nearest
from moodcut_kit.v1 import renderer_pb2
from moodcut_renderer.errors import TimelineError

_KEY = "moodcut"
_VERSION = 1


def timeline_to_otio(timeline: renderer_pb2.Timeline, *, markers: bool = True) -> str:
    """The document as JSON: one picture track of clips, one sound track of music, montage time zero at 0.

    ``markers`` puts a marker on the music at every boundary of the grid's units. The same timeline gives the same
    document.
    """
    times = frame_times_from(timeline.movie_frame_times)
    rate = Fraction(timeline.frame_rate.num, timeline.frame_rate.den)
    picture = otio.schema.Track(name="Picture", kind=otio.schema.TrackKind.Video)
    for clip in timeline.clips:
        picture.append(_picture_clip(timeline, clip, times, rate))
    sound = otio.schema.Track(name="Music", kind=otio.schema.TrackKind.Audio)
    sound.append(_music_clip(timeline, markers=markers))
    document = otio.schema.Timeline(
        name=f"{timeline.movie_name} - {timeline.music_name}", global_start_time=_time(Fraction(0), rate)
    )
    document.tracks.extend([picture, sound])
    document.metadata[_KEY] = {
        "version": _VERSION,
        "frame_rate": str(rate),
        "movie_name": timeline.movie_name,
        "movie_sha256": timeline.movie_sha256,
        "movie_time_base": str(times.time_base),
        "movie_first_pts": timeline.movie_frame_times.first_pts,
        "movie_runs": [[run.step, run.count] for run in timeline.movie_frame_times.runs],
        "music_name": timeline.music_name,
        "music_sha256": timeline.music_sha256,
        "music_time_base": f"{timeline.music_time_base.num}/{timeline.music_time_base.den}",
        "music_start_pts": timeline.music_start_pts,
        "music_end_pts": timeline.music_end_pts,
        "music_audio_track": timeline.music_audio_track,
        "unit_boundary_pts": list(timeline.unit_boundary_pts),
    }
    text: str = document.to_json_string(indent=2)
    return text


def timeline_from_otio(text: str) -> renderer_pb2.Timeline:
    """The timeline of a document that :func:`timeline_to_otio` wrote, clips as they are now in the picture track.

    A clip's length is counted in output frames, its start is the film frame that begins nearest. Raises TimelineError
    for what is no such document.
    """
    document = _read(text)
    try:
        fields = dict(document.metadata[_KEY])
        timeline = _header(fields)
        rate = Fraction(str(fields["frame_rate"]))
    except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
        message = f"the document lacks moodcut's metadata ({error}); give one that moodcut wrote"
        raise TimelineError(message, field="metadata.moodcut") from error
    times = frame_times_from(timeline.movie_frame_times)
    tracks = document.video_tracks()
    if len(tracks) != 1:
        raise TimelineError(f"the document has {len(tracks)} picture tracks; it must have one", field="tracks")
    for index, item in enumerate(tracks[0]):
        field = f"tracks.Picture[{index}]"
        if not isinstance(item, otio.schema.Clip):
            kind = type(item).__name__
            message = f"{field} is a {kind}; only clips that follow one another can be rendered"
            raise TimelineError(message, field=field)
        _add_clip(timeline, item, times, rate, field)
    return timeline


def _read(text: str) -> Any:
    try:
        document = otio.adapters.read_from_string(text, "otio_json")
    except (otio.exceptions.OTIOError, ValueError) as error:
        raise TimelineError(f"this is no OpenTimelineIO document: {error}", field="document") from error
    if not isinstance(document, otio.schema.Timeline):
        raise TimelineError("the OpenTimelineIO document holds no timeline", field="document")
    return document


def _header(fields: dict[str, Any]) -> renderer_pb2.Timeline:
    timeline = renderer_pb2.Timeline(
        movie_sha256=fields["movie_sha256"],
        movie_name=fields["movie_name"],
        music_sha256=fields["music_sha256"],
        music_name=fields["music_name"],
        music_start_pts=fields["music_start_pts"],
        music_end_pts=fields["music_end_pts"],
        music_audio_track=fields.get("music_audio_track", 0),
        unit_boundary_pts=list(fields["unit_boundary_pts"]),
    )
    timeline.movie_frame_times.first_pts = fields["movie_first_pts"]
    for step, count in fields["movie_runs"]:
        timeline.movie_frame_times.runs.add(step=step, count=count)
    for name, target in (
        ("frame_rate", timeline.frame_rate),
        ("movie_time_base", timeline.movie_frame_times.time_base),
        ("music_time_base", timeline.music_time_base),
    ):
        value = Fraction(str(fields[name]))
        target.num, target.den = value.numerator, value.denominator
    return timeline


def _picture_clip(
    timeline: renderer_pb2.Timeline, clip: renderer_pb2.Clip, times: FrameTimes, rate: Fraction
) -> otio.schema.Clip:
    film_rate = times.rate()
    reference = otio.schema.ExternalReference(
        target_url=timeline.movie_name,
        available_range=otio.opentime.TimeRange(
            _time(Fraction(0), film_rate), _time(times.duration_seconds, film_rate)
        ),
    )
    reference.metadata[_KEY] = {"sha256": timeline.movie_sha256}
    made = otio.schema.Clip(
        name=clip.shot_id,
        media_reference=reference,
        source_range=otio.opentime.TimeRange(
            _time(times.start_seconds(clip.source_start_frame), film_rate), _time(clip.frame_count / rate, rate)
        ),
    )
    made.metadata[_KEY] = {
        "shot_id": clip.shot_id,
        "scene_id": clip.scene_id,
        "source_start_frame": clip.source_start_frame,
        "source_end_frame": clip.source_end_frame,
        "first_unit": clip.first_unit,
        "unit_count": clip.unit_count,
    }
    return made


def _music_clip(timeline: renderer_pb2.Timeline, *, markers: bool) -> otio.schema.Clip:
    ticks = Fraction(timeline.music_time_base.den, timeline.music_time_base.num)
    start = timeline.music_start_pts / ticks
    end = timeline.music_end_pts / ticks
    reference = otio.schema.ExternalReference(target_url=timeline.music_name)
    reference.metadata[_KEY] = {"sha256": timeline.music_sha256}
    clip = otio.schema.Clip(
        name=timeline.music_name,
        media_reference=reference,
        source_range=otio.opentime.TimeRange(_time(start, ticks), _time(end - start, ticks)),
    )
    if markers:
        for index, pts in enumerate(timeline.unit_boundary_pts):
            place = otio.opentime.TimeRange(_time(pts / ticks, ticks), _time(Fraction(0), ticks))
            clip.markers.append(otio.schema.Marker(name=f"unit {index}", marked_range=place))
    return clip


def _add_clip(timeline: renderer_pb2.Timeline, item: Any, times: FrameTimes, rate: Fraction, field: str) -> None:
    used = item.trimmed_range()
    frame_count = ticks_nearest(_seconds(used.duration), rate)
    start_frame = times.boundary_nearest(_seconds(used.start_time))
    if frame_count < 1 or not 0 <= start_frame < times.frame_count:
        raise TimelineError(f"{field} lies outside the film or has no frame", field=field)
    known = dict(item.metadata.get(_KEY, {}))
    due = sum(clip.frame_count for clip in timeline.clips)
    last = int(times.resampled(start_frame=start_frame, frame_count=frame_count, rate=rate)[-1])
    unchanged = (
        known.get("source_start_frame") == start_frame and last <= int(known.get("source_end_frame", 0)) <= last + 1
    )
    end_frame = int(known["source_end_frame"]) if unchanged else last + 1
    timeline.clips.add(
        shot_id=str(known.get("shot_id", item.name)),
        scene_id=str(known.get("scene_id", "")),
        source_start_frame=start_frame,
        source_end_frame=min(end_frame, times.frame_count),
        output_start_frame=due,
        frame_count=frame_count,
        first_unit=int(known.get("first_unit", 0)),
        unit_count=int(known.get("unit_count", 0)),
    )


def _time(seconds: Fraction, rate: Fraction) -> otio.opentime.RationalTime:
    """OpenTimelineIO's times are floats; whole frames stay whole."""
    return otio.opentime.RationalTime(float(seconds * rate), float(rate))


def _seconds(time: otio.opentime.RationalTime) -> Fraction:
    """Exact seconds of a time whose float rate stands for a usual fraction (23.976... for 24000/1001)."""
    rate = Fraction(time.rate).limit_denominator(1001)
    value = Fraction(time.value).limit_denominator(1 << 20)
    return value / rate
