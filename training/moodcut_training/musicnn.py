"""musicnn (Pons and Serra, 2019) as an ONNX graph, from the TensorFlow checkpoints of the package ``musicnn``.

A musically motivated front-end (two timbral and three temporal convolutions over the log-mel patch), three residual
dense layers, and global pooling. Input ``patches`` [n, 187, 96] (3 s); outputs ``penultimate`` [n, 200] and ``tags``
[n, 50], probabilities.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from moodcut_scorer.onnxgraph import GraphBuilder

PATCH_FRAMES = 187
MEL_COUNT = 96
EPSILON = 1e-3
Variables = dict[str, np.ndarray]


class _Musicnn:
    """Layers are numbered in the order in which the published network creates them."""

    def __init__(self, variables: Variables) -> None:
        self.variables = variables
        self.graph = GraphBuilder("musicnn")

    def _get(self, layer: str, index: int, name: str) -> np.ndarray:
        return self.variables[f"{layer}_{index}/{name}" if index else f"{layer}/{name}"]

    def norm(self, x: str, index: int) -> str:
        parts = ("gamma", "beta", "moving_mean", "moving_variance")
        named = [self.graph.weight(self._get("batch_normalization", index, p), f"norm{index}.{p}") for p in parts]
        return self.graph.node("BatchNormalization", x, *named, epsilon=EPSILON)

    def conv(self, x: str, index: int, pads: tuple[int, int]) -> str:
        """Convolution over [n, 1, time, width] padded in time only, ReLU and the batch norm after it."""
        kernel = self._get("conv2d", index, "kernel").transpose(3, 2, 0, 1)
        weight = self.graph.weight(kernel, f"conv{index}.kernel")
        bias = self.graph.weight(self._get("conv2d", index, "bias"), f"conv{index}.bias")
        x = self.graph.node("Conv", x, weight, bias, kernel_shape=list(kernel.shape[2:]), pads=[pads[0], 0, pads[1], 0])
        return self.norm(self.graph.node("Relu", x), index + 1)

    def front(self, x: str, index: int) -> str:
        """One front-end branch [n, filters, time], the maximum over frequency."""
        length = self._get("conv2d", index, "kernel").shape[0]
        pads = (3, 3) if length == 7 else ((length - 1) // 2, length // 2)
        x = self.conv(x, index, pads)
        return self.graph.node("ReduceMax", x, axes=[3], keepdims=0)

    def middle(self, x: str, index: int) -> str:
        """A dense layer [n, 1, time, width] -> [n, 1, time, 64]."""
        return self.graph.node("Transpose", self.conv(x, index, (3, 3)), perm=[0, 3, 2, 1])

    def dense(self, x: str, index: int, **options: Any) -> str:
        weight = self.graph.weight(self._get("dense", index, "kernel"), f"dense{index}.kernel")
        bias = self.graph.weight(self._get("dense", index, "bias"), f"dense{index}.bias")
        return self.graph.node("Gemm", x, weight, bias, **options)


def build_musicnn(variables: Variables) -> Any:
    """ONNX model of one checkpoint (MTT_musicnn or MSD_musicnn), open in the number of patches."""
    net = _Musicnn(variables)
    graph = net.graph
    x = net.norm(graph.node("Unsqueeze", "patches", graph.integers(1)), 0)
    front = graph.node("Concat", *(net.front(x, index) for index in range(5)), axis=1)
    front = graph.node("Unsqueeze", graph.node("Transpose", front, perm=[0, 2, 1]), graph.integers(1))
    first = net.middle(front, 5)
    second = graph.node("Add", net.middle(first, 6), first)
    third = graph.node("Add", net.middle(second, 7), second)
    features = graph.node("Concat", front, first, second, third, axis=3)
    largest = graph.node("ReduceMax", features, axes=[1, 2], keepdims=0)
    mean = graph.node("ReduceMean", features, axes=[1, 2], keepdims=0)
    both = [graph.node("Unsqueeze", pooled, graph.integers(2)) for pooled in (largest, mean)]
    pooled = net.norm(graph.node("Flatten", graph.node("Concat", *both, axis=2), axis=1), 9)
    hidden = net.norm(graph.node("Relu", net.dense(pooled, 0)), 10)
    graph.node("Identity", hidden, output="penultimate")
    graph.node("Sigmoid", net.dense(hidden, 1), output="tags")
    return graph.model(
        inputs={"patches": (np.float32, ["n", PATCH_FRAMES, MEL_COUNT])},
        outputs={"penultimate": ["n", 200], "tags": ["n", 50]},
    )
