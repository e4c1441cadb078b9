"""What is heard at each moment of a piece of music: onset strength, bass, harmony, timbre. Pure.

The sound is transformed in pieces whose frames are those of the whole, so memory hardly grows with its length: an hour
takes less than 200 MB.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

HOP = 512
_WINDOW = 2048
_PIECE_FRAMES = 2048
_BASS_HERTZ = 150.0
_MEL_BANDS = 128
_MEL_FLOOR = 1e-10
_MEL_RANGE_DB = 80.0
_CEPSTRA = 13
# A frame's decibels rise most when the stroke enters its window: so many frames before the one that lies around it.
_LEAD_FRAMES = 1


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Spectra:
    """Frames of a sound, ``HOP`` samples apart; frame i lies around sample i * HOP.

    ``onset``: float32 [n], how many decibels the mel bands rise from the frame before, falls counted as 0, on average
    over the bands. ``bass_rise``: float32 [n], how much the magnitude below 150 Hz rises. ``chroma``: float32 [12, n],
    energy of the pitch classes. ``cepstra``: float32 [12, n], mel-frequency cepstral coefficients without the first,
    which is loudness.
    """

    onset: Floats
    bass_rise: Floats
    chroma: Floats
    cepstra: Floats

    @property
    def frame_count(self) -> int:
        """Number of frames."""
        return len(self.onset)

    def onset_at(self, pts: NDArray[np.int64]) -> NDArray[np.float64]:
        """Onset strength of strokes at the samples ``pts``: the highest within two frames of each."""
        return peak_near(self.onset, np.minimum((pts + HOP // 2) // HOP, self.frame_count - 1))

    def onset_between(self, start_pts: int, end_pts: int) -> float:
        """Mean onset strength from one sample to another."""
        first = min(start_pts // HOP, self.frame_count - 1)
        return float(self.onset[first : max(first + 1, end_pts // HOP)].mean())


def peak_near(envelope: Floats, frames: NDArray[np.int64]) -> NDArray[np.float64]:
    """The envelope's highest value within two frames of each given one."""
    padded = np.pad(envelope.astype(np.float64), 2)
    return np.asarray(np.max([padded[frames + shift] for shift in range(5)], axis=0), dtype=np.float64)


def sound_spectra(sound: Floats, *, sample_rate: int, check: Callable[[], None] = lambda: None) -> Spectra:
    """The spectra of ``sound`` (mono, float32 [samples]). ``check`` is called now and then and may raise.

    Onset strength is Ellis' (2007) as librosa has it, but in the frame where the stroke lies.
    """
    from librosa import fft_frequencies
    from librosa.filters import chroma, mel
    from scipy.fft import dct

    bands = mel(sr=sample_rate, n_fft=_WINDOW, n_mels=_MEL_BANDS)
    pitches = chroma(sr=sample_rate, n_fft=_WINDOW).astype(np.float32)
    low = fft_frequencies(sr=sample_rate, n_fft=_WINDOW) <= _BASS_HERTZ
    mels, basses, chromas = [], [], []
    for magnitude in _magnitudes(sound, check):
        power = np.square(magnitude)
        mels.append(bands @ power)
        chromas.append(pitches @ power)
        basses.append(magnitude[low].sum(axis=0))
    decibels = np.concatenate(mels, axis=1)
    del mels
    np.maximum(decibels, _MEL_FLOOR, out=decibels)
    np.log10(decibels, out=decibels)
    decibels *= 10.0
    np.maximum(decibels, float(decibels.max()) - _MEL_RANGE_DB, out=decibels)
    onset = np.zeros(decibels.shape[1], dtype=np.float32)
    for first in range(1, len(onset) - _LEAD_FRAMES, _PIECE_FRAMES):
        rise = np.maximum(np.diff(decibels[:, first - 1 : first + _PIECE_FRAMES], axis=1), 0.0).mean(axis=0)
        at = first + _LEAD_FRAMES
        onset[at : at + len(rise)] = rise[: len(onset) - at]
    bass = np.concatenate(basses)
    cepstra = [
        dct(decibels[:, first : first + _PIECE_FRAMES], axis=0, norm="ortho")[1:_CEPSTRA]
        for first in range(0, len(onset), _PIECE_FRAMES)
    ]
    return Spectra(
        onset=onset,
        bass_rise=np.maximum(np.diff(bass, prepend=bass[:1]), 0.0),
        chroma=np.concatenate(chromas, axis=1),
        cepstra=np.concatenate(cepstra, axis=1),
    )


def _magnitudes(sound: Floats, check: Callable[[], None]) -> Iterator[Floats]:
    """Short-time Fourier magnitudes in pieces, float32 [bins, frames of the piece]."""
    from librosa import stft

    frame_count, half = 1 + len(sound) // HOP, _WINDOW // 2
    for first in range(0, frame_count, _PIECE_FRAMES):
        check()
        last = min(first + _PIECE_FRAMES, frame_count) - 1
        start, end = first * HOP - half, last * HOP + half
        piece = np.pad(sound[max(start, 0) : end], (max(-start, 0), max(end - len(sound), 0)))
        yield np.abs(stft(piece, n_fft=_WINDOW, hop_length=HOP, center=False))
