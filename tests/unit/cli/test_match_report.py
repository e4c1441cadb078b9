"""Ranked pairs of films and songs, as JSON and in words."""

from __future__ import annotations

import json

import pytest

from moodcut.match_report import match_json, match_lines
from moodcut_kit.v1 import media_pb2, montage_pb2

NAMES = {"f": "film.mp4", "s": "sad song.mp3", "n": "notes.txt"}


def measured() -> montage_pb2.MusicMatch:
    match = montage_pb2.MusicMatch(
        movie=montage_pb2.MediaRef(sha256="f"),
        music=montage_pb2.MediaRef(sha256="s"),
        fit=0.5,
        mean_similarity=-0.25,
        music_emotion=media_pb2.EmotionPosterior(sad=0.75, fear=0.25),
        movie_emotion=media_pb2.EmotionPosterior(excited=0.5, sad=0.5),
        selection_emotion=media_pb2.EmotionPosterior(sad=1.0),
        unit_count=4,
        relaxations=["beats in place of bars"],
    )
    match.scenes.add(
        scene_id="scene-002",
        start_seconds=media_pb2.Rational(num=1501, den=24),
        end_seconds=media_pb2.Rational(num=125, den=1),
        mean_similarity=0.4,
        emotion=media_pb2.EmotionPosterior(sad=1.0),
        unit_count=4,
    )
    match.scenes.add(
        scene_id="scene-001",
        start_seconds=media_pb2.Rational(num=0, den=1),
        end_seconds=media_pb2.Rational(num=1501, den=24),
        mean_similarity=-0.9,
    )
    return match


def failed() -> montage_pb2.MusicMatch:
    error = montage_pb2.MontageError(
        code="INVALID_ARGUMENT", reason="MEDIA_FORMAT_UNKNOWN", message="it is a text file"
    )
    return montage_pb2.MusicMatch(
        movie=montage_pb2.MediaRef(sha256="f"), music=montage_pb2.MediaRef(sha256="n"), error=error
    )


def test_a_pair_as_json() -> None:
    found = json.loads(json.dumps(match_json(measured(), NAMES)))
    assert (found["movie"], found["music"]) == ("film.mp4", "sad song.mp3")
    assert (found["fit"], found["mean_similarity"], found["unit_count"], found["error"]) == (0.5, -0.25, 4, None)
    assert found["music_emotion"]["sad"] == 0.75
    assert [scene["scene_id"] for scene in found["scenes"]] == ["scene-002", "scene-001"]
    assert found["scenes"][0]["start_seconds"] == pytest.approx(1501 / 24)


def test_what_was_not_measured_is_null() -> None:
    found = match_json(failed(), NAMES)
    assert found["error"] == {"reason": "MEDIA_FORMAT_UNKNOWN", "message": "it is a text file"}
    assert {found[name] for name in ("fit", "mean_similarity", "music_emotion", "unit_count")} == {None}


def test_a_film_without_a_selection_is_still_told() -> None:
    match = measured()
    match.error.message = "nothing fits"
    found = match_json(match, NAMES)
    assert found["fit"] is None
    assert found["mean_similarity"] == -0.25
    assert len(found["scenes"]) == 2  # type: ignore[arg-type]


def test_the_ranking_in_words() -> None:
    lines = list(match_lines([measured(), failed()], NAMES, for_song=False))
    assert lines == [
        "  1  fit +0.500  sad song.mp3",
        "     music sad 75%, fear 25%; film excited 50%, sad 50%; montage sad 100%, excited 0%",
        "       +0.400  scene-002  1:03-2:05  sad 100%, excited 0%; 4 units of the montage",
        "       -0.900  scene-001  0:00-1:03  excited 0%, fear 0%",
        "     relaxed: beats in place of bars",
        "  -             notes.txt: it is a text file",
    ]
    assert next(match_lines([measured()], NAMES, for_song=True)) == "  1  fit +0.500  film.mp4"
