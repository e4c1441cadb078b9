"""ESResNeXt-fbsp: AudioCLIP's audio encoder, under the parameter names of the published checkpoint.

Guzhov et al., IJCNN 2021: the spectrum is cut into three bands, which take the places of a picture's colours in a
ResNeXt-50 32x4d (Xie et al., 2017); beside each stage runs an attention branch (ESResNet, Guzhov et al., 2020).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional

from moodcut_training.backbones.fbsp import Fbsp, FbspShape, blackman_harris

_EXPANSION = 4
_BANDS = 3
_SILENCE_POWER = 1e-18
# The network was trained on int16 samples with -32768 mapped to -1 and 32767 to 1; ours are those divided by 32768.
_SOUND_GAIN, _SOUND_OFFSET = 65_536 / 65_535, 1 / 65_535
# Kernel of each stage's attention: over frequency, over time, again, again, and both.
_ATTENTION_KERNELS = ((3, 1), (1, 5), (3, 1), (1, 5), (3, 5))


@dataclass(frozen=True, slots=True, kw_only=True)
class EsResNextShape:
    """Sizes of the network; the defaults are AudioCLIP's."""

    fbsp: FbspShape = field(default_factory=FbspShape)
    block_counts: tuple[int, int, int, int] = (3, 4, 6, 3)
    width: int = 64
    group_count: int = 32
    group_width: int = 4


class _Block(nn.Module):  # type: ignore[misc]  # torch may be absent where types are checked
    def __init__(self, inputs: int, hidden: int, outputs: int, *, groups: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, hidden, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(hidden)
        self.conv2 = nn.Conv2d(hidden, hidden, 3, stride=stride, padding=1, groups=groups, bias=False)
        self.bn2 = nn.BatchNorm2d(hidden)
        self.conv3 = nn.Conv2d(hidden, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        projected = stride > 1 or inputs != outputs
        self.downsample = (
            nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False), nn.BatchNorm2d(outputs))
            if projected
            else None
        )

    def forward(self, x: Tensor) -> Tensor:
        hidden = functional.relu(self.bn1(self.conv1(x)))
        hidden = functional.relu(self.bn2(self.conv2(hidden)))
        hidden = self.bn3(self.conv3(hidden))
        return functional.relu(hidden + (self.downsample(x) if self.downsample is not None else x))


def max_pool_to(x: Tensor, height: int, width: int) -> Tensor:
    """Adaptive max pooling of [n, c, h, w] to a size that is the same, half (rounded up) or 1 along each axis.

    Equal to ``torch.nn.functional.adaptive_max_pool2d`` there, and unlike it expressible in ONNX: halving an even axis
    takes pairs, halving an odd one takes threes around every second place.
    """
    if height == width == 1:
        return x.amax(dim=(2, 3), keepdim=True)
    axes = [_halving(size, target) for size, target in zip(x.shape[2:], (height, width), strict=True)]
    kernel, stride, padding = zip(*axes, strict=True)
    return functional.max_pool2d(x, kernel, stride, padding)


def _halving(size: int, target: int) -> tuple[int, int, int]:
    if size == target:
        return 1, 1, 0
    return (2, 2, 0) if size % 2 == 0 else (3, 2, 1)


class _Attention(nn.Module):  # type: ignore[misc]
    """Weights in (0, 1) for a stage's output, from its input."""

    def __init__(self, inputs: int, outputs: int, kernel: tuple[int, int]) -> None:
        super().__init__()
        padding = (kernel[0] // 2, kernel[1] // 2)
        self.conv_depth = nn.Conv2d(inputs, inputs, kernel, padding=padding, groups=inputs)
        self.conv_point = nn.Conv2d(inputs, outputs, 1)
        self.bn = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor, height: int, width: int) -> Tensor:
        return torch.sigmoid(self.bn(self.conv_point(self.conv_depth(max_pool_to(x, height, width)))))


class EsResNext(nn.Module):  # type: ignore[misc]
    """Sound float32 [n, samples] in [-1, 1], filling whole frames -> embeddings [n, dimension]."""

    def __init__(self, shape: EsResNextShape, dimension: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(_BANDS, shape.width, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(shape.width)
        inputs = shape.width
        for stage, count in enumerate(shape.block_counts):
            base = shape.width * 2**stage
            hidden, outputs = base * shape.group_width // 64 * shape.group_count, base * _EXPANSION
            blocks = []
            for block in range(count):
                stride = 2 if stage and not block else 1
                source = outputs if block else inputs
                blocks.append(_Block(source, hidden, outputs, groups=shape.group_count, stride=stride))
            self.add_module(f"layer{stage + 1}", nn.Sequential(*blocks))
            self.add_module(f"att{stage + 1}", _Attention(inputs, outputs, _ATTENTION_KERNELS[stage]))
            inputs = outputs
        self.att5 = _Attention(inputs, inputs, _ATTENTION_KERNELS[4])
        self.fc = nn.Linear(inputs, dimension)
        self.fbsp = Fbsp(shape.fbsp)
        self.register_buffer("window", blackman_harris(shape.fbsp.window_length))

    def spectrogram(self, sound: Tensor) -> Tensor:
        """Power in dB [n, 3, bins, frames]: the lower, middle and upper third of the spectrum as three channels."""
        power = self.fbsp(sound * _SOUND_GAIN + _SOUND_OFFSET, self.window)
        bins = power.shape[1] // _BANDS
        power = torch.where(power > 0, power, torch.full_like(power, _SILENCE_POWER))
        return 10.0 * torch.log10(power[:, : _BANDS * bins].unflatten(1, (_BANDS, bins)))

    def forward(self, sound: Tensor) -> Tensor:
        """Embeddings of sound."""
        x = functional.relu(self.bn1(self.conv1(self.spectrogram(sound))))
        x = functional.max_pool2d(x, 3, stride=2, padding=1)
        stages = (
            (self.layer1, self.att1),
            (self.layer2, self.att2),
            (self.layer3, self.att3),
            (self.layer4, self.att4),
        )
        for layer, attention in stages:
            out = layer(x)
            x = out * attention(x, out.shape[2], out.shape[3])
        pooled = x.mean(dim=(2, 3), keepdim=True) * self.att5(x, 1, 1)
        return self.fc(pooled.flatten(1))
