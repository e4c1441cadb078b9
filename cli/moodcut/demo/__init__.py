"""Films and songs made by moodcut itself, with scenes, shots, beats and moods of known truth.

They let `make demo` run without any media and give tests an answer to compare with.
"""

from moodcut.demo.defaults import default_scenes, write_demo
from moodcut.demo.film import SceneSpec, write_film
from moodcut.demo.moods import EMOTIONS, Emotion
from moodcut.demo.song import write_song
from moodcut.demo.truth import Dissolve, FilmTruth, SceneTruth, ShotTruth, SongTruth, truth_path

__all__ = [
    "EMOTIONS",
    "Dissolve",
    "Emotion",
    "FilmTruth",
    "SceneSpec",
    "SceneTruth",
    "ShotTruth",
    "SongTruth",
    "default_scenes",
    "truth_path",
    "write_demo",
    "write_film",
    "write_song",
]
