"""How each of the six emotions looks and sounds in generated media.

Pictures follow Valdez and Mehrabian (1994): pleasure rises with brightness and saturation, arousal with saturation
and falls with brightness; motion adds arousal. Music follows common findings: mode and register carry valence, tempo,
loudness and density carry arousal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Emotion: TypeAlias = Literal["excited", "fear", "neutral", "relaxation", "sad", "tension"]

EMOTIONS: tuple[Emotion, ...] = ("excited", "fear", "neutral", "relaxation", "sad", "tension")


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How a scene of one emotion is drawn.

    ``hue`` and ``accent_hue`` are on a circle of 1, ``saturation`` and ``brightness`` from 0 to 1, ``contrast`` is the
    span of brightness around ``brightness``, ``motion`` in picture widths a second, ``shake`` the camera's unrest in
    picture widths.
    """

    hue: float
    hue_spread: float
    accent_hue: float
    saturation: float
    brightness: float
    contrast: float
    motion: float
    shake: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    """How music of one emotion is played.

    ``chords`` are semitones above the key for each bar in turn, ``key`` is a MIDI note, ``brightness`` from 0 (dull)
    to 1 (bright), ``loudness`` a factor, ``drums`` and ``density`` from 0 (soft, sparse) to 1 (hard, busy).
    """

    bpm: float
    key: int
    chords: tuple[tuple[int, ...], ...]
    brightness: float
    loudness: float
    drums: float
    density: float


LOOKS: dict[Emotion, Look] = {
    "excited": Look(
        hue=0.11,
        hue_spread=0.03,
        accent_hue=0.90,
        saturation=0.85,
        brightness=0.72,
        contrast=0.70,
        motion=0.22,
        shake=0.0,
    ),
    "fear": Look(
        hue=0.50,
        hue_spread=0.04,
        accent_hue=0.30,
        saturation=0.30,
        brightness=0.16,
        contrast=0.45,
        motion=0.10,
        shake=0.012,
    ),
    "neutral": Look(
        hue=0.11,
        hue_spread=0.05,
        accent_hue=0.58,
        saturation=0.22,
        brightness=0.52,
        contrast=0.60,
        motion=0.06,
        shake=0.0,
    ),
    "relaxation": Look(
        hue=0.38,
        hue_spread=0.09,
        accent_hue=0.15,
        saturation=0.48,
        brightness=0.70,
        contrast=0.60,
        motion=0.03,
        shake=0.0,
    ),
    "sad": Look(
        hue=0.62,
        hue_spread=0.03,
        accent_hue=0.55,
        saturation=0.22,
        brightness=0.32,
        contrast=0.50,
        motion=0.02,
        shake=0.0,
    ),
    "tension": Look(
        hue=0.99,
        hue_spread=0.03,
        accent_hue=0.06,
        saturation=0.75,
        brightness=0.28,
        contrast=0.55,
        motion=0.16,
        shake=0.008,
    ),
}

_MAJOR, _MINOR, _DIMINISHED = (0, 4, 7), (0, 3, 7), (0, 3, 6)


def _chord(root: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(root + each for each in shape)


SOUNDS: dict[Emotion, Sound] = {
    "excited": Sound(
        bpm=126,
        key=62,
        chords=(_chord(0, _MAJOR), _chord(7, _MAJOR), _chord(9, _MINOR), _chord(5, _MAJOR)),
        brightness=0.9,
        loudness=1.0,
        drums=1.0,
        density=1.0,
    ),
    "fear": Sound(
        bpm=92,
        key=49,
        chords=(_chord(0, _DIMINISHED), _chord(1, _MINOR), _chord(0, _MINOR), _chord(6, _DIMINISHED)),
        brightness=0.25,
        loudness=0.7,
        drums=0.7,
        density=0.3,
    ),
    "neutral": Sound(
        bpm=104,
        key=57,
        chords=(_chord(0, _MAJOR), _chord(5, _MAJOR), _chord(2, _MINOR), _chord(7, _MAJOR)),
        brightness=0.5,
        loudness=0.75,
        drums=0.7,
        density=0.5,
    ),
    "relaxation": Sound(
        bpm=80,
        key=60,
        chords=(_chord(0, _MAJOR), _chord(9, _MINOR), _chord(5, _MAJOR), _chord(7, _MAJOR)),
        brightness=0.35,
        loudness=0.55,
        drums=0.45,
        density=0.3,
    ),
    "sad": Sound(
        bpm=72,
        key=57,
        chords=(_chord(0, _MINOR), _chord(8, _MAJOR), _chord(5, _MINOR), _chord(7, _MINOR)),
        brightness=0.3,
        loudness=0.5,
        drums=0.4,
        density=0.25,
    ),
    "tension": Sound(
        bpm=116,
        key=52,
        chords=(_chord(0, _MINOR), _chord(1, _MAJOR), _chord(0, _MINOR), _chord(8, _MAJOR)),
        brightness=0.7,
        loudness=0.95,
        drums=0.95,
        density=0.8,
    ),
}
