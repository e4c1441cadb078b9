"""Film to shots, scenes and keyframes; music to beats and bars."""

from moodcut_segmenter.bars import BarGrid, BarSpan, BeatTrack
from moodcut_segmenter.beat_backends import Backend
from moodcut_segmenter.detectors import Detector, ShotDetector
from moodcut_segmenter.film_pass import Decoding
from moodcut_segmenter.given import GivenBeats, GivenTempo
from moodcut_segmenter.madmom_weights import build_madmom_weights
from moodcut_segmenter.movie import AnalyzedMovie, FoundShot, MovieOptions, MovieResult, analyze_movie
from moodcut_segmenter.music import MusicOptions, MusicResult, analyze_music, analyze_sound
from moodcut_segmenter.registry import ModelFile, list_models
from moodcut_segmenter.scene_finding import SceneSource
from moodcut_segmenter.scene_model import SceneModel
from moodcut_segmenter.scenes import SceneOptions, group_scenes
from moodcut_segmenter.sections import Section
from moodcut_segmenter.shots import ShotSpan, Transition, find_shots, find_transitions
from moodcut_segmenter.transnet_build import build_transnet, build_transnet_int8, build_transnet_int8_short

__all__ = [
    "AnalyzedMovie",
    "Backend",
    "BarGrid",
    "BarSpan",
    "BeatTrack",
    "Decoding",
    "Detector",
    "FoundShot",
    "GivenBeats",
    "GivenTempo",
    "ModelFile",
    "MovieOptions",
    "MovieResult",
    "MusicOptions",
    "MusicResult",
    "SceneModel",
    "SceneOptions",
    "SceneSource",
    "Section",
    "ShotDetector",
    "ShotSpan",
    "Transition",
    "analyze_movie",
    "analyze_music",
    "analyze_sound",
    "build_madmom_weights",
    "build_transnet",
    "build_transnet_int8",
    "build_transnet_int8_short",
    "find_shots",
    "find_transitions",
    "group_scenes",
    "list_models",
]
