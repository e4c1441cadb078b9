"""CLIP's text transformer (Radford et al., 2021, section 2.4), under the names of the published checkpoint."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True, slots=True, kw_only=True)
class TextShape:
    """Sizes of the network; the defaults are those that CLIP's RN50 has."""

    token_count: int = 49_408
    context_length: int = 77
    width: int = 512
    head_count: int = 8
    layer_count: int = 12


class QuickGelu(nn.Module):  # type: ignore[misc]  # torch may be absent where types are checked
    """x sigmoid(1.702 x), the approximation of GELU that CLIP was trained with."""

    def forward(self, x: Tensor) -> Tensor:
        """Any shape."""
        return x * torch.sigmoid(1.702 * x)


class _Attention(nn.Module):  # type: ignore[misc]
    """Causal self-attention; the three projections are one matrix."""

    def __init__(self, width: int, head_count: int) -> None:
        super().__init__()
        self.in_proj_weight = nn.Parameter(torch.randn(3 * width, width) * width**-0.5)
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * width))
        self.out_proj = nn.Linear(width, width)
        self.head_count = head_count

    def forward(self, x: Tensor) -> Tensor:
        projected = functional.linear(x, self.in_proj_weight, self.in_proj_bias)
        query, key, value = projected.unflatten(2, (3, self.head_count, -1)).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        return self.out_proj(mixed.transpose(1, 2).flatten(2))


class _Block(nn.Module):  # type: ignore[misc]
    def __init__(self, width: int, head_count: int) -> None:
        super().__init__()
        self.attn = _Attention(width, head_count)
        self.ln_1 = nn.LayerNorm(width)
        parts = {"c_fc": nn.Linear(width, 4 * width), "gelu": QuickGelu(), "c_proj": nn.Linear(4 * width, width)}
        self.mlp = nn.Sequential(OrderedDict(parts))
        self.ln_2 = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


class TextTransformer(nn.Module):  # type: ignore[misc]
    """A stack of blocks [n, tokens, width] -> the same."""

    def __init__(self, shape: TextShape) -> None:
        super().__init__()
        self.resblocks = nn.Sequential(*(_Block(shape.width, shape.head_count) for _ in range(shape.layer_count)))

    def forward(self, x: Tensor) -> Tensor:
        """Run the blocks one after the other."""
        return self.resblocks(x)
