"""Groups the bars of a piece of music into sections, and says which of them sound alike. Pure.

Boundaries come from the same optimal sequential grouping as scenes (:mod:`moodcut_segmenter.scenes`), over the harmony,
timbre and loudness of whole bars. Sections then get a letter each: that of an earlier one if they sound like it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from moodcut_segmenter.bars import BarSpan
from moodcut_segmenter.scenes import FeatureBlock, SceneOptions, group_scenes
from moodcut_segmenter.spectra import HOP, Spectra

Floats = NDArray[np.float64]

_OPTIONS = SceneOptions(price=1.6, usual_seconds=20.0, length_weight=0.25)
_TIMBRE, _HARMONY, _LOUDNESS = 0.5, 0.25, 0.25
_DECIBELS_PER_UNIT = 6.0
_CHORDS_BARS = 4
_ALIKE = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Bars ``first_bar`` up to, without, ``end_bar``. Sections of one ``label`` ("A", "B" ...) sound alike."""

    label: str
    first_bar: int
    end_bar: int


def find_sections(bars: Sequence[BarSpan], spectra: Spectra, *, sample_rate: int) -> list[Section]:
    """Sections that tile ``bars``."""
    if not bars:
        return []
    features = bar_features(bars, spectra)
    seconds = np.array([(bar.end_pts - bar.start_pts) / sample_rate for bar in bars])
    chroma, cepstra = len(spectra.chroma), len(spectra.cepstra)
    blocks = [
        FeatureBlock(0, chroma, _HARMONY),
        FeatureBlock(chroma, chroma + cepstra, _TIMBRE),
        FeatureBlock(chroma + cepstra, features.shape[1], _LOUDNESS),
    ]
    runs = group_scenes(features, seconds, blocks, options=_OPTIONS)
    return [
        Section(label=label, first_bar=start, end_bar=end)
        for (start, end), label in zip(runs, section_labels(features, runs), strict=True)
    ]


def bar_features(bars: Sequence[BarSpan], spectra: Spectra) -> Floats:
    """Float64 [bars, columns]: harmony (with the bars around, so that a run of chords is one), timbre, loudness."""
    chroma, cepstra = [], []
    for bar in bars:
        first = min(bar.start_pts // HOP, spectra.frame_count - 1)
        end = max(first + 1, bar.end_pts // HOP)
        chroma.append(spectra.chroma[:, first:end].mean(axis=1, dtype=np.float64))
        cepstra.append(spectra.cepstra[:, first:end].mean(axis=1, dtype=np.float64))
    loudness = np.array([[bar.loudness_dbfs / _DECIBELS_PER_UNIT] for bar in bars])
    return np.concatenate((_unit(_smoothed(np.array(chroma))), np.array(cepstra), loudness), axis=1)


def section_labels(features: Floats, runs: Sequence[tuple[int, int]]) -> list[str]:
    """A letter for each run of bars.

    Two runs sound alike when the distance of their means is within half of what is usual between bars of different
    runs; a run takes the letter of the nearest earlier one that sounds like it.
    """
    scaled = (features - features.mean(axis=0)) / np.maximum(features.std(axis=0), 1e-9)
    means = np.array([scaled[start:end].mean(axis=0) for start, end in runs])
    usual = float(np.sqrt(2.0 * scaled.shape[1]))
    labels: list[int] = []
    for index, mean in enumerate(means):
        distances = np.linalg.norm(means[:index] - mean, axis=1) / usual
        nearest = int(np.argmin(distances)) if index else 0
        labels.append(labels[nearest] if index and distances[nearest] <= _ALIKE else max(labels, default=-1) + 1)
    return [_letter(label) for label in labels]


def _letter(number: int) -> str:
    """A to Z, then AA, AB and so on."""
    return (_letter(number // 26 - 1) if number >= 26 else "") + chr(ord("A") + number % 26)


def _unit(rows: Floats) -> Floats:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9), dtype=np.float64)


def _smoothed(rows: Floats) -> Floats:
    """Each row's mean with those around it, as many bars as a run of chords usually has."""
    half = _CHORDS_BARS // 2
    return np.array([rows[max(0, index - half) : index + half].mean(axis=0) for index in range(len(rows))])
