"""Pictures as CLIP's image encoders take them (Radford et al., 2021)."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from moodcut_scorer.errors import BadImageError

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_DEVIATION = (0.26862954, 0.26130258, 0.27577711)


def clip_picture(picture: NDArray[np.uint8], *, size: int) -> Tensor:
    """One picture uint8 [height, width, 3] RGB -> float32 [3, size, size].

    The shorter side is scaled to ``size`` (bicubic), the middle cut out, the channels standardised by CLIP's constants.
    Raises BadImageError for another dtype or layout.
    """
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3 or min(picture.shape) < 1:
        raise BadImageError(
            f"An image must be uint8 [height, width, 3], RGB; this one is {picture.dtype} {list(picture.shape)}."
        )
    height, width = picture.shape[:2]
    scaled = (size * width // min(height, width), size * height // min(height, width))
    image = Image.fromarray(picture).resize(scaled, Image.Resampling.BICUBIC)
    left, top = round((scaled[0] - size) / 2), round((scaled[1] - size) / 2)
    pixels = np.asarray(image.crop((left, top, left + size, top + size)), dtype=np.float32) / 255.0
    standardised = (pixels - np.array(CLIP_MEAN, np.float32)) / np.array(CLIP_DEVIATION, np.float32)
    return torch.from_numpy(np.ascontiguousarray(standardised.transpose(2, 0, 1)))
