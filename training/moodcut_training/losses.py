"""The paper's losses (method, section 2) as pure functions of tensors.

A batch is one item of each emotion in every modality; row i of every tensor belongs to emotion i.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

Contrast = Literal["pairs", "softmax"]


def similarity(a: Tensor, b: Tensor) -> Tensor:
    """Cosines [n, m] of rows a [n, d] and b [m, d] (Eq. 3)."""
    return functional.normalize(a, dim=1) @ functional.normalize(b, dim=1).T


def pair_loss(cosines: Tensor, scale: Tensor, bias: Tensor) -> Tensor:
    """Contrastive loss of one 6 x 6 matrix (Eq. 2): binary cross-entropy of scale * S + bias.

    The diagonal holds the positives. Three terms: the mean over the diagonal against 1; over the anchors, the mean of
    each column's other entries against 0; and the same of each row's. Returns a scalar.
    """
    logits = scale * cosines + bias
    count = len(logits)
    positive = functional.softplus(-logits.diagonal()).mean()
    against = functional.softplus(logits) * (1 - torch.eye(count, dtype=logits.dtype, device=logits.device))
    by_column = (against.sum(dim=0) / (count - 1)).mean()
    by_row = (against.sum(dim=1) / (count - 1)).mean()
    return positive + by_column + by_row


def softmax_loss(cosines: Tensor, scale: Tensor) -> Tensor:
    """CLIP's loss: cross-entropy of scale * S over rows and over columns, averaged. Returns a scalar."""
    logits = scale * cosines
    target = torch.arange(len(logits), device=logits.device)
    return (functional.cross_entropy(logits, target) + functional.cross_entropy(logits.T, target)) / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Embeddings of a batch [6, d] and the class logits [6, 6] made from them."""

    image: Tensor
    music: Tensor
    text: Tensor
    image_logits: Tensor
    music_logits: Tensor


def total_loss(
    batch: Batch, *, scale: Tensor, bias: Tensor, alpha: float, contrast: Contrast, with_text: bool
) -> Tensor:
    """L_image,music + L_text,music + L_text,image + alpha (CE(F^i) + CE(F^m)) (Eq. 4 and 5).

    Without text the two terms with it are left out, and the label itself is the classes' target.
    """
    pairs = [(batch.image, batch.music)]
    if with_text:
        pairs += [(batch.text, batch.music), (batch.text, batch.image)]
    target = torch.arange(len(batch.image), device=batch.image.device)
    classes = functional.cross_entropy(batch.image_logits, target) + functional.cross_entropy(
        batch.music_logits, target
    )
    total = alpha * classes
    for a, b in pairs:
        cosines = similarity(a, b)
        total = total + (pair_loss(cosines, scale, bias) if contrast == "pairs" else softmax_loss(cosines, scale))
    return total
