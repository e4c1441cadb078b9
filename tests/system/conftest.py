"""A film and a song that all system tests share, and the analyses made of them."""

from __future__ import annotations

import pytest
from support.trial import Trial

from moodcut.demo import SceneSpec, write_film, write_song


@pytest.fixture(scope="session")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Trial:
    directory = tmp_path_factory.mktemp("trial")
    film, song = directory / "film.mp4", directory / "song.wav"
    lengths = (2.6, 2.3, 4.6, 2.4)
    scenes = [
        SceneSpec(emotion=emotion, shot_seconds=lengths[turn:] + lengths[:turn])
        for turn, emotion in enumerate(("excited", "sad", "fear", "relaxation"))
    ]
    return Trial(
        film=film,
        song=song,
        film_truth=write_film(film, scenes=scenes, seed=5, size=(320, 180)),
        song_truth=write_song(song, bpm=116, bars=9, mood="excited", seed=5),
        store=directory / "store",
    )
