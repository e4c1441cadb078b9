"""From pictures to the image encoder's input."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from moodcut_scorer.errors import BadImageError

INPUT_SIZE = 224


def prepare_image(image: np.ndarray, *, size: int = INPUT_SIZE) -> np.ndarray:
    """One picture uint8 [height, width, 3] RGB -> float32 [3, size, size] in (x - 127) / 128.

    The whole picture is resized (bicubic, antialiased) and its aspect given up, so that nothing at the sides of a wide
    frame is lost. Raises BadImageError for another dtype, layout or an empty picture.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or min(image.shape) < 1:
        raise BadImageError(
            f"An image must be uint8 [height, width, 3] in RGB order; this one is {image.dtype} {list(image.shape)}."
        )
    resized = Image.fromarray(image).resize((size, size), Image.Resampling.BICUBIC)
    pixels = (np.asarray(resized, dtype=np.float32) - 127.0) / 128.0
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))


def prepare_images(images: Sequence[np.ndarray], *, size: int = INPUT_SIZE) -> np.ndarray:
    """Pictures of any sizes -> one batch float32 [n, 3, size, size]; see :func:`prepare_image`."""
    if not images:
        return np.zeros((0, 3, size, size), dtype=np.float32)
    return np.stack([prepare_image(image, size=size) for image in images])
