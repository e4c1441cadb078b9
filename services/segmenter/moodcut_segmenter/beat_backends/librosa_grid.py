"""librosa's beat tracker, with bars laid over its beats by bass and harmony."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from moodcut_segmenter.bars import BeatTrack
from moodcut_segmenter.beat_backends.base import SAMPLE_RATE, BeatTracker
from moodcut_segmenter.errors import BackendNotInstalledError
from moodcut_segmenter.spectra import HOP, Spectra, peak_near

_METERS = (3, 4)
_LEAST_BEATS = 4
# Eight seconds, as librosa's tempo has it.
_TEMPOGRAM_FRAMES = 8 * SAMPLE_RATE // HOP
_PIECE_FRAMES = 2048
# What bass strokes count beside onsets in all bands: they lie on the beat more than others do, but not on every one.
_TEMPO_BASS, _BEAT_BASS = 0.25, 1.0
# Onset strength at the beats over its mean, and itself: noise has 1.4, drones and pads below 0.5; music 1.9 and 1.7.
_LEAST_CONTRAST = 1.6
_LEAST_ONSET = 0.8


class LibrosaTracker(BeatTracker):
    """Ellis' dynamic-programming beat tracker (2007).

    It knows no bars: they are laid so that bass strokes and changes of harmony fall on their first beats most.
    """

    name = "librosa"
    clear_confidence = 0.28
    version = 2

    def __init__(self, *, meters: Sequence[int] = ()) -> None:
        """``meters``: the beats per bar to choose from, by default 3 and 4. Raises BackendNotInstalledError."""
        if importlib.util.find_spec("librosa") is None:
            raise BackendNotInstalledError("librosa is not installed: pip install librosa", backend="librosa")
        self._meters = tuple(meters) or _METERS

    def track(self, sound: NDArray[np.float32], spectra: Spectra, *, check: Callable[[], None]) -> BeatTrack | None:
        """See :class:`BeatTracker`."""
        from librosa.beat import beat_track
        from librosa.feature.rhythm import tempo

        if len(sound) < SAMPLE_RATE or not bool(np.any(np.abs(sound) > 1e-4)):
            return None
        check()
        onset = spectra.onset
        bpm = tempo(tg=mean_tempogram(_with_bass(spectra, _TEMPO_BASS)), sr=SAMPLE_RATE, hop_length=HOP)
        check()
        strokes = _with_bass(spectra, _BEAT_BASS)
        _, frames = beat_track(onset_envelope=strokes, bpm=bpm, sr=SAMPLE_RATE, hop_length=HOP, trim=False)
        frames = np.unique(np.asarray(frames, dtype=np.int64))
        if len(frames) < _LEAST_BEATS:
            return None
        peaks = peak_near(onset, frames)
        contrast = float(np.mean(peaks) / max(float(np.mean(onset)), 1e-9))
        if contrast < _LEAST_CONTRAST or float(np.mean(peaks)) < _LEAST_ONSET:
            return None
        meter, phase = downbeat_phase(_downbeat_scores(spectra, frames), self._meters)
        return BeatTrack(
            pts=frames * HOP,
            positions=(np.arange(len(frames)) - phase) % meter + 1,
            strength=np.clip(peaks / (2.0 * max(float(np.quantile(onset, 0.98)), 1e-9)), 0.0, 1.0),
            meter=meter,
        )


def downbeat_phase(scores: NDArray[np.float64], meters: Sequence[int]) -> tuple[int, int]:
    """Beats per bar and index of the first downbeat under which downbeats stand out most.

    ``scores``: [beats], standardised. The mean of the downbeats' scores is compared in units of what it would vary by
    if downbeats were chosen at random, so that a meter with fewer downbeats has no advantage.
    """
    found = [
        (float(scores[phase::meter].sum()) / np.sqrt(len(scores[phase::meter])), meter, phase)
        for meter in meters
        for phase in range(min(meter, len(scores)))
    ]
    _, meter, phase = max(found)
    return meter, phase


def mean_tempogram(envelope: NDArray[np.float32]) -> NDArray[np.float32]:
    """librosa's tempogram of an onset envelope, averaged over all frames, float32 [lags, 1]; made in pieces."""
    from librosa.feature import tempogram

    total = np.zeros((_TEMPOGRAM_FRAMES, 1), dtype=np.float64)
    for start in range(0, len(envelope), _PIECE_FRAMES):
        first, end = max(0, start - _TEMPOGRAM_FRAMES), min(len(envelope), start + _PIECE_FRAMES)
        heard = envelope[first : end + _TEMPOGRAM_FRAMES]
        part = tempogram(onset_envelope=heard, win_length=_TEMPOGRAM_FRAMES)
        total += part[:, start - first : end - first].sum(axis=1, keepdims=True, dtype=np.float64)
    return np.asarray(total / len(envelope), dtype=np.float32)


def _with_bass(spectra: Spectra, weight: float) -> NDArray[np.float32]:
    """Onset strength with bass strokes, each in units of its deviation."""
    onset, bass = (each / max(float(each.std()), 1e-9) for each in (spectra.onset, spectra.bass_rise))
    return np.asarray(onset + weight * bass, dtype=np.float32)


def _downbeat_scores(spectra: Spectra, frames: NDArray[np.int64]) -> NDArray[np.float64]:
    """How much each beat is like a downbeat: new bass and change of harmony, both standardised over the piece."""
    strokes = peak_near(spectra.bass_rise, frames)
    pieces = np.split(spectra.chroma, np.clip(frames, 1, spectra.frame_count - 1), axis=1)[1:]
    means = np.array([piece.mean(axis=1) if piece.shape[1] else np.zeros(len(spectra.chroma)) for piece in pieces])
    unit = means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-9)
    change = np.concatenate(([0.0], 1.0 - np.sum(unit[1:] * unit[:-1], axis=1)))
    return _standardised(strokes) + _standardised(change)


def _standardised(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray((values - values.mean()) / max(float(values.std()), 1e-9), dtype=np.float64)
