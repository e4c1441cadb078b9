"""EfficientNet-Lite0 in PyTorch (see :mod:`moodcut_training.efficientnet`), under the names of its checkpoint."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional

from moodcut_training.efficientnet import EPSILON, STAGES, same_padding

_MOMENTUM = 0.01
_STEM_CHANNELS, _HEAD_CHANNELS = 32, 1280


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=EPSILON, momentum=_MOMENTUM)


def _convolve(conv: nn.Conv2d, x: Tensor) -> Tensor:
    """A convolution with TensorFlow's SAME padding, which depends on the input's size."""
    sides = [same_padding(x.shape[axis], conv.kernel_size[axis - 2], conv.stride[axis - 2]) for axis in (2, 3)]
    return conv(functional.pad(x, (*sides[1], *sides[0])))


class _Block(nn.Module):  # type: ignore[misc]  # torch may be absent where types are checked
    """An inverted residual: expand, filter each channel, project."""

    def __init__(self, inputs: int, outputs: int, *, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        self.expands = expansion != 1
        if self.expands:
            self._expand_conv = nn.Conv2d(inputs, hidden, 1, bias=False)
            self._bn0 = _norm(hidden)
        self._depthwise_conv = nn.Conv2d(hidden, hidden, kernel, stride=stride, groups=hidden, bias=False)
        self._bn1 = _norm(hidden)
        self._project_conv = nn.Conv2d(hidden, outputs, 1, bias=False)
        self._bn2 = _norm(outputs)
        self.adds = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        hidden = functional.relu6(self._bn0(self._expand_conv(x))) if self.expands else x
        hidden = functional.relu6(self._bn1(_convolve(self._depthwise_conv, hidden)))
        hidden = self._bn2(self._project_conv(hidden))
        return hidden + x if self.adds else hidden


class EfficientNetLite0(nn.Module):  # type: ignore[misc]
    """Pictures float32 [n, 3, 224, 224] in (x - 127) / 128 -> features [n, 1280]."""

    def __init__(self, stages: Sequence[tuple[int, int, int, int, int]] = STAGES) -> None:
        """``stages``: repeats, kernel, first stride, expansion, output channels of each; by default as published."""
        super().__init__()
        self._conv_stem = nn.Conv2d(3, _STEM_CHANNELS, 3, stride=2, bias=False)
        self._bn0 = _norm(_STEM_CHANNELS)
        blocks, inputs = [], _STEM_CHANNELS
        for repeats, kernel, first_stride, expansion, outputs in stages:
            for repeat in range(repeats):
                stride = 1 if repeat else first_stride
                blocks.append(_Block(inputs, outputs, kernel=kernel, stride=stride, expansion=expansion))
                inputs = outputs
        self._blocks = nn.ModuleList(blocks)
        self._conv_head = nn.Conv2d(inputs, _HEAD_CHANNELS, 1, bias=False)
        self._bn1 = _norm(_HEAD_CHANNELS)

    def forward(self, pictures: Tensor) -> Tensor:
        """Features of pictures."""
        x = functional.relu6(self._bn0(_convolve(self._conv_stem, pictures)))
        for block in self._blocks:
            x = block(x)
        return functional.relu6(self._bn1(self._conv_head(x))).mean(dim=(2, 3))
