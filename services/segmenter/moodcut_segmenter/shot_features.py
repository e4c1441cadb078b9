"""What is known of each shot when scenes are sought: its picture, its sound and how long it lasts. Pure.

Columns of a shot's features: 410 of the picture (:mod:`picture_features`), then 48 of the sound
(:mod:`sound_features`), each the mean over the shot. A film without sound has the first 410 only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from moodcut_kit.time import FrameTimes
from moodcut_segmenter.picture_features import COLOUR_COUNT, FEATURE_COUNT, LAYOUT_COUNT
from moodcut_segmenter.scenes import FeatureBlock
from moodcut_segmenter.shots import ShotSpan
from moodcut_segmenter.sound_features import BAND_COUNT, SOUND_COUNT, WINDOW_SECONDS

_PICTURE_BLOCKS = (
    FeatureBlock(0, COLOUR_COUNT, 4.0),
    FeatureBlock(COLOUR_COUNT, COLOUR_COUNT + LAYOUT_COUNT, 1.0),
    FeatureBlock(COLOUR_COUNT + LAYOUT_COUNT, FEATURE_COUNT, 1.0),
)
_SOUND_BLOCKS = (
    FeatureBlock(FEATURE_COUNT, FEATURE_COUNT + BAND_COUNT, 2.0),
    FeatureBlock(FEATURE_COUNT + BAND_COUNT, FEATURE_COUNT + SOUND_COUNT, 1.0),
)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ShotTable:
    """The shots of a film. ``features``: float32 [shots, 458], or [shots, 410] in a film without sound;
    ``durations_seconds``: float64 [shots]."""

    spans: Sequence[ShotSpan]
    times: FrameTimes
    features: NDArray[np.float32]
    durations_seconds: NDArray[np.float64]


class JoinedRows:
    """Rows of several arrays one after the other, without a copy of them all: a long film has many samples."""

    def __init__(self, parts: Sequence[NDArray[np.floating]]) -> None:
        self._parts = parts
        self._starts = np.concatenate(([0], np.cumsum([len(part) for part in parts], dtype=np.int64)))

    def __len__(self) -> int:
        return int(self._starts[-1])

    def between(self, start: int, end: int) -> NDArray[np.floating]:
        """Rows ``start`` to ``end``."""
        first = int(np.searchsorted(self._starts, start, side="right")) - 1
        last = int(np.searchsorted(self._starts, end - 1, side="right"))
        return np.concatenate(
            [
                part[max(start - offset, 0) : end - offset]
                for part, offset in zip(self._parts[first:last], self._starts[first:last].tolist(), strict=True)
            ]
        )


def shot_table(
    spans: Sequence[ShotSpan],
    times: FrameTimes,
    *,
    sample_frames: NDArray[np.int64],
    picture: Sequence[NDArray[np.floating]],
    sound: Sequence[NDArray[np.floating]],
) -> ShotTable:
    """Means over the shots. ``sample_frames``: [samples]; ``picture``: [samples, 410], and ``sound``: [windows, 48] or
    [0, 48] without sound, in as many parts as there are."""
    features = _means(JoinedRows(picture), [samples_within(span, sample_frames) for span in spans])
    heard_rows = JoinedRows(sound)
    if len(heard_rows):
        heard = _means(heard_rows, [windows_within(span, times) for span in spans])
        features = np.concatenate((features, heard), axis=1)
    seconds = [float(times.start_seconds(span.end_frame) - times.start_seconds(span.start_frame)) for span in spans]
    return ShotTable(spans=spans, times=times, features=features, durations_seconds=np.array(seconds))


def feature_blocks(column_count: int) -> tuple[FeatureBlock, ...]:
    """How shots with so many columns of features are compared."""
    return _PICTURE_BLOCKS + (_SOUND_BLOCKS if column_count > FEATURE_COUNT else ())


def samples_within(span: ShotSpan, sample_frames: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rows of the samples in what the shot offers, or the one nearest to its middle if there is none."""
    start, end = span.keyframe_range()
    rows = np.arange(np.searchsorted(sample_frames, start), np.searchsorted(sample_frames, end), dtype=np.int64)
    if len(rows):
        return rows
    return np.array([np.argmin(np.abs(sample_frames - (start + end) // 2))], dtype=np.int64)


def windows_within(span: ShotSpan, times: FrameTimes) -> NDArray[np.int64]:
    """Numbers of the half seconds of sound that lie wholly in the shot, or the one in its middle if there is none."""
    start, end = times.start_seconds(span.start_frame), times.start_seconds(span.end_frame)
    rows = np.arange(-(-start // WINDOW_SECONDS), end // WINDOW_SECONDS, dtype=np.int64)
    return rows if len(rows) else np.array([(start + end) / 2 // WINDOW_SECONDS], dtype=np.int64)


def _means(values: JoinedRows, rows: Sequence[NDArray[np.int64]]) -> NDArray[np.float32]:
    """Means over runs of rows."""
    means = [values.between(int(each[0]), int(each[-1]) + 1).astype(np.float32).mean(axis=0) for each in rows]
    return np.stack(means)
