"""The sound of generated films: a drone and air in the mood of each scene."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from moodcut.demo.moods import SOUNDS, Emotion
from moodcut.demo.synth import midi_hertz
from moodcut.demo.truth import SceneTruth


def film_sound(
    scenes: Sequence[SceneTruth], seconds: NDArray[np.float64], *, sample_rate: int, seed: int
) -> NDArray[np.float32]:
    """Stereo sound as long as the film: float32 [2, samples], from -1 to 1.

    ``seconds``: float64 [frame_count + 1], when each frame begins and the last ends.
    """
    rng = np.random.default_rng((seed, 1))
    total = round(float(seconds[-1]) * sample_rate)
    sound = np.zeros((2, total), dtype=np.float32)
    for scene in scenes:
        start = round(float(seconds[scene.start_frame]) * sample_rate)
        end = round(float(seconds[scene.end_frame]) * sample_rate)
        emotion: Emotion = scene.emotion  # type: ignore[assignment]
        voice = SOUNDS[emotion]
        t = np.arange(end - start) / sample_rate
        chord = sum(np.sin(2 * np.pi * midi_hertz(voice.key - 12 + note) * t) for note in voice.chords[0])
        swell = 0.6 + 0.4 * np.sin(2 * np.pi * (0.1 + 0.4 * voice.density) * t)
        air = np.convolve(rng.standard_normal(len(t)), np.ones(24) / 24, mode="same")
        edge = np.clip(np.minimum(t, t[::-1]) / 0.05, 0, 1)
        mono = (0.06 * chord * swell + 0.25 * air * (0.3 + voice.brightness)) * voice.loudness * edge
        sound[0, start:end] = mono
        sound[1, start:end] = np.roll(mono, sample_rate // 200)
    return np.clip(sound, -1, 1)
