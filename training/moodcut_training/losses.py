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


def loss_terms(
    batch: Batch, *, scale: Tensor, bias: Tensor, alpha: float, contrast: Contrast, with_text: bool
) -> dict[str, Tensor]:
    """The terms of L_total by name, scalars, weighted as they enter it (Eq. 5).

    ``image_music``, with text also ``text_music`` and ``text_image`` (Eq. 2); ``classes``, alpha (CE(F^i) + CE(F^m))
    (Eq. 4), if alpha is not 0. The target of row i is class i, which is both the label and its prompt's one-hot.
    """
    pairs = {"image_music": (batch.image, batch.music)}
    if with_text:
        pairs |= {"text_music": (batch.text, batch.music), "text_image": (batch.text, batch.image)}
    terms = {}
    for name, (a, b) in pairs.items():
        cosines = similarity(a, b)
        terms[name] = pair_loss(cosines, scale, bias) if contrast == "pairs" else softmax_loss(cosines, scale)
    if alpha:
        target = torch.arange(len(batch.image), device=batch.image.device)
        image = functional.cross_entropy(batch.image_logits, target)
        terms["classes"] = alpha * (image + functional.cross_entropy(batch.music_logits, target))
    return terms


def total_loss(
    batch: Batch, *, scale: Tensor, bias: Tensor, alpha: float, contrast: Contrast, with_text: bool
) -> Tensor:
    """L_image,music + L_text,music + L_text,image + alpha (CE(F^i) + CE(F^m)) (Eq. 4 and 5).

    Without text the two terms with it are left out, and the label itself is the classes' target.
    """
    terms = loss_terms(batch, scale=scale, bias=bias, alpha=alpha, contrast=contrast, with_text=with_text)
    return torch.stack(list(terms.values())).sum()
