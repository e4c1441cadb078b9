"""Batch normalisation in fine-tuning, and batches of music of unequal length."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn


def hold_norms(network: nn.Module) -> None:
    """Let every batch norm use its stored statistics, also in training mode; its gain and bias still learn.

    Six items are too few to estimate statistics from, and with stored ones an embedding does not depend on its company.
    """
    for module in network.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.eval()


def encode_by_length(inputs: Sequence[Tensor], encode: Callable[[Tensor], Tensor]) -> Tensor:
    """Embeddings [n, d] of tensors that differ in their last dimension: equal ones are encoded in one batch."""
    groups: dict[int, list[int]] = {}
    for index, one in enumerate(inputs):
        groups.setdefault(one.shape[-1], []).append(index)
    rows: dict[int, Tensor] = {}
    for members in groups.values():
        rows.update(zip(members, encode(torch.stack([inputs[index] for index in members])), strict=True))
    return torch.stack([rows[index] for index in range(len(inputs))])


def repeated_to_longest(inputs: Sequence[Tensor]) -> list[Tensor]:
    """The same signals, each repeated along the last dimension until it is as long as the longest."""
    longest = max(one.shape[-1] for one in inputs)
    return [one.repeat(*[1] * (one.ndim - 1), -(-longest // one.shape[-1]))[..., :longest] for one in inputs]
