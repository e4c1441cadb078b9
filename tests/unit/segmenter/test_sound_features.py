"""Features of half a second of sound."""

from __future__ import annotations

import numpy as np
import pytest

from moodcut_segmenter.sound_features import BAND_COUNT, SOUND_COUNT, sound_features


def _tone(hertz: float, rate: int, loudness: float = 0.1) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    return (loudness * np.sin(2 * np.pi * hertz * np.arange(rate // 2) / rate)).astype(np.float32)


def test_silence_is_minus_ten_without_variation() -> None:
    found = sound_features(np.zeros(22050, np.float32), 44100)
    assert found.shape == (SOUND_COUNT,)
    assert found.dtype == np.float32
    assert found[:BAND_COUNT] == pytest.approx(-10.0)
    assert found[BAND_COUNT:] == pytest.approx(0.0)


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 48000, 96000])
def test_a_tone_is_heard_in_its_band_at_any_rate(rate: int) -> None:
    low, high = (sound_features(_tone(hertz, rate), rate)[:BAND_COUNT] for hertz in (200, 2000))
    # Bands are about 110 mel wide: 200 Hz is 283 mel, 2000 Hz 1521, the lowest edge 93.
    assert int(low.argmax()) in (0, 1)
    assert int(high.argmax()) in (11, 12)


def test_loudness_moves_all_bands_alike_and_beats_vary() -> None:
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 0.1, 24000).astype(np.float32)
    quiet, loud = sound_features(noise, 48000), sound_features(10 * noise, 48000)
    assert loud[:BAND_COUNT] - quiet[:BAND_COUNT] == pytest.approx(2.0, abs=1e-3)
    assert loud[BAND_COUNT:] == pytest.approx(quiet[BAND_COUNT:], abs=1e-3)
    beat = noise * (np.arange(24000) // 3000 % 2)
    assert float(sound_features(beat, 48000)[BAND_COUNT:].mean()) > 3 * float(quiet[BAND_COUNT:].mean())


def test_bands_above_half_the_rate_are_silent() -> None:
    found = sound_features(_tone(1000, 8000), 8000)
    assert found[BAND_COUNT - 3 : BAND_COUNT] == pytest.approx(-10.0)
    assert np.isfinite(sound_features(_tone(10, 100), 100)).all()
