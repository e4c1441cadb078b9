"""Instruments for generated sound: each renders one note or stroke as float32 [samples], about 1 at its peak."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]


def _time(seconds: float, rate: int) -> NDArray[np.float64]:
    return np.arange(round(seconds * rate)) / rate


def midi_hertz(note: float) -> float:
    """Frequency of a MIDI note: 69 is 440 Hz."""
    return float(440.0 * 2 ** ((note - 69) / 12))


def kick(rate: int) -> Samples:
    """A bass drum: a sine that falls from 150 to 48 Hz, with a click at its front."""
    t = _time(0.28, rate)
    phase = 2 * np.pi * (48 * t + (150 - 48) / 28 * (1 - np.exp(-28 * t)))
    body = np.sin(phase) * np.exp(-11 * t)
    return np.asarray(body + 0.35 * np.sin(2 * np.pi * 1800 * t) * np.exp(-350 * t), dtype=np.float32)


def snare(rate: int, rng: np.random.Generator) -> Samples:
    """A snare drum: noise and two tones."""
    t = _time(0.2, rate)
    noise = np.diff(rng.standard_normal(len(t) + 1)) * 0.45
    tone = np.sin(2 * np.pi * 185 * t) * np.exp(-28 * t) + 0.5 * np.sin(2 * np.pi * 330 * t) * np.exp(-40 * t)
    return np.asarray(0.6 * noise * np.exp(-22 * t) + 0.6 * tone, dtype=np.float32)


def hat(rate: int, rng: np.random.Generator, *, open_seconds: float = 0.05) -> Samples:
    """A hi-hat: high noise."""
    t = _time(open_seconds * 3, rate)
    noise = np.diff(rng.standard_normal(len(t) + 3), n=3) * 0.12
    return np.asarray(noise * np.exp(-t / open_seconds), dtype=np.float32)


def crash(rate: int, rng: np.random.Generator) -> Samples:
    """A cymbal: long high noise."""
    return hat(rate, rng, open_seconds=0.45)


def tone(
    note: float,
    seconds: float,
    rate: int,
    *,
    brightness: float,
    attack_seconds: float = 0.005,
    decay_seconds: float = 0.6,
    detune: float = 0.0,
) -> Samples:
    """A note of harmonics. ``brightness`` from 0 to 1 says how strong the upper ones are; it ends in a short fade."""
    t = _time(seconds, rate)
    base = midi_hertz(note + detune)
    wave = np.zeros(len(t))
    for harmonic in range(1, 13):
        if base * harmonic > 0.45 * rate or base * harmonic > 9000:
            break
        weight = (0.25 + 0.6 * brightness) ** (harmonic - 1)
        wave += weight * np.sin(2 * np.pi * base * harmonic * t) * np.exp(-t * (harmonic - 1) * 1.5)
    envelope = np.minimum(t / attack_seconds, 1) * np.exp(-t / decay_seconds)
    fade = np.minimum((seconds - t) / 0.03, 1).clip(0, 1)
    return np.asarray(wave * envelope * fade * 0.6, dtype=np.float32)


def reverb(sound: NDArray[np.float32], rate: int, rng: np.random.Generator, *, share: float) -> NDArray[np.float32]:
    """Sound in a room: float32 [channels, samples] in and out, same length; ``share`` of it is reverberation."""
    length = round(0.9 * rate)
    decay = np.exp(-np.arange(length) / (0.22 * rate))
    size = 1 << (sound.shape[1] + length - 1).bit_length()
    out = np.empty_like(sound)
    for channel, samples in enumerate(sound):
        room = rng.standard_normal(length) * decay
        room[: round(0.012 * rate)] = 0
        room /= np.sqrt(np.sum(room**2))
        wet = np.fft.irfft(np.fft.rfft(samples, size) * np.fft.rfft(room, size), size)[: len(samples)]
        out[channel] = (1 - share) * samples + share * wet
    return out
