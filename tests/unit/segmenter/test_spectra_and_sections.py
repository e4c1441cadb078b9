"""Spectra in pieces, and bars grouped into sections."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moodcut_segmenter import spectra as spectra_module
from moodcut_segmenter.bars import BarSpan
from moodcut_segmenter.beat_backends.librosa_grid import downbeat_phase, mean_tempogram
from moodcut_segmenter.sections import find_sections, section_labels
from moodcut_segmenter.spectra import HOP, Spectra, sound_spectra

_RATE = 44100


def _strokes(seconds: float, *, seed: int = 0) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    rng = np.random.default_rng(seed)
    sound = rng.normal(0, 0.003, int(seconds * _RATE))
    decay = np.exp(-np.arange(4000) / 600)
    for at in range(_RATE // 4, len(sound) - 4000, _RATE // 2):
        sound[at : at + 4000] += 0.3 * rng.normal(size=4000) * decay
    return sound.astype(np.float32)


def test_pieces_are_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    sound = _strokes(7.3)
    whole = sound_spectra(sound, sample_rate=_RATE)
    monkeypatch.setattr(spectra_module, "_PIECE_FRAMES", 37)
    pieces = sound_spectra(sound, sample_rate=_RATE)
    assert whole.frame_count == pieces.frame_count == 1 + len(sound) // HOP
    for name in ("onset", "bass_rise", "chroma", "cepstra"):
        np.testing.assert_allclose(getattr(pieces, name), getattr(whole, name), rtol=1e-3, atol=1e-3)


def test_onset_strength_is_librosas_one_frame_earlier() -> None:
    from librosa.onset import onset_strength

    sound = _strokes(5.0)
    expected = onset_strength(y=sound, sr=_RATE, hop_length=HOP, fmax=_RATE / 2)
    np.testing.assert_allclose(sound_spectra(sound, sample_rate=_RATE).onset[2:-1], expected[3:], atol=2e-3)


def test_onsets_lie_on_the_strokes() -> None:
    spectra = sound_spectra(_strokes(5.0), sample_rate=_RATE)
    strokes = np.arange(_RATE // 4, 4 * _RATE, _RATE // 2)
    between = strokes + _RATE // 4
    assert spectra.onset_at(strokes).min() > 3 * spectra.onset_at(between).max()
    assert spectra.onset_between(0, 5 * _RATE) == pytest.approx(float(spectra.onset[: 5 * _RATE // HOP].mean()))


def test_sound_shorter_than_a_window_has_spectra() -> None:
    spectra = sound_spectra(np.zeros(10, np.float32), sample_rate=_RATE)
    assert spectra.frame_count == 1
    assert spectra.onset_at(np.array([0, 9])).tolist() == [0.0, 0.0]


def test_the_tempogram_in_pieces_is_that_of_the_whole() -> None:
    from librosa.feature import tempogram

    envelope = np.random.default_rng(0).exponential(size=5000).astype(np.float32)
    whole = tempogram(onset_envelope=envelope, win_length=8 * _RATE // HOP).mean(axis=1, keepdims=True)
    np.testing.assert_allclose(mean_tempogram(envelope), whole, atol=1e-5)


@given(meter=st.sampled_from([2, 3, 4, 5, 7]), phase=st.integers(0, 6), seed=st.integers(0, 1000))
def test_the_meter_and_the_first_downbeat_are_found(meter: int, phase: int, seed: int) -> None:
    phase %= meter
    scores = np.random.default_rng(seed).normal(0, 0.3, 120)
    scores[phase::meter] += 2.0
    scores = (scores - scores.mean()) / scores.std()
    assert downbeat_phase(scores, (2, 3, 4, 5, 7)) == (meter, phase)


def _bars(kinds: list[int], seed: int = 0) -> tuple[list[BarSpan], Spectra]:
    """Bars of two seconds, each of a kind that has its own harmony and timbre."""
    rng = np.random.default_rng(seed)
    frames = 172
    centres = rng.normal(size=(max(kinds, default=0) + 1, 24))
    chroma, cepstra = [], []
    for kind in kinds:
        chroma.append(np.abs(centres[kind, :12, None]) + rng.uniform(0, 0.1, (12, frames)))
        cepstra.append(centres[kind, 12:, None] + rng.normal(0, 0.2, (12, frames)))
    bars = [BarSpan(index * frames * HOP, (index + 1) * frames * HOP, -20.0) for index in range(len(kinds))]
    zeros = np.zeros(len(kinds) * frames, np.float32)
    return bars, Spectra(
        onset=zeros,
        bass_rise=zeros,
        chroma=np.concatenate(chroma, axis=1).astype(np.float32),
        cepstra=np.concatenate(cepstra, axis=1).astype(np.float32),
    )


def test_verses_share_a_label() -> None:
    bars, spectra = _bars([0] * 8 + [1] * 8 + [0] * 8 + [2] * 8)
    found = find_sections(bars, spectra, sample_rate=_RATE)
    assert [(each.label, each.first_bar, each.end_bar) for each in found] == [
        ("A", 0, 8),
        ("B", 8, 16),
        ("A", 16, 24),
        ("C", 24, 32),
    ]


def test_no_bars_no_sections() -> None:
    bars, spectra = _bars([0])
    assert find_sections([], spectra, sample_rate=_RATE) == []
    assert [each.label for each in find_sections(bars, spectra, sample_rate=_RATE)] == ["A"]


@settings(max_examples=20, deadline=None)
@given(kinds=st.lists(st.integers(0, 3), min_size=1, max_size=24), seed=st.integers(0, 9))
def test_sections_tile_the_bars(kinds: list[int], seed: int) -> None:
    bars, spectra = _bars(kinds, seed)
    found = find_sections(bars, spectra, sample_rate=_RATE)
    assert found[0].first_bar == 0
    assert found[-1].end_bar == len(bars)
    assert all(a.end_bar == b.first_bar for a, b in pairwise(found))
    assert found[0].label == "A"


def test_labels_go_on_after_z() -> None:
    features = np.eye(30) * 100.0
    labels = section_labels(features, [(index, index + 1) for index in range(30)])
    assert labels[:2] == ["A", "B"]
    assert labels[25:28] == ["Z", "AA", "AB"]
