"""librosa's beat tracker, with bars of four beats laid over its beats."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from moodcut_segmenter.bars import BeatTrack
from moodcut_segmenter.beat_backends.base import SAMPLE_RATE, BeatTracker
from moodcut_segmenter.errors import BackendNotInstalledError

_METER = 4
_HOP = 512
_BASS_HERTZ = 150.0
_LEAST_BEATS = 4
# Onset strength at the beats over its mean, and itself: noise has 1.4, drones and pads below 0.5; music 1.9 and 1.7.
_LEAST_CONTRAST = 1.6
_LEAST_ONSET = 0.8


class LibrosaTracker(BeatTracker):
    """Ellis' dynamic-programming beat tracker (2007).

    It knows no bars: four beats are taken for one, beginning where bass strokes and changes of harmony are strongest.
    """

    name = "librosa"
    version = 1

    def __init__(self) -> None:
        """Raises BackendNotInstalledError."""
        if importlib.util.find_spec("librosa") is None:
            raise BackendNotInstalledError("librosa is not installed: pip install librosa", backend="librosa")

    def track(self, sound: NDArray[np.float32], *, check: Callable[[], None]) -> BeatTrack | None:
        """See :class:`BeatTracker`."""
        from librosa.beat import beat_track
        from librosa.onset import onset_strength

        if len(sound) < SAMPLE_RATE or not bool(np.any(np.abs(sound) > 1e-4)):
            return None
        onsets = onset_strength(y=sound, sr=SAMPLE_RATE, hop_length=_HOP)
        check()
        _, frames = beat_track(onset_envelope=onsets, sr=SAMPLE_RATE, hop_length=_HOP, trim=False)
        frames = np.unique(np.maximum(np.asarray(frames, dtype=np.int64), 1))
        if len(frames) < _LEAST_BEATS:
            return None
        peaks = _peak_near(onsets, frames)
        contrast = float(np.mean(peaks) / max(float(np.mean(onsets)), 1e-9))
        if contrast < _LEAST_CONTRAST or float(np.mean(peaks)) < _LEAST_ONSET:
            return None
        check()
        phase = _downbeat_phase(sound, frames)
        return BeatTrack(
            # Onset strength compares a frame with the one before: its peak comes one step after the stroke.
            pts=np.maximum(frames - 1, 0) * _HOP,
            positions=(np.arange(len(frames)) - phase) % _METER + 1,
            strength=np.clip(peaks / (2.0 * max(float(np.quantile(onsets, 0.98)), 1e-9)), 0.0, 1.0),
            meter=_METER,
        )


def _peak_near(envelope: NDArray[np.float32], frames: NDArray[np.int64]) -> NDArray[np.float64]:
    """The envelope's highest value within two frames of each given one."""
    padded = np.pad(envelope.astype(np.float64), 2)
    return np.asarray(np.max([padded[frames + shift] for shift in range(5)], axis=0), dtype=np.float64)


def _downbeat_phase(sound: NDArray[np.float32], frames: NDArray[np.int64]) -> int:
    """Index (0 to 3) of the first beat that begins a bar: most new bass and most change of harmony over all bars."""
    from librosa import fft_frequencies, stft
    from librosa.feature import chroma_stft

    spectrum = np.abs(stft(sound, hop_length=_HOP))
    bass = spectrum[fft_frequencies(sr=SAMPLE_RATE) <= _BASS_HERTZ].sum(axis=0)
    rise = np.maximum(np.diff(bass, prepend=bass[:1]), 0.0)
    strokes = _peak_near(rise.astype(np.float32), np.minimum(frames, len(rise) - 1))
    chroma = chroma_stft(S=spectrum**2, sr=SAMPLE_RATE, hop_length=_HOP)
    pieces = np.split(chroma, np.clip(frames, 1, chroma.shape[1] - 1), axis=1)[1:]
    means = np.array([piece.mean(axis=1) if piece.shape[1] else np.zeros(len(chroma)) for piece in pieces])
    unit = means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-9)
    change = np.concatenate(([0.0], 1.0 - np.sum(unit[1:] * unit[:-1], axis=1)))
    score = _standardised(strokes) + _standardised(change)
    return int(np.argmax([score[phase::_METER].mean() for phase in range(_METER)]))


def _standardised(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray((values - values.mean()) / max(float(values.std()), 1e-9), dtype=np.float64)
