"""Errors speak of the user's files."""

from __future__ import annotations

from moodcut_director.messages import in_users_words
from moodcut_kit.errors import InvalidArgumentError
from moodcut_kit.v1 import montage_pb2

REQUEST = montage_pb2.CreateMontageRequest(
    movie=montage_pb2.MediaRef(sha256="a" * 64, name="film.mp4"),
    music=montage_pb2.MediaRef(sha256="b" * 64, name="song.mp3"),
)


def test_an_object_of_the_store_is_called_by_the_name_its_user_gave_it() -> None:
    path = f"/srv/objects/p/local/media/{'b' * 64}"
    told = in_users_words(InvalidArgumentError(f"{path} is a text file.", file=path), (REQUEST.movie, REQUEST.music))
    assert told.message == "song.mp3 is a text file."
    assert told.metadata == {"file": "song.mp3"}
    assert (told.code, told.reason, told.retryable) == ("INVALID_ARGUMENT", "INVALID_ARGUMENT", False)


def test_other_errors_stay_as_they_are() -> None:
    for error in (
        InvalidArgumentError("/home/me/song.mp3 is a text file.", file="/home/me/song.mp3"),
        InvalidArgumentError("max_scenes is wrong"),
    ):
        assert in_users_words(error, (REQUEST.movie, REQUEST.music)) is error
