"""CLIP's modified ResNet (Radford et al., 2021, section 2.4), under the parameter names of the published checkpoint.

Against He et al. (2016): a stem of three 3 x 3 convolutions, average pooling before every strided convolution
(blur pooling), and at the end an attention layer whose query is the mean over all places.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

_EXPANSION = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class ModifiedResNetShape:
    """Sizes of the network; the defaults are RN50's. ``picture_size`` must be a multiple of 32."""

    block_counts: tuple[int, int, int, int] = (3, 4, 6, 3)
    width: int = 64
    head_count: int = 32
    picture_size: int = 224


class _Block(nn.Module):  # type: ignore[misc]  # torch may be absent where types are checked
    def __init__(self, inputs: int, hidden: int, stride: int) -> None:
        super().__init__()
        outputs = hidden * _EXPANSION
        self.conv1 = nn.Conv2d(inputs, hidden, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(hidden)
        self.conv2 = nn.Conv2d(hidden, hidden, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(hidden)
        self.conv3 = nn.Conv2d(hidden, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.pool = nn.AvgPool2d(stride) if stride > 1 else nn.Identity()
        projected = stride > 1 or inputs != outputs
        # Two entries, 0 and 1: the published names count only layers with parameters.
        self.downsample = (
            nn.Sequential(nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs)) if projected else None
        )

    def forward(self, x: Tensor) -> Tensor:
        hidden = functional.relu(self.bn1(self.conv1(x)))
        hidden = functional.relu(self.bn2(self.conv2(hidden)))
        hidden = self.bn3(self.conv3(self.pool(hidden)))
        return functional.relu(hidden + (self.downsample(self.pool(x)) if self.downsample is not None else x))


class _AttentionPool(nn.Module):  # type: ignore[misc]
    """Multi-head attention of the mean place to all places and itself: [n, c, h, w] -> [n, outputs]."""

    def __init__(self, place_count: int, width: int, head_count: int, outputs: int) -> None:
        super().__init__()
        self.positional_embedding = nn.Parameter(torch.randn(place_count + 1, width) * width**-0.5)
        self.k_proj = nn.Linear(width, width)
        self.q_proj = nn.Linear(width, width)
        self.v_proj = nn.Linear(width, width)
        self.c_proj = nn.Linear(width, outputs)
        self.head_count = head_count

    def forward(self, x: Tensor) -> Tensor:
        places = x.flatten(2).transpose(1, 2)
        places = torch.cat([places.mean(dim=1, keepdim=True), places], dim=1) + self.positional_embedding
        query, key, value = self.q_proj(places[:, :1]), self.k_proj(places), self.v_proj(places)
        query, key, value = (part.unflatten(2, (self.head_count, -1)).transpose(1, 2) for part in (query, key, value))
        mixed = functional.scaled_dot_product_attention(query, key, value)
        return self.c_proj(mixed.flatten(1))


class ModifiedResNet(nn.Module):  # type: ignore[misc]
    """Pictures float32 [n, 3, size, size] -> embeddings [n, dimension]."""

    def __init__(self, shape: ModifiedResNetShape, dimension: int) -> None:
        super().__init__()
        half = shape.width // 2
        self.conv1 = nn.Conv2d(3, half, 3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(half)
        self.conv2 = nn.Conv2d(half, half, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(half)
        self.conv3 = nn.Conv2d(half, shape.width, 3, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(shape.width)
        inputs = shape.width
        for stage, count in enumerate(shape.block_counts):
            hidden = shape.width * 2**stage
            blocks = []
            for block in range(count):
                blocks.append(_Block(inputs, hidden, 2 if stage and not block else 1))
                inputs = hidden * _EXPANSION
            self.add_module(f"layer{stage + 1}", nn.Sequential(*blocks))
        self.attnpool = _AttentionPool((shape.picture_size // 32) ** 2, inputs, shape.head_count, dimension)

    def forward(self, pictures: Tensor) -> Tensor:
        """Embeddings of pictures."""
        x = functional.relu(self.bn1(self.conv1(pictures)))
        x = functional.relu(self.bn2(self.conv2(x)))
        x = functional.relu(self.bn3(self.conv3(x)))
        x = functional.avg_pool2d(x, 2)
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.attnpool(x)
