"""Unit vectors and probabilities. Pure numpy."""

from __future__ import annotations

import numpy as np

_SMALLEST = 1e-12


def unit(vectors: np.ndarray) -> np.ndarray:
    """Rows float32 [..., d] divided by their Euclidean length; a row of zeros stays zero."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(length, _SMALLEST), dtype=np.float32)


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities float32 along the last axis."""
    shifted = np.exp(logits.astype(np.float64) - logits.max(axis=-1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=-1, keepdims=True), dtype=np.float32)
