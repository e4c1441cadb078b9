"""The six emotions, in the one order used everywhere, and the words that stand for them.

The classes are those of Pandeya et al., a partition of the valence-arousal plane. The first prompt of each is the fixed
one (the target of training and the stand-in for a piece of music); the others teach the text head what else to expect.
"""

from __future__ import annotations

from typing import Final

from moodcut_kit.errors import InvalidArgumentError

EMOTIONS: Final = ("excited", "fear", "neutral", "relaxation", "sad", "tension")

PROMPTS: Final[dict[str, tuple[str, ...]]] = {
    "excited": (
        "an exciting, joyful and energetic scene",
        "people dancing and cheering at a party",
        "happy upbeat music, full of energy",
        "thrilling celebration, bright colours, fast movement",
        "excited",
        "euphoric and triumphant",
    ),
    "fear": (
        "a frightening, scary scene full of fear",
        "a dark corridor where something horrible waits",
        "eerie horror music, creepy and threatening",
        "terror in the night",
        "fear",
        "haunted, menacing and terrifying",
    ),
    "neutral": (
        "a neutral, ordinary scene without strong emotion",
        "someone talks plainly to the camera",
        "plain everyday music, neither happy nor sad",
        "daily life in a street, nothing special happens",
        "neutral",
        "matter-of-fact and unemotional",
    ),
    "relaxation": (
        "a calm, relaxing and peaceful scene",
        "a quiet lake at sunset, gentle waves",
        "soft soothing music for meditation and sleep",
        "nature, serenity and slow breathing",
        "relaxation",
        "tranquil, tender and content",
    ),
    "sad": (
        "a sad, melancholy and lonely scene",
        "a woman crying alone in the rain",
        "slow sorrowful music of grief and loss",
        "a farewell, tears and heartbreak",
        "sad",
        "gloomy, depressed and mournful",
    ),
    "tension": (
        "a tense, angry and aggressive scene",
        "a fight breaks out, shouting and violence",
        "loud harsh music, distorted and furious",
        "nervous suspense before the confrontation",
        "tension",
        "hostile, stressful and restless",
    ),
}


def emotion_index(emotion: str) -> int:
    """Place of an emotion in :data:`EMOTIONS`. Raises InvalidArgumentError naming the six if it is none of them."""
    if emotion not in EMOTIONS:
        raise InvalidArgumentError(f"{emotion!r} is no emotion of this model; choose one of {', '.join(EMOTIONS)}.")
    return EMOTIONS.index(emotion)
