"""Random changes of a drawn picture or sound that leave its emotion as it is. Pure numpy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

AUGMENTATIONS: Final = ("mirror", "crop", "excerpt")

_SMALLEST_SHARE = 0.6
_EXCERPT_SECONDS = (10.0, 15.0)


def mirror(picture: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Left and right exchanged in half of the cases; uint8 [height, width, 3]."""
    return np.ascontiguousarray(picture[:, ::-1]) if rng.random() < 0.5 else picture


def crop(picture: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """A part of the picture with its aspect, between 60 and 100 % of its area."""
    share = float(np.sqrt(rng.uniform(_SMALLEST_SHARE, 1.0)))
    height, width = (max(1, round(size * share)) for size in picture.shape[:2])
    top = int(rng.integers(picture.shape[0] - height + 1))
    left = int(rng.integers(picture.shape[1] - width + 1))
    return np.ascontiguousarray(picture[top : top + height, left : left + width])


def excerpt(sound: NDArray[np.float32], sample_rate: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """10 to 15 s of a piece float32 [samples], from anywhere in it; shorter pieces stay as they are."""
    length = round(rng.uniform(*_EXCERPT_SECONDS) * sample_rate)
    if length >= len(sound):
        return sound
    start = int(rng.integers(len(sound) - length + 1))
    return sound[start : start + length]


def augment_picture(picture: NDArray[np.uint8], names: Sequence[str], rng: np.random.Generator) -> NDArray[np.uint8]:
    """The picture after those of ``names`` that are for pictures."""
    if "mirror" in names:
        picture = mirror(picture, rng)
    return crop(picture, rng) if "crop" in names else picture


def augment_sound(
    sound: NDArray[np.float32], sample_rate: int, names: Sequence[str], rng: np.random.Generator
) -> NDArray[np.float32]:
    """The sound after those of ``names`` that are for sound."""
    return excerpt(sound, sample_rate, rng) if "excerpt" in names else sound
