"""The answers beside generated media."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from moodcut.demo import (
    EMOTIONS,
    FilmTruth,
    SceneSpec,
    SongTruth,
    default_scenes,
    truth_path,
    write_demo,
    write_film,
    write_song,
)
from moodcut_kit.media.frameindex import read_frame_index

_SCENES = [
    SceneSpec(emotion="excited", shot_seconds=(0.8, 0.6, 0.7)),
    SceneSpec(emotion="sad", shot_seconds=(0.9, 0.6)),
]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
@pytest.mark.parametrize(
    ("rate", "variable"), [(Fraction(25), False), (Fraction(24000, 1001), False), (Fraction(30), True)]
)
def test_frames_are_shown_when_the_truth_says(tmp_path: Path, suffix: str, rate: Fraction, *, variable: bool) -> None:
    path = tmp_path / f"film{suffix}"
    truth = write_film(path, scenes=_SCENES, seed=3, size=(160, 90), rate=rate, variable_rate=variable)
    found = read_frame_index(path).times
    assert found.frame_count == truth.frame_count
    for frame in range(truth.frame_count):
        assert found.start_seconds(frame) == truth.frame_times.start_seconds(frame)
    assert len({step for step, _ in truth.runs}) > 1 or not variable


def test_shots_and_scenes_tile_the_film(tmp_path: Path) -> None:
    truth = write_film(tmp_path / "film.mp4", scenes=_SCENES, seed=3, size=(160, 90))
    edges = [shot.start_frame for shot in truth.shots] + [truth.frame_count]
    assert edges[0] == 0
    assert [shot.end_frame for shot in truth.shots] == edges[1:]
    assert [scene.emotion for scene in truth.scenes] == ["excited", "sad"]
    for index, scene in enumerate(truth.scenes):
        shots = truth.shots[scene.first_shot : scene.end_shot]
        assert {shot.scene_index for shot in shots} == {index}
        assert (shots[0].start_frame, shots[-1].end_frame) == (scene.start_frame, scene.end_frame)
        assert all(one.camera != other.camera for one, other in pairwise(shots))


def test_pictures_change_at_cuts_and_nowhere_else(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    truth = write_film(path, scenes=_SCENES, seed=5, size=(160, 90))
    with av.open(str(path)) as container:
        greys = np.stack([frame.to_ndarray(format="gray") for frame in container.decode(video=0)]).astype(float)
    change = np.abs(np.diff(greys, axis=0)).mean(axis=(1, 2))
    at_cuts = change[np.array(truth.cuts) - 1]
    elsewhere = np.delete(change, np.array(truth.cuts) - 1)
    assert at_cuts.min() > 2 * elsewhere.max()


def test_a_dissolve_mixes_two_shots_around_the_boundary(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    truth = write_film(path, scenes=_SCENES, seed=5, size=(160, 90), dissolve_frames=8)
    (dissolve,) = truth.dissolves
    assert dissolve.end_frame - dissolve.start_frame == 8
    assert dissolve.start_frame < truth.scenes[1].start_frame < dissolve.end_frame
    with av.open(str(path)) as container:
        means = np.array([frame.to_ndarray(format="gray").mean() for frame in container.decode(video=0)])
    inside = means[dissolve.start_frame - 1 : dissolve.end_frame + 1]
    steps = np.diff(inside) * np.sign(inside[-1] - inside[0])
    assert abs(inside[-1] - inside[0]) > 10
    assert steps.min() > 0
    assert steps.max() < abs(inside[-1] - inside[0]) / 3


def test_the_same_arguments_give_the_same_film_and_song(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_film(tmp_path / f"{name}.mp4", scenes=_SCENES[:1], seed=4, size=(96, 54))
        write_song(tmp_path / f"{name}.wav", bars=2, mood="tension", seed=4)
    for suffix in (".mp4", ".wav"):
        assert (tmp_path / f"one{suffix}").read_bytes() == (tmp_path / f"two{suffix}").read_bytes()


def test_truth_is_read_back(tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.mp4", scenes=_SCENES, seed=1, size=(96, 54), dissolve_frames=4)
    song = write_song(tmp_path / "song.wav", bars=3, meter=3, mood=["sad", "excited"], seed=1, pickup_beats=1)
    assert FilmTruth.read(truth_path(tmp_path / "film.mp4")) == film
    assert SongTruth.read(truth_path(tmp_path / "song.wav")) == song
    assert song.moods == ("sad", "sad", "excited")
    assert song.beat_positions[:3] == (3, 1, 2)


def test_drums_sound_on_the_beat(tmp_path: Path) -> None:
    path = tmp_path / "song.wav"
    song = write_song(path, bars=6, mood="neutral", seed=2, drift=0.08)
    with av.open(str(path)) as container:
        samples = np.concatenate([f.to_ndarray().reshape(-1, 2).mean(axis=1) for f in container.decode(audio=0)])
    for downbeat in song.downbeats_seconds:
        at = round(downbeat * song.sample_rate)
        before, after = samples[at - 441 : at], samples[at : at + 441]
        assert np.abs(after).max() > 2 * np.abs(before).max()
    intervals = np.diff(song.beats_seconds)
    assert intervals.max() / intervals.min() > 1.1
    assert song.duration_seconds * song.sample_rate == len(samples)


def test_emotions_look_as_they_should(tmp_path: Path) -> None:
    brightness = {}
    for emotion in EMOTIONS:
        path = tmp_path / f"{emotion}.mp4"
        scene = SceneSpec(emotion=emotion, shot_seconds=(0.3, 0.3, 0.3))
        write_film(path, scenes=[scene], seed=8, size=(96, 54), sound=False)
        with av.open(str(path)) as container:
            pictures = np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]).astype(float)
        brightness[emotion] = pictures.max(axis=-1).mean()
    bright = min(brightness["excited"], brightness["relaxation"])
    dark = max(brightness["fear"], brightness["sad"], brightness["tension"])
    assert bright > dark + 20
    assert brightness["fear"] == min(brightness.values())


def test_the_default_story_can_fill_the_default_song() -> None:
    bar = 4 * 60 / 112
    lengths = [sum(int(each / bar) for each in scene.shot_seconds) for scene in default_scenes(7)]
    assert sum(sorted(lengths)[-5:]) >= 18


def test_the_demo_is_kept_once_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = [SceneSpec(emotion="neutral", shot_seconds=(0.4,))]
    monkeypatch.setattr("moodcut.demo.defaults.default_scenes", lambda seed: small)
    film, song = write_demo(tmp_path / "demo", seed=2)
    stamps = (film.stat().st_mtime_ns, song.stat().st_mtime_ns)
    assert write_demo(tmp_path / "demo", seed=2) == (film, song)
    assert (film.stat().st_mtime_ns, song.stat().st_mtime_ns) == stamps
    film.unlink()
    write_demo(tmp_path / "demo", seed=2)
    assert film.exists()


def test_what_cannot_be_made_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="suffix"):
        write_song(tmp_path / "song.xyz", bars=2, mood="sad", seed=1)
    with pytest.raises(ValueError, match="pickup_beats"):
        write_song(tmp_path / "song.wav", bars=2, mood="sad", seed=1, pickup_beats=4)
    with pytest.raises(ValueError, match="dissolve_frames"):
        write_film(tmp_path / "film.mp4", scenes=_SCENES, seed=1, dissolve_frames=40)
