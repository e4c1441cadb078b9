"""Probabilities to shots."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from moodcut_segmenter.shots import (
    ShotSpan,
    find_shots,
    find_transitions,
    keyframe_targets,
    without_blank_ends,
)

_PROBABILITIES = hnp.arrays(np.float32, st.integers(1, 120), elements=st.sampled_from([0.0, 0.2, 0.5, 0.6, 1.0]))


def _film(frame_count: int, single: dict[int, float], many: dict[int, float] | None = None) -> list[ShotSpan]:
    one, all_ = np.zeros(frame_count, np.float32), np.zeros(frame_count, np.float32)
    for frame, value in single.items():
        one[frame] = value
    for frame, value in (many or single).items():
        all_[frame] = value
    return find_shots(one, all_)


def test_a_hard_cut_follows_the_marked_frame() -> None:
    assert _film(10, {4: 0.9}) == [ShotSpan(0, 5, 0, 5), ShotSpan(5, 10, 5, 10)]


def test_exactly_one_half_is_no_cut() -> None:
    assert _film(10, {4: 0.5}) == [ShotSpan(0, 10, 0, 10)]


def test_a_dissolve_is_cut_at_its_likeliest_frame_and_left_out_of_both_shots() -> None:
    single = {10: 0.6, 11: 0.9, 12: 0.7}
    many = dict.fromkeys(range(6, 16), 0.8)
    assert _film(30, single, many) == [ShotSpan(0, 12, 0, 6), ShotSpan(12, 30, 16, 30)]


def test_two_marked_frames_are_a_hard_cut() -> None:
    assert _film(10, {4: 0.7, 5: 0.9}) == [ShotSpan(0, 6, 0, 6), ShotSpan(6, 10, 6, 10)]


def test_a_shot_inside_one_long_transition_offers_nothing() -> None:
    single = {10: 0.9, 20: 0.9}
    many = dict.fromkeys(range(5, 26), 0.9)
    shots = _film(40, single, many)
    assert [shot.usable_frame_count for shot in shots] == [5, 0, 14]
    assert shots[1].keyframe_range() == (11, 21)


def test_marks_at_the_ends_of_the_film_make_no_shot() -> None:
    assert _film(10, {0: 0.9, 9: 0.9}) == [ShotSpan(0, 10, 1, 9)]


def test_all_frames_marked_is_one_shot() -> None:
    shots = find_shots(np.ones(5, np.float32), np.ones(5, np.float32))
    assert [(shot.start_frame, shot.end_frame, shot.usable_frame_count) for shot in shots] == [(0, 5, 0)]


def test_lengths_must_agree() -> None:
    with pytest.raises(ValueError, match="equally long"):
        find_transitions(np.zeros(3), np.zeros(4))


@given(data=st.data(), single=_PROBABILITIES)
def test_shots_tile_the_film_and_usable_parts_avoid_transitions(
    data: st.DataObject, single: np.ndarray[tuple[int], np.dtype[np.float32]]
) -> None:
    many = data.draw(hnp.arrays(np.float32, len(single), elements=st.sampled_from([0.0, 0.4, 0.7, 1.0])))
    shots = find_shots(single, many)
    assert shots[0].start_frame == 0
    assert shots[-1].end_frame == len(single)
    assert all(a.end_frame == b.start_frame for a, b in itertools.pairwise(shots))
    for shot in shots:
        assert shot.start_frame < shot.end_frame
        assert shot.start_frame <= shot.usable_start_frame <= shot.usable_end_frame <= shot.end_frame
        for transition in find_transitions(single, many):
            covered = range(transition.start_frame, transition.end_frame)
            assert not any(shot.usable_start_frame <= frame < shot.usable_end_frame for frame in covered)
        assert all(shot.start_frame <= target < shot.end_frame for target in keyframe_targets(shot))


@given(single=_PROBABILITIES)
def test_cuts_are_as_many_as_runs_inside_the_film(single: np.ndarray[tuple[int], np.dtype[np.float32]]) -> None:
    over = np.concatenate(([0], (single > 0.5).astype(int), [0]))
    starts, ends = np.flatnonzero(np.diff(over) == 1), np.flatnonzero(np.diff(over) == -1)
    peaks = [s + int(np.argmax(single[s:e])) for s, e in zip(starts, ends, strict=True)]
    expected = sum(start > 0 and peak + 1 < len(single) for start, peak in zip(starts, peaks, strict=True))
    assert len(find_shots(single, single)) == expected + 1


@pytest.mark.parametrize(
    ("blank", "usable"),
    [
        ([False, False, False, False], (10, 50)),
        ([True, True, False, False], (30, 50)),
        ([False, False, True, True], (10, 21)),
        ([True, False, False, True], (20, 31)),
        ([False, True, False, False], (10, 50)),
        ([True, True, True, True], (10, 50)),
    ],
)
def test_blank_ends_are_left_out(blank: list[bool], usable: tuple[int, int]) -> None:
    span = ShotSpan(8, 52, 10, 50)
    trimmed = without_blank_ends(span, np.array([10, 20, 30, 40]), np.array(blank))
    assert (trimmed.usable_start_frame, trimmed.usable_end_frame) == usable
    assert (trimmed.start_frame, trimmed.end_frame) == (8, 52)


def test_samples_outside_the_usable_part_do_not_count() -> None:
    span = ShotSpan(0, 60, 10, 50)
    assert without_blank_ends(span, np.array([0, 20, 55]), np.array([True, False, True])) == span
    assert without_blank_ends(span, np.array([0, 55]), np.array([True, True])) == span
