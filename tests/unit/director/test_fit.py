"""The measures of how well film and music fit, and the ranking."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moodcut_director.fit import mean_posterior, mean_similarity, ranked, scene_matches, set_fit, usable_seconds
from moodcut_director.problem import UsableShot
from moodcut_kit.errors import InvalidArgumentError
from moodcut_kit.time import FrameTimes
from moodcut_kit.v1 import media_pb2, montage_pb2, solver_pb2

TIMES = FrameTimes(time_base=Fraction(1, 10), boundaries_pts=np.arange(101))


def scores(*values: float) -> dict[str, media_pb2.ShotScore]:
    """Shots s0, s1, ..., each wholly sad or wholly excited in turn."""
    found = {}
    for index, value in enumerate(values):
        emotion = media_pb2.EmotionPosterior(sad=1 - index % 2, excited=index % 2)
        found[f"s{index}"] = media_pb2.ShotScore(shot_id=f"s{index}", score=value, emotion=emotion)
    return found


def shots(*ranges: tuple[int, int]) -> list[UsableShot]:
    return [
        UsableShot(shot_id=f"s{index}", scene_id=f"e{index // 2}", start_frame=start, end_frame=end)
        for index, (start, end) in enumerate(ranges)
    ]


def movie(*ranges: tuple[int, int]) -> media_pb2.MovieAnalysis:
    """Two shots a scene."""
    found = media_pb2.MovieAnalysis()
    for index, (start, end) in enumerate(ranges):
        found.shots.add(shot_id=f"s{index}", scene_id=f"e{index // 2}", start_frame=start, end_frame=end)
    for index in range(0, len(ranges), 2):
        found.scenes.add(scene_id=f"e{index // 2}", first_shot_index=index, end_shot_index=min(index + 2, len(ranges)))
    return found


def test_means_are_weighed() -> None:
    weights = {"s0": Fraction(3), "s1": Fraction(1)}
    assert mean_similarity(scores(1.0, 0.0), weights) == pytest.approx(0.75)
    emotion = mean_posterior(scores(1.0, 0.0), weights)
    assert (emotion.sad, emotion.excited, emotion.fear) == (0.75, 0.25, 0.0)


def test_what_cannot_be_used_does_not_count() -> None:
    assert usable_seconds(shots((0, 20), (20, 20)), TIMES) == {"s0": Fraction(2)}


def test_scenes_are_ranked_and_those_alike_keep_the_films_order() -> None:
    ranges = [(0, 10), (10, 20), (20, 40), (40, 40), (40, 50), (50, 60), (60, 70), (70, 80)]
    found = scene_matches(
        movie=movie(*ranges),
        frame_times=TIMES,
        shots=shots(*ranges),
        scores=scores(0.5, 0.5, 0.9, -1.0, 0.5, 0.5, 0.1, 0.3),
        placements=[solver_pb2.Placement(shot_id="s4", scene_id="e2", bar_count=2)],
        scene_count=3,
    )
    assert [scene.scene_id for scene in found] == ["e1", "e0", "e2"]
    # The shot of which nothing can be used leaves the mean alone.
    assert found[0].mean_similarity == pytest.approx(0.9)
    assert [scene.unit_count for scene in found] == [0, 0, 2]
    assert (found[0].start_seconds.num, found[0].start_seconds.den) == (2, 1)
    assert (found[0].end_seconds.num, found[0].end_seconds.den) == (4, 1)


def test_a_scene_of_which_nothing_can_be_used_is_left_out() -> None:
    ranges = [(0, 0), (0, 0), (0, 10), (10, 20)]
    found = scene_matches(
        movie=movie(*ranges),
        frame_times=TIMES,
        shots=shots(*ranges),
        scores=scores(1.0, 1.0, 0.0, 0.0),
        placements=[],
        scene_count=0,
    )
    assert [scene.scene_id for scene in found] == ["e1"]


def test_the_fit_weighs_shots_by_their_units() -> None:
    match = montage_pb2.MusicMatch()
    placements = [
        solver_pb2.Placement(shot_id="s0", scene_id="e0", bar_count=3),
        solver_pb2.Placement(shot_id="s1", scene_id="e0", bar_count=1),
    ]
    set_fit(match, placements=placements, scores=scores(0.8, 0.4), relaxations=["beats in place of bars"])
    assert match.fit == pytest.approx(0.7)
    assert match.unit_count == 4
    assert match.selection_emotion.sad == pytest.approx(0.75)
    assert list(match.relaxations) == ["beats in place of bars"]


def pair(name: str, fit: float, mean: float = 0.0, *, failed: bool = False) -> montage_pb2.MusicMatch:
    match = montage_pb2.MusicMatch(fit=fit, mean_similarity=mean, music=montage_pb2.MediaRef(name=name))
    if failed:
        match.error.message = str(InvalidArgumentError("no sound"))
    return match


def test_ranking_by_fit_then_mean_then_request_and_errors_last() -> None:
    given_pairs = [
        pair("bad", 0.0, 0.9, failed=True),
        pair("worst", -0.5),
        pair("first of equals", 0.3, 0.1),
        pair("second of equals", 0.3, 0.1),
        pair("better mean", 0.3, 0.2),
        pair("best", 0.6),
    ]
    names = [match.music.name for match in ranked(given_pairs)]
    assert names == ["best", "better mean", "first of equals", "second of equals", "worst", "bad"]


@given(st.lists(st.tuples(st.sampled_from([0.0, 0.1, 0.2]), st.sampled_from([0.0, 0.1]), st.booleans()), max_size=12))
def test_ranking_is_stable_and_loses_nothing(values: list[tuple[float, float, bool]]) -> None:
    pairs = [pair(str(index), fit, mean, failed=bad) for index, (fit, mean, bad) in enumerate(values)]
    found = ranked(pairs)
    assert sorted(int(match.music.name) for match in found) == list(range(len(values)))
    for before, after in pairwise(found):
        keys = [(match.HasField("error"), -match.fit, -match.mean_similarity) for match in (before, after)]
        assert keys[0] < keys[1] or (keys[0] == keys[1] and int(before.music.name) < int(after.music.name))
