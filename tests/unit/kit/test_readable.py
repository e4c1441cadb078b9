"""The contract's analyses as JSON."""

from __future__ import annotations

from moodcut_kit.readable import movie_json, unusable_word
from moodcut_kit.v1 import media_pb2


def test_every_reason_has_a_word() -> None:
    words = {value: unusable_word(value) for value in media_pb2.UnusableReason.values()}
    assert words == {0: None, 1: "black", 2: "only_transition", 3: "credits", 4: "blurred"}


def test_a_film_with_bars() -> None:
    movie = media_pb2.MovieAnalysis(
        frame_times=media_pb2.FrameTimes(
            time_base=media_pb2.Rational(num=1, den=25), runs=[media_pb2.StepRun(step=1, count=50)]
        ),
        frame_rate=media_pb2.Rational(num=25, den=1),
        frame_count=50,
        width=1920,
        height=1080,
        shots=[media_pb2.Shot(shot_id="shot-0001", end_frame=50, unusable_reason=media_pb2.UNUSABLE_REASON_CREDITS)],
        picture_area=media_pb2.PictureArea(left=0, top=132, width=1920, height=816),
    )
    found = movie_json(movie)
    assert found["picture_area"] == {"left": 0, "top": 132, "width": 1920, "height": 816}
    (shot,) = found["shots"]  # type: ignore[misc]
    assert (shot["unusable"], shot["end_seconds"]) == ("credits", 2.0)  # type: ignore[call-overload,index]
