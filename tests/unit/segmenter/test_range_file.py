"""Plans and ranges as bytes."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from moodcut_kit.media.frameindex import FrameIndex
from moodcut_kit.time import FrameTimes
from moodcut_segmenter.detectors import TransitionProbabilities
from moodcut_segmenter.errors import BadPlanError
from moodcut_segmenter.film_pass import RangeResult
from moodcut_segmenter.letterbox import PictureArea
from moodcut_segmenter.movie import Unusable, merge_ranges
from moodcut_segmenter.picture_defects import Defect
from moodcut_segmenter.picture_features import FEATURE_COUNT
from moodcut_segmenter.range_file import Plan, plan_bytes, range_pieces, read_plan, read_range
from moodcut_segmenter.samples import FilmShape
from moodcut_segmenter.sound_features import SOUND_COUNT

_AREA = PictureArea(left=0, top=40, width=640, height=280)
_SHAPE = FilmShape(width=640, height=360, rotation_degrees=90, measured=_AREA)


def _index(frame_count: int) -> FrameIndex:
    times = FrameTimes.from_runs(time_base=Fraction(1, 90000), first_pts=-77, runs=[(3003, frame_count - 1), (6006, 1)])
    return FrameIndex(times, np.array([0, 12, 24], dtype=np.int64))


def _range(start: int, end: int, *, cut: int | None = None, sound: bool = False) -> RangeResult:
    rng = np.random.default_rng(start)
    single = np.zeros(end - start, np.float32)
    if cut is not None:
        single[cut - 1 - start] = 0.9
    samples = np.arange(-(-start // 6) * 6, end, 6, dtype=np.int64)
    return RangeResult(
        start_frame=start,
        end_frame=end,
        probabilities=TransitionProbabilities(single, single),
        sample_frames=samples,
        features=rng.random((len(samples), FEATURE_COUNT)).astype(np.float16),
        defects=np.zeros(len(samples), np.uint8),
        row_peaks=np.array([0, 0, 0, *[100 + start] * 30, 0, 0], np.uint8),
        column_peaks=np.full(64, 90, np.uint8),
        sound=np.ones((3, SOUND_COUNT), np.float16) if start == 0 and sound else np.zeros((0, SOUND_COUNT), np.float16),
        jpegs={6: b"six", 12: b"twelve"} if start == 0 else {},
        missing_count=1,
    )


def test_a_plan_comes_back_as_it_was() -> None:
    plan = Plan(_index(100), _SHAPE, ((0, 50), (50, 100)), (Fraction(0), Fraction(7, 3)))
    back = read_plan(plan_bytes(plan))
    assert np.array_equal(back.index.times.boundaries_pts, plan.index.times.boundaries_pts)
    assert back.index.times.time_base == plan.index.times.time_base
    assert np.array_equal(back.index.keyframes, plan.index.keyframes)
    assert (back.shape, back.ranges, back.chapters_seconds) == (plan.shape, plan.ranges, plan.chapters_seconds)


def test_a_range_comes_back_as_it_was() -> None:
    result = _range(0, 50, cut=20, sound=True)
    data = b"".join(range_pieces(result))
    back = read_range(lambda offset, count: data[offset : offset + count])
    assert np.array_equal(back.result.probabilities.single, result.probabilities.single)
    assert np.array_equal(back.result.features, result.features)
    assert np.array_equal(back.result.sound, result.sound)
    assert (back.result.start_frame, back.result.end_frame, back.result.missing_count) == (0, 50, 1)
    assert {frame: data[at : at + count] for frame, (at, count) in back.jpegs.items()} == result.jpegs


@pytest.mark.parametrize("data", [b"", b"MCRANGE3", b"x" * 200, b"MCRANGE3" + (50).to_bytes(8, "little") + b"y" * 50])
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(BadPlanError):
        read_range(lambda offset, count: data[offset : offset + count])
    with pytest.raises(BadPlanError):
        read_plan(data)


def test_merged_ranges_are_one_film() -> None:
    result = merge_ranges([_range(0, 50, cut=20), _range(50, 100, cut=70)], _index(100), _SHAPE)
    assert [shot.span.start_frame for shot in result.shots] == [0, 20, 70]
    assert result.scenes[0][0] == 0
    assert result.scenes[-1][1] == 3
    assert result.warnings == ("2 of 100 frames could not be decoded; a neighbour stands for each",)
    assert {shot for shot, _ in result.keyframes} == {0, 1, 2}


def test_a_shot_between_two_samples_is_not_judged_by_its_neighbours_picture() -> None:
    whole = _range(0, 100)
    single = np.zeros(100, np.float32)
    single[[60, 64]] = 0.9  # Cuts before frames 61 and 65: no sample lies between.
    defects = np.full(len(whole.sample_frames), Defect.BLANK, np.uint8)
    black = replace(whole, probabilities=TransitionProbabilities(single, single), defects=defects)
    result = merge_ranges([black], _index(100), _SHAPE)
    assert [(shot.span.start_frame, shot.unusable) for shot in result.shots] == [
        (0, Unusable.BLACK),
        (61, None),
        (65, Unusable.BLACK),
    ]


def test_ranges_that_do_not_tile_are_refused() -> None:
    first, second = _range(0, 50), _range(50, 100)
    for ranges in ([first], [second, first], [first, first, second], [], [first, replace(second, end_frame=90)]):
        with pytest.raises(BadPlanError, match="do not tile"):
            merge_ranges(ranges, _index(100), _SHAPE)


def test_sound_that_is_not_the_whole_films_is_refused() -> None:
    with pytest.raises(BadPlanError, match="3 windows of sound, not the film's 7"):
        merge_ranges([_range(0, 50, sound=True), _range(50, 100)], _index(100), _SHAPE)
