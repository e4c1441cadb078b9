"""Which samples and which half seconds belong to a shot."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from moodcut_kit.time import FrameTimes
from moodcut_segmenter.picture_features import FEATURE_COUNT
from moodcut_segmenter.shot_features import (
    durations_seconds,
    feature_blocks,
    samples_within,
    shot_features,
    windows_within,
)
from moodcut_segmenter.shots import find_shots
from moodcut_segmenter.sound_features import SOUND_COUNT

_TIMES = FrameTimes.from_runs(time_base=Fraction(1, 25), first_pts=50, runs=[(1, 100)])


def _probabilities(*cuts: int) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    single = np.zeros(100, np.float32)
    single[[cut - 1 for cut in cuts]] = 0.9
    return single


def test_rows_of_shots() -> None:
    single = _probabilities(30, 34, 60)
    shots = find_shots(single, single)
    assert [list(windows_within(shot, _TIMES)) for shot in shots] == [[0, 1], [2], [3], [5, 6, 7]]
    samples = np.arange(0, 100, 6)
    rows = [list(samples_within(shot, samples)) for shot in shots]
    assert rows[0] == [0, 1, 2, 3, 4]
    assert rows[1] == [5]
    assert list(durations_seconds(shots, _TIMES)) == [1.2, 0.16, 1.04, 1.6]


def test_features_are_means_and_sound_may_be_missing() -> None:
    picture = np.arange(4, dtype=np.float16)[:, None] * np.ones(FEATURE_COUNT, np.float16)
    sound = np.arange(3, dtype=np.float16)[:, None] * np.ones(SOUND_COUNT, np.float16)
    rows, windows = [np.array([0, 1]), np.array([3])], [np.array([0]), np.array([1, 2])]
    found = shot_features(rows, picture, windows, sound)
    assert found.shape == (2, FEATURE_COUNT + SOUND_COUNT)
    assert found[:, 0].tolist() == [0.5, 3.0]
    assert found[:, -1].tolist() == [0.0, 1.5]
    silent = shot_features(rows, picture, windows, sound[:0])
    assert silent.shape == (2, FEATURE_COUNT)
    for features in (found, silent):
        blocks = feature_blocks(features.shape[1])
        assert [block.start for block in blocks] == [0, *(block.end for block in blocks[:-1])]
        assert blocks[-1].end == features.shape[1]
