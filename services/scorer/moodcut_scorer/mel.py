"""The music networks' front end: mono sound to log-compressed mel patches, in float32 throughout.

musicnn's own: 16 kHz, windows of 512 samples (Hann), hop 256, power spectrum, 96 mel bands (Slaney's scale and area
normalisation) up to 8 kHz, then log10(1 + 10000 x).
"""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy.signal import resample_poly

from moodcut_scorer.errors import BadAudioError

SAMPLE_RATE = 16_000
HOP_LENGTH = 256
FFT_LENGTH = 512
MEL_COUNT = 96
PATCH_FRAMES = 187
PATCH_SECONDS = PATCH_FRAMES * HOP_LENGTH / SAMPLE_RATE
SHORTEST_SECONDS = 0.5
_FRAMES_AT_ONCE = 8192


def to_model_rate(samples: np.ndarray, sample_rate: int) -> np.ndarray:
    """A mono signal float32 [n] at any rate -> float32 at 16 kHz.

    Raises BadAudioError if it is not a one-dimensional float signal of at least half a second with finite samples.
    """
    if samples.ndim != 1 or not np.issubdtype(samples.dtype, np.floating):
        raise BadAudioError(f"Music must be a mono float signal [n]; this is {samples.dtype} {list(samples.shape)}.")
    if sample_rate < 1_000:
        raise BadAudioError(f"A sample rate of {sample_rate} Hz is too low for music.")
    if samples.size < SHORTEST_SECONDS * sample_rate:
        seconds = samples.size / sample_rate
        raise BadAudioError(f"The music lasts {seconds:.2f} s; at least {SHORTEST_SECONDS} s are needed.")
    if not np.isfinite(samples).all():
        raise BadAudioError("The music holds samples that are not finite numbers.")
    if sample_rate == SAMPLE_RATE:
        return samples.astype(np.float32, copy=False)
    divisor = int(np.gcd(SAMPLE_RATE, sample_rate))
    return np.asarray(resample_poly(samples, SAMPLE_RATE // divisor, sample_rate // divisor), dtype=np.float32)


def log_mel(samples: np.ndarray) -> np.ndarray:
    """Log-mel frames float32 [frames, 96] of a signal float32 [n] at 16 kHz; frame k is centred at sample 256 k."""
    half = FFT_LENGTH // 2
    padded = np.pad(samples, half, mode="reflect" if samples.size > half else "constant")
    frames = np.lib.stride_tricks.sliding_window_view(padded, FFT_LENGTH)[::HOP_LENGTH]
    mel = np.empty((len(frames), MEL_COUNT), dtype=np.float32)
    for start in range(0, len(frames), _FRAMES_AT_ONCE):
        part = slice(start, start + _FRAMES_AT_ONCE)
        spectrum = np.fft.rfft(frames[part] * _hann(), axis=1)
        power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32)
        mel[part] = power @ mel_filters().T
    return np.asarray(np.log10(np.float32(1.0) + np.float32(10_000.0) * mel), dtype=np.float32)


def patches(mel: np.ndarray, *, hop_seconds: float) -> tuple[np.ndarray, np.ndarray]:
    """Patches float32 [n, 187, 96] cut from log-mel frames, and the centre of each in seconds float64 [n].

    The first begins at the start, the last ends at the end, and the spacing between is even and at most
    ``hop_seconds``. Sound shorter than a patch is repeated until it fills one.
    """
    if len(mel) < PATCH_FRAMES:
        repeated = np.tile(mel, (-(-PATCH_FRAMES // len(mel)), 1))[:PATCH_FRAMES]
        return repeated[None], np.array([len(mel) * HOP_LENGTH / SAMPLE_RATE / 2])
    span = len(mel) - PATCH_FRAMES
    count = 1 + int(np.ceil(span * HOP_LENGTH / SAMPLE_RATE / hop_seconds))
    starts = np.round(np.linspace(0, span, count)).astype(np.int64)
    cut = np.stack([mel[start : start + PATCH_FRAMES] for start in starts])
    return cut, (starts + PATCH_FRAMES / 2) * HOP_LENGTH / SAMPLE_RATE


@cache
def _hann() -> np.ndarray:
    return np.asarray(0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(FFT_LENGTH) / FFT_LENGTH), dtype=np.float32)


@cache
def mel_filters() -> np.ndarray:
    """Triangular filters float32 [96, 257] on Slaney's mel scale, each of unit area in Hz."""
    edges = _mel_to_hz(np.linspace(0.0, _hz_to_mel(SAMPLE_RATE / 2), MEL_COUNT + 2))
    bins = np.linspace(0.0, SAMPLE_RATE / 2, FFT_LENGTH // 2 + 1)
    rising = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    triangles = np.maximum(0.0, np.minimum(rising, falling))
    return np.asarray(triangles * (2.0 / (edges[2:] - edges[:-2]))[:, None], dtype=np.float32)


def _hz_to_mel(frequency: float) -> float:
    """Slaney's scale: linear to 1 kHz (200/3 Hz a mel), logarithmic above (27 mels for a factor of 6.4)."""
    return (
        3.0 * frequency / 200.0
        if frequency < 1_000.0
        else 15.0 + 27.0 * float(np.log(frequency / 1_000.0) / np.log(6.4))
    )


def _mel_to_hz(mel: np.ndarray) -> np.ndarray:
    return np.where(mel < 15.0, 200.0 * mel / 3.0, 1_000.0 * np.exp((mel - 15.0) * np.log(6.4) / 27.0))
