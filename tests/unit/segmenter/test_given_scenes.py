"""Scenes whose beginnings are given."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moodcut_kit.time import FrameTimes
from moodcut_segmenter.detectors import Detector
from moodcut_segmenter.errors import BadOptionsError, NoChaptersError
from moodcut_segmenter.given_scenes import scenes_at
from moodcut_segmenter.movie import MovieOptions, scene_finder
from moodcut_segmenter.scene_finding import SceneSource
from moodcut_segmenter.shots import ShotSpan, find_shots

_TIMES = FrameTimes.from_runs(time_base=Fraction(1, 25), first_pts=-3, runs=[(1, 250)])


def _shots(*cuts: int) -> list[ShotSpan]:
    single = np.zeros(250, np.float32)
    single[[cut - 1 for cut in cuts]] = 0.9
    return find_shots(single, single)


def _at(*seconds: float) -> list[Fraction]:
    return [Fraction(str(each)) for each in seconds]


def test_scenes_begin_at_the_nearest_cut() -> None:
    shots = _shots(50, 100, 150, 200)
    assert scenes_at(_at(0, 4.1, 7.8), shots, _TIMES) == ([(0, 2), (2, 4), (4, 5)], [])
    # The film's beginning need not be said, and may be said inexactly.
    assert scenes_at(_at(4), shots, _TIMES) == ([(0, 2), (2, 5)], [])
    assert scenes_at(_at(0.3, 4), shots, _TIMES) == ([(0, 2), (2, 5)], [])


def test_beginnings_far_from_cuts_are_moved_with_a_warning() -> None:
    scenes, warnings = scenes_at(_at(2.48, 5.0), _shots(50, 100), _TIMES)
    assert scenes == [(0, 1), (1, 2), (2, 3)]
    assert warnings == ["beginnings of scenes far from any cut were moved to the nearest: 5.000 s to 4.000 s"]
    _, warnings = scenes_at(_at(5, 6, 7, 8, 9), _shots(50, 100), _TIMES)
    assert "5.000 s to 4.000 s, 6.000 s to 4.000 s, 7.000 s to 4.000 s and 2 more" in warnings[0]
    assert warnings[1].endswith("were left out: 6.000 s, 7.000 s, 8.000 s and 1 more")


def test_two_at_one_cut_are_one_scene() -> None:
    scenes, warnings = scenes_at(_at(2.0, 2.2), _shots(50, 100), _TIMES)
    assert scenes == [(0, 1), (1, 3)]
    assert warnings == ["beginnings of scenes at a cut where another scene begins were left out: 2.200 s"]


@pytest.mark.parametrize(
    ("seconds", "words"), [((4, 3), "one after the other"), ((10,), "outside"), ((-1,), "outside")]
)
def test_impossible_times_are_refused(seconds: tuple[float, ...], words: str) -> None:
    with pytest.raises(BadOptionsError, match=words):
        scenes_at(_at(*seconds), _shots(50), _TIMES)


@settings(deadline=None)
@given(st.sets(st.integers(1, 249), max_size=20), st.lists(st.integers(0, 999), unique=True, max_size=30).map(sorted))
def test_given_scenes_tile_the_shots(cuts: set[int], hundredths: list[int]) -> None:
    shots = _shots(*sorted(cuts))
    scenes, _ = scenes_at([Fraction(each, 100) for each in hundredths], shots, _TIMES)
    assert [start for start, _ in scenes] == [0, *(end for _, end in scenes[:-1])]
    assert scenes[-1][1] == len(shots)
    assert len(scenes) <= len(hundredths) + 1


def test_options_that_contradict_one_another_are_refused() -> None:
    starts = (Fraction(1),)
    with pytest.raises(BadOptionsError, match="need at least one"):
        MovieOptions(scene_source=SceneSource.GIVEN)
    with pytest.raises(BadOptionsError, match="belong to scenes that are given"):
        MovieOptions(scene_starts_seconds=starts)
    with pytest.raises(BadOptionsError, match="cannot be counted"):
        MovieOptions(scene_source=SceneSource.GIVEN, scene_starts_seconds=starts, scene_count=3)
    with pytest.raises(BadOptionsError, match="cannot be counted"):
        MovieOptions(scene_source=SceneSource.CHAPTERS, scene_count=3)
    with pytest.raises(NoChaptersError, match="has no chapters"):
        scene_finder(MovieOptions(detector=Detector.HASH, scene_source=SceneSource.CHAPTERS))
