"""beat_this as far as it goes without its weights: a stand-in with the package's documented API."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from moodcut_segmenter import list_models
from moodcut_segmenter.beat_backends import Backend, beat_this, default_backend, madmom, make_tracker, model_digest
from moodcut_segmenter.errors import BackendNotInstalledError, ModelSourceMismatchError
from moodcut_segmenter.spectra import sound_spectra

_RATE = 44100


class _Tensor(np.ndarray):  # type: ignore[type-arg]
    def new_tensor(self, values: Any) -> _Tensor:
        return np.asarray(values).view(_Tensor)


class _Model:
    def parameters(self) -> Any:
        return iter([np.zeros(1).view(_Tensor)])


class _Audio2Frames:
    """Every stroke of the sound is a beat, every third louder one a downbeat; fifty frames a second."""

    def __init__(self, checkpoint_path: str, device: str) -> None:
        if Path(checkpoint_path).read_bytes() != b"weights":
            raise KeyError("hyper_parameters")
        self.model = _Model()

    def __call__(self, signal: Any, sr: int) -> tuple[Any, Any]:
        count = 1 + len(signal) // (sr // 50)
        padded = np.zeros(count * (sr // 50))
        padded[: len(signal)] = signal
        peaks = padded.reshape(count, -1).max(axis=1)
        return np.where(peaks > 0.2, 4.0, -6.0), np.where(peaks > 0.6, 4.0, -6.0)


class _Postprocessor:
    def __init__(self, type: str, fps: int) -> None:  # noqa: A002
        self.fps = fps

    def __call__(self, beat: Any, downbeat: Any) -> tuple[Any, Any]:
        return np.flatnonzero(beat > 0) / self.fps, np.flatnonzero(downbeat > 0) / self.fps


@pytest.fixture
def package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The stand-in, installed; where its weights have to lie."""
    modules = {name: ModuleType(name) for name in ("beat_this", "beat_this.inference", "beat_this.model")}
    modules["beat_this.model.postprocessor"] = ModuleType("beat_this.model.postprocessor")
    modules["beat_this.inference"].Audio2Frames = _Audio2Frames  # type: ignore[attr-defined]
    modules["beat_this.model.postprocessor"].Postprocessor = _Postprocessor  # type: ignore[attr-defined]
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(beat_this, "package_installed", lambda: True)
    monkeypatch.setenv(beat_this.CHECKPOINT_VARIABLE, str(tmp_path / "final0.ckpt"))
    return tmp_path / "final0.ckpt"


def _sound(seconds: float) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """A stroke every 0.48 s, the second of all and every third after it loud."""
    sound = np.zeros(int(seconds * _RATE), np.float32)
    for index, at in enumerate(np.arange(0.25, seconds, 0.48)):
        sound[int(at * _RATE)] = 0.9 if index % 3 == 1 else 0.4
    return sound


@pytest.mark.parametrize("meters", [(), (3, 4)])
def test_beats_downbeats_and_meter(package: Path, meters: tuple[int, ...]) -> None:
    package.write_bytes(b"weights")
    sound = _sound(150.0)
    track = make_tracker(Backend.BEAT_THIS, meters=meters).track(
        sound, sound_spectra(sound[:_RATE], sample_rate=_RATE), check=lambda: None
    )
    assert track is not None
    assert track.meter == 3
    expected = np.arange(0.25, 150.0, 0.48)
    assert len(track.pts) == len(expected)
    assert np.abs(track.pts / _RATE - expected).max() <= 0.021
    assert track.positions[:5].tolist() == [3, 1, 2, 3, 1]
    assert track.strength.min() > 0.9


def test_no_peaks_no_beats(package: Path) -> None:
    package.write_bytes(b"weights")
    sound = np.zeros(5 * _RATE, np.float32)
    spectra = sound_spectra(sound, sample_rate=_RATE)
    assert make_tracker(Backend.BEAT_THIS).track(sound, spectra, check=lambda: None) is None


def test_it_is_the_default_where_its_weights_are_and_madmom_is_not(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(madmom, "installed", lambda: None)
    assert default_backend() is Backend.LIBROSA
    row = next(each for each in list_models() if each.name == "beat-this")
    assert not row.ready
    assert str(package) in row.build_command
    assert model_digest(Backend.BEAT_THIS) == ""
    package.write_bytes(b"weights")
    assert default_backend() is Backend.BEAT_THIS
    assert len(model_digest(Backend.BEAT_THIS)) == 64
    assert next(each for each in list_models() if each.name == "beat-this").byte_count == 7


def test_what_is_lacking_is_said(package: Path) -> None:
    with pytest.raises(BackendNotInstalledError, match="MOODCUT_BEAT_THIS"):
        make_tracker(Backend.BEAT_THIS)
    package.write_bytes(b"something else")
    with pytest.raises(ModelSourceMismatchError, match="no checkpoint of beat_this"):
        make_tracker(Backend.BEAT_THIS)
