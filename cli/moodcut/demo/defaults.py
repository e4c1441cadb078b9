"""The film and the song that `make demo` uses when none are given."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from moodcut.demo.film import SceneSpec, write_film
from moodcut.demo.moods import Emotion
from moodcut.demo.song import write_song
from moodcut.demo.truth import FilmTruth, SongTruth, truth_path

_STORY: tuple[Emotion, ...] = ("neutral", "excited", "fear", "relaxation", "tension", "sad", "excited")
# Lengths a shot is drawn from, in seconds, with their chances: too short for a bar, about a bar, about two bars.
_LENGTHS = ((1.1, 1.8, 0.15), (2.25, 2.75, 0.60), (4.4, 4.85, 0.25))


def default_scenes(seed: int, *, story: tuple[Emotion, ...] = _STORY, shots_per_scene: int = 5) -> list[SceneSpec]:
    """Scenes of ``shots_per_scene`` shots, more or less one, for each emotion of ``story``."""
    rng = np.random.default_rng((seed, 3))
    scenes = []
    for emotion in story:
        count = shots_per_scene + int(rng.integers(-1, 2))
        kinds = rng.choice(len(_LENGTHS), size=count, p=[chance for _, _, chance in _LENGTHS])
        lengths = tuple(round(float(rng.uniform(_LENGTHS[kind][0], _LENGTHS[kind][1])), 2) for kind in kinds)
        scenes.append(SceneSpec(emotion=emotion, shot_seconds=lengths))
    return scenes


def write_demo(directory: Path, *, seed: int = 7) -> tuple[Path, Path]:
    """Write film.mp4 and song.wav with their truths into ``directory``, made if need be; return their paths.

    What was written before with the same seed is kept: the truth is written last, so a file that has one is whole.
    """
    directory.mkdir(parents=True, exist_ok=True)
    film, song = directory / "film.mp4", directory / "song.wav"
    if not (truth_path(film).exists() and film.exists() and FilmTruth.read(truth_path(film)).seed == seed):
        write_film(film, scenes=default_scenes(seed), seed=seed)
    if not (truth_path(song).exists() and song.exists() and SongTruth.read(truth_path(song)).seed == seed):
        write_song(song, bpm=112, meter=4, bars=18, mood="excited", seed=seed)
    return film, song
