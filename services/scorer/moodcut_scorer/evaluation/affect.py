"""Emotion without learning: valence and arousal from colour, and from loudness, tempo and mode. Pure numpy.

The baselines that a model has to beat. Both say where an item lies among the items judged, standardised, and take the
nearest of six places in the plane (after Russell's circumplex, 1980).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from moodcut_scorer.mel import HOP_LENGTH, SAMPLE_RATE, log_mel

# Valence and arousal of excited, fear, neutral, relaxation, sad, tension in standard deviations.
PLACES = np.array([[0.9, 0.9], [-0.9, 0.7], [0.0, 0.0], [0.9, -0.9], [-0.9, -0.9], [-0.5, 1.1]])
# Krumhansl and Kessler (1982): how well each pitch class fits a key, beginning at its tonic.
_MAJOR = np.array([6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88])
_MINOR = np.array([6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17])
_COLOUR_SIDE = 64
_CHROMA_WINDOW = 4096
_CHROMA_HERTZ = (100.0, 2_000.0)
_TEMPO_BPM = (50.0, 200.0)


def standardised(values: np.ndarray) -> np.ndarray:
    """Columns of ``values`` [n, k] with mean 0 and deviation 1; one without spread becomes 0. NaN stays NaN."""
    if np.isnan(values).all():
        return values
    spread = np.nanstd(values, axis=0)
    return np.asarray((values - np.nanmean(values, axis=0)) / np.where(spread > 0, spread, 1.0))


def colour(frames: Sequence[np.ndarray]) -> np.ndarray:
    """Mean brightness (HSV value) and saturation, float64 [2] in [0, 1], over pictures uint8 [h, w, 3] RGB."""
    means = []
    for frame in frames:
        small = Image.fromarray(frame).resize((_COLOUR_SIDE, _COLOUR_SIDE), Image.Resampling.BOX).convert("HSV")
        means.append(np.asarray(small, dtype=np.float64)[..., [2, 1]].mean(axis=(0, 1)) / 255)
    return np.asarray(np.mean(means, axis=0))


def affect_of_colour(colours: np.ndarray) -> np.ndarray:
    """Valence and arousal [n, 2] of brightness and saturation [n, 2], NaN rows kept.

    Valdez and Mehrabian (1994), on standardised values: pleasure .69 V + .22 S, arousal -.31 V + .60 S.
    """
    brightness, saturation = standardised(colours).T
    return standardised(
        np.stack([0.69 * brightness + 0.22 * saturation, -0.31 * brightness + 0.60 * saturation], axis=1)
    )


def sound(samples: np.ndarray) -> np.ndarray:
    """Loudness (dB of the root mean square), tempo (beats per minute) and mode (major above 0), float64 [3].

    ``samples`` mono float32 [n] at 16 kHz. Tempo is the strongest period of the onset strength between 50 and 200 bpm
    under a log-normal preference for 120; mode the best major key's correlation less the best minor key's.
    """
    loudness = 10 * np.log10(float(np.mean(np.square(samples, dtype=np.float64))) + 1e-10)
    return np.array([loudness, _tempo(samples), _mode(samples)])


def affect_of_sound(sounds: np.ndarray) -> np.ndarray:
    """Valence and arousal [n, 2] of loudness, tempo and mode [n, 3], NaN rows kept.

    Loud and fast music is aroused; fast music in a major key is pleasant (Gabrielsson and Lindström 2010).
    """
    loudness, tempo, mode = standardised(sounds).T
    return standardised(np.stack([mode + 0.5 * tempo, loudness + tempo], axis=1))


def place_scores(affect: np.ndarray) -> np.ndarray:
    """Scores [n, 6], the larger the nearer: minus the squared distance of ``affect`` [n, 2] to each emotion's place."""
    return np.asarray(-np.square(affect[:, None] - PLACES[None]).sum(axis=2))


def _tempo(samples: np.ndarray) -> float:
    onsets = np.maximum(np.diff(log_mel(samples), axis=0), 0).mean(axis=1).astype(np.float64)
    onsets -= onsets.mean() if len(onsets) else 0.0
    size = 1 << (2 * max(len(onsets), 1)).bit_length()
    likeness = np.fft.irfft(np.abs(np.fft.rfft(onsets, size)) ** 2, size)
    frame_rate = SAMPLE_RATE / HOP_LENGTH
    lags = np.arange(int(60 * frame_rate / _TEMPO_BPM[1]), int(60 * frame_rate / _TEMPO_BPM[0]) + 1)
    lags = lags[lags < len(onsets)]
    if not len(lags):
        return 120.0
    tempi = 60 * frame_rate / lags
    preferred = np.exp(-0.5 * np.square(np.log2(tempi / 120.0)))
    return float(tempi[np.argmax(np.maximum(likeness[lags], 0) * preferred)])


def _mode(samples: np.ndarray) -> float:
    padded = np.pad(samples, (0, max(0, _CHROMA_WINDOW - len(samples))))
    frames = np.lib.stride_tricks.sliding_window_view(padded, _CHROMA_WINDOW)[:: _CHROMA_WINDOW // 2]
    hertz = np.fft.rfftfreq(_CHROMA_WINDOW, 1 / SAMPLE_RATE)
    heard = (hertz >= _CHROMA_HERTZ[0]) & (hertz <= _CHROMA_HERTZ[1])
    classes = np.round(12 * np.log2(hertz[heard] / 440.0)).astype(np.int64) % 12
    chroma = np.zeros(12)
    for frame in frames:
        spectrum = np.abs(np.fft.rfft(frame * np.hanning(_CHROMA_WINDOW)))[heard]
        chroma += np.bincount(classes, weights=spectrum, minlength=12)
    if chroma.std() < 1e-12:
        return 0.0
    fits = [[np.corrcoef(chroma, np.roll(profile, key))[0, 1] for key in range(12)] for profile in (_MAJOR, _MINOR)]
    return float(max(fits[0]) - max(fits[1]))
