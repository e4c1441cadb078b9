"""What is known of each shot when scenes are sought: its picture, its sound and how long it lasts. Pure.

Columns of a shot's features: 410 of the picture (:mod:`picture_features`), then 48 of the sound
(:mod:`sound_features`), each the mean over the shot. A film without sound has the first 410 only.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from moodcut_kit.time import FrameTimes
from moodcut_segmenter.picture_features import COLOUR_COUNT, FEATURE_COUNT, LAYOUT_COUNT
from moodcut_segmenter.scenes import FeatureBlock
from moodcut_segmenter.shots import ShotSpan
from moodcut_segmenter.sound_features import BAND_COUNT, SOUND_COUNT, WINDOW_SECONDS

_PICTURE_BLOCKS = (
    FeatureBlock(0, COLOUR_COUNT, 2.0),
    FeatureBlock(COLOUR_COUNT, COLOUR_COUNT + LAYOUT_COUNT, 1.0),
    FeatureBlock(COLOUR_COUNT + LAYOUT_COUNT, FEATURE_COUNT, 1.0),
)
_SOUND_BLOCKS = (
    FeatureBlock(FEATURE_COUNT, FEATURE_COUNT + BAND_COUNT, 1.0),
    FeatureBlock(FEATURE_COUNT + BAND_COUNT, FEATURE_COUNT + SOUND_COUNT, 1.0),
)


def shot_features(
    samples_of: Sequence[NDArray[np.int64]],
    picture: NDArray[np.floating],
    windows_of: Sequence[NDArray[np.int64]],
    sound: NDArray[np.floating],
) -> NDArray[np.float32]:
    """Features of all shots: float32 [shots, 458], or [shots, 410] without sound.

    ``picture``: [samples, 410] and ``sound``: [windows, 48] or [0, 48]; ``samples_of`` and ``windows_of`` say which
    rows belong to each shot.
    """
    seen = np.stack([picture[rows].astype(np.float32).mean(axis=0) for rows in samples_of])
    if not len(sound):
        return seen.astype(np.float32)
    heard = np.stack([sound[rows].astype(np.float32).mean(axis=0) for rows in windows_of])
    return np.concatenate((seen, heard), axis=1).astype(np.float32)


def feature_blocks(column_count: int) -> tuple[FeatureBlock, ...]:
    """How shots with so many columns of features are compared."""
    return _PICTURE_BLOCKS + (_SOUND_BLOCKS if column_count > FEATURE_COUNT else ())


def durations_seconds(spans: Sequence[ShotSpan], times: FrameTimes) -> NDArray[np.float64]:
    """How long each shot lasts."""
    return np.array(
        [float(times.start_seconds(each.end_frame) - times.start_seconds(each.start_frame)) for each in spans]
    )


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
