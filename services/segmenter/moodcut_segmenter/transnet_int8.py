"""TransNet V2 with 8-bit convolutions: the same graph, about twice as fast on a CPU, nearly the same probabilities.

Every convolution's input and output become uint8 with one scale a tensor, its weights int8 with one scale an output
channel (static quantization; ONNX Runtime fuses the pattern into integer convolutions). The ranges of the tensors are
those seen on films (``transnet_ranges.json``, written by tools/transnet_ranges.py). Weights take 7 bits, since the
8-bit products of processors without VNNI instructions would overflow otherwise.

Pure: numpy and onnx only.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib import resources

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from moodcut_segmenter.errors import ModelSourceMismatchError

RANGES_FILE = "transnet_ranges.json"
_LARGEST_WEIGHT = 63
_LEAST_RANGE = 1e-6

Range = tuple[float, float]


def convolution_ranges() -> list[tuple[Range, Range]]:
    """Smallest and largest value of every convolution's input and output, in the graph's order."""
    text = resources.files("moodcut_segmenter").joinpath(RANGES_FILE).read_text(encoding="utf-8")
    return [((low, high), (below, above)) for low, high, below, above in json.loads(text)["convolutions"]]


def quantized(model: onnx.ModelProto, ranges: Sequence[tuple[Range, Range]]) -> onnx.ModelProto:
    """``model`` with its convolutions quantized; ``ranges`` has one entry for each. Raises ModelSourceMismatchError."""
    graph = _Quantizer(model)
    convolutions = [node for node in model.graph.node if node.op_type == "Conv"]
    if len(convolutions) != len(ranges):
        message = f"There are ranges for {len(ranges)} convolutions, and the network has {len(convolutions)}."
        raise ModelSourceMismatchError(message)
    for node, (inside, outside) in zip(convolutions, ranges, strict=True):
        graph.add_range(node.input[0], inside)
        graph.add_range(node.output[0], outside)
    return graph.build()


class _Quantizer:
    def __init__(self, model: onnx.ModelProto) -> None:
        self._model = model
        self._constants = {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}
        self._ranges: dict[str, Range] = {}
        self._added: list[onnx.TensorProto] = []
        self._nodes: list[onnx.NodeProto] = []

    def add_range(self, tensor: str, seen: Range) -> None:
        """Quantize ``tensor``; what is seen of it twice counts together, and 0 always."""
        low, high = self._ranges.get(tensor, (0.0, 0.0))
        self._ranges[tensor] = (min(low, seen[0]), max(high, seen[1]))

    def build(self) -> onnx.ModelProto:
        source = self._model.graph
        self._quantize([each.name for each in source.input if each.name in self._ranges])
        for node in source.node:
            inputs = [f"{name}_q" if name in self._ranges else name for name in node.input]
            if node.op_type == "Conv":
                inputs[1:] = self._weights(node)
            copy = onnx.NodeProto()
            copy.CopyFrom(node)
            copy.ClearField("input")
            copy.input.extend(inputs)
            self._nodes.append(copy)
            self._quantize([name for name in node.output if name in self._ranges])
        used = {name for node in self._nodes for name in node.input}
        kept = [each for each in source.initializer if each.name in used]
        body = helper.make_graph(self._nodes, source.name, source.input, source.output, [*kept, *self._added])
        model = helper.make_model(body, opset_imports=self._model.opset_import, producer_name="moodcut")
        model.ir_version = self._model.ir_version
        onnx.checker.check_model(model)
        return model

    def _quantize(self, tensors: Sequence[str]) -> None:
        """Through uint8 and back: ``tensor`` becomes ``tensor_q`` for all that read it."""
        for tensor in tensors:
            scale, zero = self._scale(tensor)
            names = (
                self._constant(f"{tensor}_scale", np.float32(scale)),
                self._constant(f"{tensor}_zero", np.uint8(zero)),
            )
            self._nodes.append(helper.make_node("QuantizeLinear", [tensor, *names], [f"{tensor}_u8"]))
            self._nodes.append(helper.make_node("DequantizeLinear", [f"{tensor}_u8", *names], [f"{tensor}_q"]))

    def _scale(self, tensor: str) -> tuple[np.float32, int]:
        low, high = self._ranges[tensor]
        scale = np.float32(max(high - low, _LEAST_RANGE) / 255)
        return scale, int(np.clip(np.rint(-low / scale), 0, 255))

    def _weights(self, node: onnx.NodeProto) -> list[str]:
        """The convolution's int8 weights and int32 bias, each dequantized for the pattern."""
        weight = self._constants[node.input[1]]
        largest = np.abs(weight).reshape(len(weight), -1).max(axis=1)
        scale = (np.maximum(largest, _LEAST_RANGE) / _LARGEST_WEIGHT).astype(np.float32)
        whole = np.rint(weight / scale[:, None, None, None]).astype(np.int8)
        found = [self._dequantized(node.input[1], whole, scale)]
        if len(node.input) > 2:
            bias_scale = (scale * self._scale(node.input[0])[0]).astype(np.float32)
            bias = np.rint(self._constants[node.input[2]] / bias_scale).astype(np.int32)
            found.append(self._dequantized(node.input[2], bias, bias_scale))
        return found

    def _dequantized(self, name: str, values: NDArray[np.generic], scale: NDArray[np.float32]) -> str:
        inputs = [
            self._constant(f"{name}_int", values),
            self._constant(f"{name}_scale", scale),
            self._constant(f"{name}_zero", np.zeros(len(scale), values.dtype)),
        ]
        self._nodes.append(helper.make_node("DequantizeLinear", inputs, [f"{name}_q"], axis=0))
        return f"{name}_q"

    def _constant(self, name: str, value: NDArray[np.generic] | np.generic) -> str:
        self._added.append(numpy_helper.from_array(np.asarray(value), name))
        return name
