"""Which samples and which half seconds belong to a shot."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from moodcut_kit.time import FrameTimes
from moodcut_segmenter.picture_features import FEATURE_COUNT
from moodcut_segmenter.shot_features import JoinedRows, feature_blocks, samples_within, shot_table, windows_within
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


def test_features_are_means_and_sound_may_be_missing() -> None:
    single = _probabilities(30, 34, 60)
    samples = np.arange(0, 100, 6)
    picture = np.arange(len(samples), dtype=np.float16)[:, None] * np.ones(FEATURE_COUNT, np.float16)
    sound = np.arange(8, dtype=np.float16)[:, None] * np.ones(SOUND_COUNT, np.float16)
    shots = find_shots(single, single)
    found = shot_table(shots, _TIMES, sample_frames=samples, picture=[picture], sound=[sound])
    assert found.features.shape == (4, FEATURE_COUNT + SOUND_COUNT)
    assert found.features[:2, 0].tolist() == [2.0, 5.0]
    assert found.features[:, -1].tolist() == [0.5, 2.0, 3.0, 6.0]
    assert found.durations_seconds.tolist() == [1.2, 0.16, 1.04, 1.6]
    silent = shot_table(shots, _TIMES, sample_frames=samples, picture=[picture], sound=[sound[:0]])
    assert np.array_equal(silent.features, found.features[:, :FEATURE_COUNT])
    for features in (found.features, silent.features):
        blocks = feature_blocks(features.shape[1])
        assert [block.start for block in blocks] == [0, *(block.end for block in blocks[:-1])]
        assert blocks[-1].end == features.shape[1]


@settings(max_examples=100, deadline=None, derandomize=True)
@given(lengths=st.lists(st.integers(0, 5), min_size=1, max_size=6), data=st.data())
def test_joined_rows_are_the_rows_of_all_parts(lengths: list[int], data: st.DataObject) -> None:
    whole = np.arange(2 * sum(lengths), dtype=np.float32).reshape(-1, 2)
    joined = JoinedRows(np.split(whole, np.cumsum(lengths)[:-1]))
    assert len(joined) == len(whole)
    if len(whole):
        start = data.draw(st.integers(0, len(whole) - 1))
        end = data.draw(st.integers(start + 1, len(whole)))
        np.testing.assert_array_equal(joined.between(start, end), whole[start:end])
