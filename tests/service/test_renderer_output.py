"""Rendered files, measured by a tool that shares no code with the renderer."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from support.mediareading import read_picture
from support.montages import expected_clips, greedy_choice, make_timeline
from support.verify_montage import Findings, verify_montage

from moodcut.demo import FilmTruth, SceneSpec, SongTruth, write_film, write_song
from moodcut_kit.v1 import renderer_pb2
from moodcut_renderer import EncoderOptions, TimelineError, make_plan, render

_SCENES = [
    SceneSpec(emotion="excited", shot_seconds=(2.3, 1.9)),
    SceneSpec(emotion="tension", shot_seconds=(2.1, 4.0)),
    SceneSpec(emotion="neutral", shot_seconds=(2.2,)),
]
_SIZE = (320, 180)


@pytest.fixture(scope="module")
def song_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A song with drifting tempo and a pick-up."""
    path = tmp_path_factory.mktemp("song") / "song.wav"
    write_song(path, bpm=132, bars=5, mood="excited", seed=3, drift=0.06, pickup_beats=1)
    return path


def song_truth(path: Path) -> SongTruth:
    return SongTruth.read(path.with_suffix(".truth.json"))


def render_to(output: Path, timeline: renderer_pb2.Timeline, movie: Path, music: Path) -> None:
    progress = list(
        render(make_plan(timeline), movie=movie, music=music, output=output, options=EncoderOptions(preset="ultrafast"))
    )
    assert progress[-1].frames_done == progress[-1].frame_count == sum(clip.frame_count for clip in timeline.clips)


def measure(
    directory: Path, movie: Path, film: FilmTruth, music: Path, *, rate: Fraction | None = None, first_bar: int = 0
) -> Findings:
    song = song_truth(music)
    later = dataclasses.replace(song, downbeats_seconds=song.downbeats_seconds[first_bar:])
    timeline = make_timeline(film, song, greedy_choice(film, later, skip=0), rate=rate, first_bar=first_bar)
    output = directory / "montage.mp4"
    render_to(output, timeline, movie, music)
    findings = verify_montage(
        output,
        movie=movie,
        music=music,
        clips=expected_clips(timeline),
        music_start_seconds=song.downbeats_seconds[first_bar],
    )
    count = round(
        Fraction(timeline.music_end_pts - timeline.music_start_pts, song.sample_rate)
        * Fraction(timeline.frame_rate.num, timeline.frame_rate.den)
    )
    assert len(timeline.clips) >= 4
    assert findings.problems(expected_frame_count=count) == []
    return findings


@pytest.mark.parametrize(
    ("rate", "size", "variable", "output_rate"),
    [
        pytest.param(Fraction(25), _SIZE, False, None, id="25"),
        pytest.param(Fraction(24000, 1001), _SIZE, False, None, id="23.976"),
        pytest.param(Fraction(60000, 1001), (160, 90), False, None, id="59.94"),
        pytest.param(Fraction(30), _SIZE, True, Fraction(30), id="variable"),
        pytest.param(Fraction(25), (319, 179), False, None, id="odd size"),
        pytest.param(Fraction(24), _SIZE, False, Fraction(30), id="24 shown at 30"),
    ],
)
def test_cuts_fall_on_downbeats_and_sound_on_picture(
    tmp_path: Path,
    song_path: Path,
    rate: Fraction,
    size: tuple[int, int],
    *,
    variable: bool,
    output_rate: Fraction | None,
) -> None:
    movie = tmp_path / "film.mp4"
    film = write_film(movie, scenes=_SCENES, seed=6, size=size, rate=rate, variable_rate=variable)
    findings = measure(tmp_path, movie, film, song_path, rate=output_rate, first_bar=1)
    assert findings.rate == pytest.approx(float(output_rate or rate), rel=1e-9)
    assert findings.picture_seconds == pytest.approx(findings.sound_seconds, abs=0.5 / findings.rate + 1e-4)


@pytest.mark.parametrize("suffix", [".m4a", ".mp3"])
def test_compressed_music_of_another_rate_keeps_its_place(tmp_path: Path, suffix: str) -> None:
    music = tmp_path / f"song{suffix}"
    write_song(music, bpm=150, bars=5, mood="tension", seed=4, sample_rate=32000)
    movie = tmp_path / "film.mkv"
    film = write_film(movie, scenes=_SCENES, seed=6, size=(160, 90), sound=False)
    measure(tmp_path, movie, film, music)


def test_a_first_time_stamp_and_short_sound_do_no_harm(tmp_path: Path, song_path: Path) -> None:
    movie = tmp_path / "film.mp4"
    film = write_film(
        movie, scenes=_SCENES, seed=6, size=(160, 90), first_pts_seconds=Fraction(3, 2), sound_seconds=4.0
    )
    measure(tmp_path, movie, film, song_path)


def test_turned_and_anamorphic_film_comes_out_upright_and_square(
    tmp_path: Path, song_path: Path, ffmpeg: Callable[..., None]
) -> None:
    plain, movie = tmp_path / "plain.mp4", tmp_path / "film.mp4"
    film = write_film(plain, scenes=_SCENES, seed=6, size=(160, 120), pixel_aspect=Fraction(4, 3))
    ffmpeg("-display_rotation", "90", "-i", plain, "-c", "copy", movie)
    measure(tmp_path, movie, film, song_path)
    made = read_picture(tmp_path / "montage.mp4")
    assert (made.width, made.height) == (120, 212)


def test_the_file_is_what_players_expect(tmp_path: Path, song_path: Path) -> None:
    movie = tmp_path / "film.mp4"
    film = write_film(movie, scenes=_SCENES, seed=6, size=(160, 90))
    measure(tmp_path, movie, film, song_path)
    made = read_picture(tmp_path / "montage.mp4")
    assert (made.codec, made.pixel_format) == ("h264", "yuv420p")
    assert made.colour == (1, 1, 1, 1)
    head = (tmp_path / "montage.mp4").read_bytes()
    assert head.index(b"moov") < head.index(b"mdat")
    assert [entry.name for entry in tmp_path.iterdir() if entry.name.startswith(".")] == []


def test_the_same_timeline_gives_the_same_bytes(tmp_path: Path, song_path: Path) -> None:
    movie = tmp_path / "film.mp4"
    film = write_film(movie, scenes=_SCENES, seed=6, size=(160, 90))
    timeline = make_timeline(film, song_truth(song_path), greedy_choice(film, song_truth(song_path)))
    for name in ("one.mp4", "two.mp4"):
        render_to(tmp_path / name, timeline, movie, song_path)
    assert (tmp_path / "one.mp4").read_bytes() == (tmp_path / "two.mp4").read_bytes()


def test_the_verification_sees_what_is_wrong(tmp_path: Path, song_path: Path) -> None:
    """A tool that finds no fault in anything would prove nothing."""
    movie = tmp_path / "film.mp4"
    film = write_film(movie, scenes=_SCENES, seed=6, size=(160, 90))
    song = song_truth(song_path)
    timeline = make_timeline(film, song, greedy_choice(film, song, skip=0))
    output = tmp_path / "montage.mp4"
    render_to(output, timeline, movie, song_path)
    clips = expected_clips(timeline)

    source = read_picture(movie)

    def problems(**changes: object) -> str:
        asked = {"clips": clips, "music_start_seconds": song.downbeats_seconds[0]} | changes
        return " ".join(verify_montage(output, movie=source, music=song_path, **asked).problems())  # type: ignore[arg-type]

    assert problems() == ""
    moved = [dataclasses.replace(clips[1], start_seconds=clips[1].start_seconds + 1.2 / 25)]
    assert "frames from its downbeat" in problems(clips=[clips[0], *moved, *clips[2:]])
    shifted = [dataclasses.replace(clips[1], source_start_frame=clips[1].source_start_frame + 2)]
    assert "first frames of clips are off by [-2]" in problems(clips=[clips[0], *shifted, *clips[2:]])
    assert "not asked for" in problems(clips=[clips[0], *clips[2:]])
    assert "the sound is off by" in problems(music_start_seconds=song.downbeats_seconds[0] + 0.002)


def test_a_film_or_song_other_than_the_timeline_says_is_refused(tmp_path: Path, song_path: Path) -> None:
    movie, other = tmp_path / "film.mp4", tmp_path / "other.mp4"
    film = write_film(movie, scenes=_SCENES, seed=6, size=(160, 90))
    write_film(other, scenes=_SCENES[:2], seed=6, size=(160, 90))
    song = song_truth(song_path)
    timeline = make_timeline(film, song, greedy_choice(film, song))
    with pytest.raises(TimelineError, match="the timeline is of a film of"):
        render_to(tmp_path / "montage.mp4", timeline, other, song_path)
    short = tmp_path / "short.wav"
    write_song(short, bpm=132, bars=2, mood="sad", seed=1)
    with pytest.raises(TimelineError, match="uses the music up to"):
        render_to(tmp_path / "montage.mp4", timeline, movie, short)
    assert not (tmp_path / "montage.mp4").exists()


def test_levels_are_kept(tmp_path: Path, song_path: Path) -> None:
    """Colours are neither washed out nor crushed on the way."""
    movie = tmp_path / "film.mp4"
    film = write_film(movie, scenes=_SCENES, seed=6, size=(160, 90))
    song = song_truth(song_path)
    timeline = make_timeline(film, song, greedy_choice(film, song))
    render_to(tmp_path / "montage.mp4", timeline, movie, song_path)
    made, source = read_picture(tmp_path / "montage.mp4"), read_picture(movie)
    first = timeline.clips[0]
    shown = source.greys[first.source_start_frame : first.source_start_frame + first.frame_count].astype(float)
    got = made.greys[: first.frame_count].astype(float)
    assert abs(np.mean(got - shown)) < 0.5
