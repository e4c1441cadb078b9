"""Films composed of clips, and what montages of them are judged by."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from clip_analyses import ClipShots
from emotion_trial import (
    Judgement,
    Piece,
    compose,
    downbeats,
    judge,
    mean_judgement,
    montage,
    shot_embeddings,
    summary,
)
from support.fake_services import music

from moodcut_director.options import Selection
from moodcut_kit.v1 import media_pb2
from moodcut_segmenter.picture_features import FEATURE_COUNT

FPS = 25


def clip(*lengths: int, colour: int = 0, unusable: int = 0) -> ClipShots:
    """Shots of so many frames, the first two of each in a transition; the first ``unusable`` ones cannot be used."""
    ends = np.cumsum(lengths)
    starts = ends - np.array(lengths)
    table = np.zeros((len(lengths), FEATURE_COUNT), np.float32)
    table[:, colour] = 1.0
    reasons = [int(media_pb2.UNUSABLE_REASON_BLACK)] * unusable + [0] * (len(lengths) - unusable)
    return ClipShots(
        frames=np.stack([starts, ends, starts + 2, ends], axis=1),
        unusable=np.array(reasons),
        table=table,
        seconds=np.array(lengths) / FPS,
        keyframes=np.eye(len(lengths), 8, dtype=np.float32)[:, (np.arange(8) - colour) % 8],
        shot_of_keyframe=np.arange(len(lengths)),
    )


def test_a_composed_film_has_the_shots_of_its_clips() -> None:
    film = compose([clip(60, 70), clip(80, unusable=1), clip(50, 55)], [4, 1, 4], fps=FPS, known_scenes=True)
    shots = film.movie.shots
    assert [(each.start_frame, each.end_frame) for each in shots] == [
        (0, 60),
        (60, 130),
        (130, 210),
        (210, 260),
        (260, 315),
    ]
    assert [each.usable_start_frame - each.start_frame for each in shots] == [2] * 5
    assert [each.scene_id for each in shots] == ["scene-001"] * 2 + ["scene-002"] + ["scene-003"] * 2
    assert film.emotion_of_shot.tolist() == [4, 4, 1, 4, 4]
    assert film.clip_of_shot.tolist() == [0, 0, 1, 2, 2]
    assert film.frame_times.frame_count == film.movie.frame_count == 315
    # The only shot of emotion 1 cannot be used.
    assert (film.usable_share(4), film.usable_share(1)) == (1.0, 0.0)


def test_scenes_are_found_where_clips_look_alike() -> None:
    film = compose([clip(*[60] * 5, colour=each) for each in (0, 200, 400)], [0, 1, 2], fps=FPS)
    assert [(each.first_shot_index, each.end_shot_index) for each in film.movie.scenes] == [(0, 5), (5, 10), (10, 15)]


class _Heads:
    """Embeds a picture as its features, and a scene as their sum."""

    embed_images = staticmethod(lambda features: features)
    embed_film = staticmethod(lambda features: features.sum(axis=0))


def test_shots_are_embedded_clip_by_clip() -> None:
    found = shot_embeddings([clip(60, 60), clip(60, colour=3)], _Heads())  # type: ignore[arg-type]
    assert found.argmax(axis=1).tolist() == [0, 1, 3]


def test_shots_are_seen_in_the_films_scenes() -> None:
    clips = [clip(60, 60), clip(60, colour=3)]
    film = compose(clips, [0, 1], fps=FPS, known_scenes=True)
    assert film.scene_of_shot.tolist() == [0, 0, 1]
    found = shot_embeddings(clips, _Heads(), film.scene_of_shot)  # type: ignore[arg-type]
    assert found[0, 1] > 0
    assert found[0, 3] == 0
    assert found.argmax(axis=1).tolist() == [0, 1, 3]


def test_the_oracles_montage_carries_the_emotion_and_lies_on_downbeats() -> None:
    film = compose([clip(*[60] * 4) for _ in range(4)], [0, 4, 2, 4], fps=FPS, known_scenes=True)
    song = music("b" * 64)
    pieces = montage(film, song, (film.emotion_of_shot == 4).astype(np.float32), Selection())
    assert pieces is not None
    for before, after in pairwise(pieces):
        assert before.end_seconds == after.start_seconds
        assert before.shot < after.shot
    judgement = judge(pieces, film.emotion_of_shot, 4, downbeats(song))
    assert judgement == Judgement(share=1.0, scene_count=2.0, run_seconds=6.0, on_downbeats=1.0, seconds=12.0)


def test_no_montage_where_nothing_fits() -> None:
    film = compose([clip(5, 5)], [0], fps=FPS, known_scenes=True)
    assert montage(film, music("b" * 64), np.zeros(2, np.float32), Selection()) is None


def test_a_montage_is_judged_by_its_seconds() -> None:
    pieces = [
        Piece(shot=0, scene_id="a", start_seconds=1.0, end_seconds=3.0),
        Piece(shot=1, scene_id="a", start_seconds=3.0, end_seconds=4.0),
        Piece(shot=2, scene_id="b", start_seconds=4.0, end_seconds=5.5),
        Piece(shot=3, scene_id="a", start_seconds=5.5, end_seconds=6.0),
    ]
    judgement = judge(pieces, np.array([4, 1, 4, 1]), 4, [1.0, 3.03, 5.0])
    assert judgement.share == pytest.approx(3.5 / 5)
    assert judgement.scene_count == 2
    assert judgement.run_seconds == pytest.approx(5 / 3)
    assert judgement.on_downbeats == pytest.approx(1 / 3)
    assert math.isnan(judge(pieces[:1], np.array([4]), 4, [1.0]).on_downbeats)


def test_means_leave_out_what_is_not_known() -> None:
    one = Judgement(share=0.2, scene_count=1, run_seconds=2, on_downbeats=float("nan"), seconds=10)
    other = Judgement(share=0.6, scene_count=3, run_seconds=4, on_downbeats=0.5, seconds=20)
    mean = mean_judgement([one, other])
    assert mean == Judgement(share=pytest.approx(0.4), scene_count=2, run_seconds=3, on_downbeats=0.5, seconds=15)
    assert mean_judgement([]) is None
    alone = mean_judgement([one])
    assert alone is not None
    assert math.isnan(alone.on_downbeats)


def test_the_interval_is_that_of_groups() -> None:
    def of(share: float) -> Judgement:
        return Judgement(share=share, scene_count=1, run_seconds=1, on_downbeats=1, seconds=1)

    # One group of four clips alike, one of a single other: all of the spread lies between groups.
    shares = {number: of(1.0 if number < 4 else 0.0) for number in range(5)}
    row = summary(shares, ["a"] * 4 + ["b"])
    assert row["share"] == pytest.approx(0.8)
    assert row["interval"] == (0.0, 1.0)
    assert row["count"] == 5
    assert summary({}, []) == {"count": 0}
