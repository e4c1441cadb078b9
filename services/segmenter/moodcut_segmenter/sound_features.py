"""What scenes are told apart by in a film's sound: the spectrum of each half second. Pure."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

WINDOW_SECONDS = Fraction(1, 2)
BAND_COUNT = 24
SOUND_COUNT = 2 * BAND_COUNT
_LOWEST_HERTZ, _HIGHEST_HERTZ = 60.0, 8000.0
_FLOOR_POWER = 1e-10


def sound_features(samples: NDArray[np.float32], sample_rate: int) -> NDArray[np.float32]:
    """Features of one window of sound (float32 [n], one channel, at least 32 samples): float32 [48].

    First 24: mean of the power in bands of equal width on the mel scale from 60 Hz to 8 kHz, as log10, over frames of
    about 40 ms; then 24: how far it varies (standard deviation). Silence is -10 everywhere, and so are bands above half
    the sampling rate.
    """
    frame = min(_frame_samples(sample_rate), 1 << (len(samples).bit_length() - 1))
    frames = np.lib.stride_tricks.sliding_window_view(samples, frame)[:: frame // 2]
    shape = np.hanning(frame).astype(np.float32)
    bands_of = _mel_bands(sample_rate, frame)
    lines = np.fft.rfft(frames * shape, axis=1)[:, : len(bands_of)]
    power = (np.square(lines.real) + np.square(lines.imag)) / (np.square(shape).sum() * frame)
    # Not by the linear algebra library: its threads are slow to meet here, and round in an order of their own.
    bands = np.log10(np.einsum("fl,lb->fb", power, bands_of) + _FLOOR_POWER)
    return np.concatenate((bands.mean(axis=0), bands.std(axis=0))).astype(np.float32)


def _frame_samples(sample_rate: int) -> int:
    return int(2 ** round(np.log2(max(32.0, 0.04 * sample_rate))))


@lru_cache(maxsize=8)
def _mel_bands(sample_rate: int, frame_samples: int) -> NDArray[np.float32]:
    """Weights of the spectrum's lines in overlapping triangular bands: [lines, bands], each band summing to 1.

    Lines above the highest band are left out.
    """
    edges = _hertz(np.linspace(_mel(_LOWEST_HERTZ), _mel(_HIGHEST_HERTZ), BAND_COUNT + 2))
    lines = np.fft.rfftfreq(frame_samples, 1.0 / sample_rate)[:, None]
    rising = (lines - edges[:-2]) / np.diff(edges)[:-1]
    falling = (edges[2:] - lines) / np.diff(edges)[1:]
    weights = np.maximum(np.minimum(rising, falling), 0.0)
    # A band narrower than the lines are apart takes the line nearest to its middle.
    for band in np.flatnonzero((weights.sum(axis=0) == 0) & (edges[1:-1] <= sample_rate / 2)):
        weights[np.argmin(np.abs(lines[:, 0] - edges[band + 1])), band] = 1.0
    used = int(np.flatnonzero(weights.any(axis=1)).max(initial=0)) + 1
    return np.asarray((weights / np.maximum(weights.sum(axis=0), 1e-12))[:used], dtype=np.float32)


def _mel(hertz: float) -> float:
    return float(np.log1p(hertz / 700.0))


def _hertz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    return 700.0 * np.expm1(mel)
