"""Timelines as OpenTimelineIO documents."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import opentimelineio as otio
import pytest
from support.montages import greedy_choice, make_timeline

from moodcut.demo import FilmTruth, SceneSpec, SongTruth, write_film, write_song
from moodcut_renderer import TimelineError, make_plan, timeline_from_otio, timeline_to_otio

_SCENES = [
    SceneSpec(emotion="excited", shot_seconds=(2.2, 1.3, 3.1, 1.2)),
    SceneSpec(emotion="sad", shot_seconds=(4, 2)),
]


@pytest.fixture(scope="module")
def song(tmp_path_factory: pytest.TempPathFactory) -> SongTruth:
    return write_song(tmp_path_factory.mktemp("song") / "song.wav", bpm=150, bars=5, mood="excited", seed=1, drift=0.05)


def film(directory: Path, rate: Fraction, *, variable: bool = False) -> FilmTruth:
    path = directory / "film.mp4"
    return write_film(path, scenes=_SCENES, seed=1, size=(32, 32), rate=rate, variable_rate=variable, sound=False)


@pytest.mark.parametrize(
    ("rate", "variable", "output_rate"),
    [
        (Fraction(25), False, Fraction(25)),
        (Fraction(24000, 1001), False, Fraction(24000, 1001)),
        (Fraction(60000, 1001), False, Fraction(25)),
        (Fraction(25), True, Fraction(25)),
    ],
)
def test_every_in_and_out_point_is_read_back(
    tmp_path: Path, song: SongTruth, rate: Fraction, *, variable: bool, output_rate: Fraction
) -> None:
    truth = film(tmp_path, rate, variable=variable)
    timeline = make_timeline(truth, song, greedy_choice(truth, song, skip=0), rate=output_rate)
    make_plan(timeline)
    assert len(timeline.clips) >= 3
    text = timeline_to_otio(timeline)
    assert timeline_from_otio(text) == timeline
    assert timeline_to_otio(timeline) == text


def test_an_editor_sees_frames_names_and_markers(tmp_path: Path, song: SongTruth) -> None:
    truth = film(tmp_path, Fraction(25))
    timeline = make_timeline(truth, song, greedy_choice(truth, song, skip=0), film_sha256="a" * 64)
    document = otio.adapters.read_from_string(timeline_to_otio(timeline), "otio_json")
    (picture,) = document.video_tracks()
    (music,) = document.audio_tracks()
    at = 0
    for item, clip in zip(picture, timeline.clips, strict=True):
        assert item.source_range.start_time == otio.opentime.RationalTime(clip.source_start_frame, 25)
        assert item.source_range.duration == otio.opentime.RationalTime(clip.frame_count, 25)
        assert item.range_in_parent().start_time == otio.opentime.RationalTime(at, 25)
        assert item.media_reference.target_url == "film.mp4"
        assert item.media_reference.metadata["moodcut"]["sha256"] == "a" * 64
        assert item.available_range().duration == otio.opentime.RationalTime(truth.frame_count, 25)
        at += clip.frame_count
    (piece,) = music
    assert piece.source_range.start_time == otio.opentime.RationalTime(timeline.music_start_pts, 44100)
    assert piece.source_range.end_time_exclusive() == otio.opentime.RationalTime(timeline.music_end_pts, 44100)
    marked = [marker.marked_range.start_time.value for marker in piece.markers]
    assert marked == list(timeline.unit_boundary_pts)


def test_cuts_an_editor_moved_are_taken_over(tmp_path: Path, song: SongTruth) -> None:
    truth = film(tmp_path, Fraction(25))
    timeline = make_timeline(truth, song, greedy_choice(truth, song, skip=0))
    document = otio.adapters.read_from_string(timeline_to_otio(timeline), "otio_json")
    first, second = document.video_tracks()[0][:2]
    for item, start, duration in ((first, 3, -5), (second, -2, 5)):
        item.source_range = otio.opentime.TimeRange(
            item.source_range.start_time + otio.opentime.RationalTime(start, 25),
            item.source_range.duration + otio.opentime.RationalTime(duration, 25),
        )
    edited = timeline_from_otio(document.to_json_string())
    make_plan(edited)
    before, after = timeline.clips[0], edited.clips[0]
    assert after.source_start_frame == before.source_start_frame + 3
    assert after.frame_count == before.frame_count - 5
    assert after.source_end_frame == after.source_start_frame + after.frame_count
    assert edited.clips[1].output_start_frame == timeline.clips[1].output_start_frame - 5
    assert edited.clips[1].source_start_frame == timeline.clips[1].source_start_frame - 2
    assert edited.clips[2:] == timeline.clips[2:]


def test_what_is_no_document_of_ours_is_refused(tmp_path: Path, song: SongTruth) -> None:
    with pytest.raises(TimelineError, match="no OpenTimelineIO document"):
        timeline_from_otio("{nonsense")
    with pytest.raises(TimelineError, match="holds no timeline"):
        timeline_from_otio(otio.schema.Track().to_json_string())
    with pytest.raises(TimelineError, match="lacks moodcut's metadata"):
        timeline_from_otio(otio.schema.Timeline().to_json_string())
    truth = film(tmp_path, Fraction(25))
    document = otio.adapters.read_from_string(
        timeline_to_otio(make_timeline(truth, song, greedy_choice(truth, song, skip=0))), "otio_json"
    )
    gap = otio.schema.Gap(duration=otio.opentime.RationalTime(5, 25))
    document.video_tracks()[0].insert(1, gap)
    with pytest.raises(TimelineError, match=r"Picture\[1\] is a Gap"):
        timeline_from_otio(document.to_json_string())
