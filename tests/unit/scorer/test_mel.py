"""The music front end against librosa's, and its patches."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moodcut_scorer.errors import BadAudioError
from moodcut_scorer.mel import HOP_LENGTH, PATCH_FRAMES, SAMPLE_RATE, log_mel, mel_filters, patches, to_model_rate


def test_agrees_with_librosa() -> None:
    librosa = pytest.importorskip("librosa", reason="librosa is not installed: pip install moodcut[segmenter]")
    noise = np.random.default_rng(1).normal(0, 0.3, SAMPLE_RATE * 4).astype(np.float32)
    power = librosa.feature.melspectrogram(
        y=noise, sr=SAMPLE_RATE, hop_length=HOP_LENGTH, n_fft=512, n_mels=96, pad_mode="reflect"
    )
    ours = log_mel(noise)
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, np.log10(1 + 10_000 * power.T), atol=2e-4)
    np.testing.assert_allclose(mel_filters(), librosa.filters.mel(sr=SAMPLE_RATE, n_fft=512, n_mels=96), atol=1e-7)


def test_loud_sound_stays_finite() -> None:
    """Half precision overflows here; the front end must not."""
    loud = np.ones(SAMPLE_RATE, dtype=np.float32) * 8
    assert np.isfinite(log_mel(loud)).all()
    assert log_mel(loud).max() > 5.0


@settings(max_examples=50, deadline=None)
@given(frames=st.integers(1, 3000), hop=st.sampled_from([0.5, 1.5, 3.0]))
def test_patches_cover_the_sound(frames: int, hop: float) -> None:
    mel = np.arange(frames, dtype=np.float32)[:, None].repeat(96, axis=1)
    cut, centres = patches(mel, hop_seconds=hop)
    assert cut.shape[1:] == (PATCH_FRAMES, 96)
    assert len(cut) == len(centres)
    assert cut[0, 0, 0] == 0
    if frames >= PATCH_FRAMES:
        assert cut[-1, -1, 0] == frames - 1
        assert (np.diff(centres) > 0).all()
        assert np.diff(centres).max(initial=0.0) <= hop + HOP_LENGTH / SAMPLE_RATE


def test_resampling_keeps_the_pitch() -> None:
    time = np.arange(44_100) / 44_100
    tone = to_model_rate(np.sin(2 * np.pi * 1000 * time).astype(np.float32), 44_100)
    assert tone.dtype == np.float32
    assert len(tone) == SAMPLE_RATE
    assert np.argmax(np.abs(np.fft.rfft(tone))) == 1000


@pytest.mark.parametrize(
    ("samples", "rate", "words"),
    [
        (np.zeros((2, 16_000), np.float32), 16_000, "mono"),
        (np.zeros(16_000, np.int16), 16_000, "mono"),
        (np.zeros(4_000, np.float32), 16_000, "lasts 0.25 s"),
        (np.full(16_000, np.nan, np.float32), 16_000, "finite"),
        (np.zeros(16_000, np.float32), 10, "too low"),
    ],
)
def test_bad_sound(samples: np.ndarray, rate: int, words: str) -> None:
    with pytest.raises(BadAudioError, match=words):
        to_model_rate(samples, rate)
