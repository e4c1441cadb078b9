"""TransNet V2 as an ONNX graph, written from its weights.

The network is that of Souček and Lokoč, "TransNet V2: An effective deep network architecture for fast shot transition
detection" (2020): three stacks of two dilated cells, each cell four (2+1)-D convolutions with temporal dilation 1, 2, 4
and 8, a head of colour-histogram and learned frame similarities, and two outputs per frame. The graph computes the same
function as the published modules, but as 2-D convolutions only, in one layout that ONNX Runtime's convolutions like:

* the pictures of a window stand below one another in a strip, an empty row after each. A spatial convolution sees the
  empty row where the picture's padding was; a temporal convolution is a vertical one whose dilation is a multiple of
  the pictures' pitch. Only the empty rows have to be cleared now and then;
* batch normalisation is folded into the temporal convolutions;
* colour histograms come in as a second input (:func:`moodcut_segmenter.transnet_model.color_histograms`).

Pure: numpy and onnx only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from moodcut_segmenter.errors import ModelSourceMismatchError

Array = NDArray[np.float32]
Weights = Mapping[str, NDArray[np.generic]]

HEIGHT, WIDTH = 27, 48
HISTOGRAM_BINS = 512
_DILATIONS = (1, 2, 4, 8)
_STACKS, _CELLS = 3, 2
_NORM_EPSILON = 1e-3
_LOOKUP = 101
_OPSET = 17


class _Graph:
    """Nodes and constants of a graph under construction; every method returns the name of its output."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, value: NDArray[np.generic]) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def ints(self, *values: int) -> str:
        return self.constant(np.array(values, dtype=np.int64))

    def node(self, kind: str, inputs: Sequence[str], /, *, name: str = "", **attributes: object) -> str:
        output = name or f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [output], **attributes))
        return output


def transnet_graph(weights: Weights, *, window_frames: int = 100) -> onnx.ModelProto:
    """The network for windows of ``window_frames`` frames, any batch.

    Inputs: ``frames`` uint8 [batch, window_frames, 27, 48, 3], RGB; ``histograms`` float32 [batch, window_frames, 512],
    each row of length 1. Outputs: ``single`` and ``many`` float32 [batch, window_frames]: the probability that the
    frame is the one before a cut or in the middle of a transition, and that it belongs to one at all.

    Raises ModelSourceMismatchError if a weight is missing or has another shape.
    """
    checked = _checked(weights)
    graph = _Graph()
    x = graph.node("Cast", ["frames"], to=TensorProto.FLOAT)
    x = graph.node("Pad", [x, graph.ints(0, 0, 0, 0, 0, 0, 0, 1, 0, 0)])
    x = graph.node("Reshape", [x, graph.ints(-1, window_frames * (HEIGHT + 1), WIDTH, 3)])
    x = graph.node("Transpose", [x], perm=[0, 3, 1, 2])
    x = graph.node("Mul", [x, graph.constant(np.array([1 / 255], np.float32))])
    means = []
    height, width = HEIGHT, WIDTH
    for stack in range(_STACKS):
        x = _stack(graph, checked, stack, x, window_frames, height)
        if stack < _STACKS - 1:
            x = graph.node("AveragePool", [x], kernel_shape=[2, 2], strides=[2, 2])
            height, width = height // 2, width // 2
            x = _clear_gaps(graph, x, window_frames, height)
            total = graph.node("Reshape", [x, graph.ints(0, 64 << stack, window_frames, (height + 1) * width)])
            area = graph.constant(np.array([1 / (height * width)], np.float32))
            means.append(graph.node("Mul", [graph.node("ReduceSum", [total, graph.ints(3)], keepdims=0), area]))
    channels = 64 << (_STACKS - 1)
    x = graph.node("Reshape", [x, graph.ints(0, channels, window_frames, (height + 1) * width)])
    x = graph.node("Transpose", [x], perm=[0, 2, 1, 3])
    x = graph.node("Reshape", [x, graph.ints(-1, channels, height + 1, width)])
    x = graph.node("AveragePool", [x], kernel_shape=[2, 2], strides=[2, 2])
    height, width = height // 2, width // 2
    x = graph.node("Reshape", [x, graph.ints(-1, window_frames, channels, height * width)])
    means.append(graph.node("Transpose", [graph.node("ReduceMean", [x], axes=[3], keepdims=0)], perm=[0, 2, 1]))
    features = graph.node("Reshape", [x, graph.ints(0, 0, channels * height * width)])
    hidden = _head(graph, checked, features, means, window_frames, (channels, height, width))
    for output, layer in (("single", "cls_layer1"), ("many", "cls_layer2")):
        logits = _linear(graph, hidden, checked[f"{layer}.weight"], checked[f"{layer}.bias"])
        squeezed = graph.node("Squeeze", [logits, graph.ints(2)])
        graph.node("Sigmoid", [squeezed], name=output)
    return _model(graph, window_frames)


def _stack(graph: _Graph, weights: Weights, stack: int, x: str, frames: int, height: int) -> str:
    """Two dilated cells with the shortcut around the second, then 2 x 2 average pooling.

    From a strip of ``frames`` pictures of ``height`` rows to one of ``height // 2`` rows; the empty row stays.
    """
    first = graph.node("Relu", [_cell(graph, weights, f"SDDCNN.{stack}.DDCNN.0", x, height + 1)])
    masked = _clear_gaps(graph, first, frames, height)
    second = graph.node("Relu", [_cell(graph, weights, f"SDDCNN.{stack}.DDCNN.1", masked, height + 1)])
    return graph.node("Add", [second, masked])


def _cell(graph: _Graph, weights: Weights, name: str, x: str, pitch: int) -> str:
    """Four (2+1)-D convolutions with batch normalisation. A step in time is ``pitch`` rows."""
    scale = _float(weights[f"{name}.bn.weight"]) / np.sqrt(_float(weights[f"{name}.bn.running_var"]) + _NORM_EPSILON)
    bias = _float(weights[f"{name}.bn.bias"]) - _float(weights[f"{name}.bn.running_mean"]) * scale
    outputs = []
    for index, dilation in enumerate(_DILATIONS):
        spatial = _float(weights[f"{name}.Conv3D_{dilation}.layers.0.weight"])[:, :, 0]
        temporal = _float(weights[f"{name}.Conv3D_{dilation}.layers.1.weight"])[..., 0]
        filters = temporal.shape[0]
        rows = slice(index * filters, (index + 1) * filters)
        y = graph.node("Conv", [x, graph.constant(spatial)], kernel_shape=[3, 3], pads=[1, 1, 1, 1])
        inputs = [y, graph.constant(temporal * scale[rows, None, None, None]), graph.constant(bias[rows])]
        step = dilation * pitch
        y = graph.node("Conv", inputs, kernel_shape=[3, 1], dilations=[step, 1], pads=[step, 0, step, 0])
        outputs.append(y)
    return graph.node("Concat", outputs, axis=1)


def _clear_gaps(graph: _Graph, x: str, frames: int, height: int) -> str:
    """Set the row below every picture to zero."""
    mask = np.tile(np.append(np.ones(height, np.float32), np.float32(0)), frames)
    return graph.node("Mul", [x, graph.constant(mask[None, None, :, None])])


def _head(
    graph: _Graph,
    weights: Weights,
    features: str,
    means: Sequence[str],
    frames: int,
    shape: tuple[int, int, int],
) -> str:
    """Similarities and the hidden layer: [batch, frames, 1024]."""
    pooled = graph.node("Transpose", [graph.node("Concat", list(means), axis=1)], perm=[0, 2, 1])
    name = "frame_sim_layer.projection"
    projected = _linear(graph, pooled, weights[f"{name}.weight"], weights[f"{name}.bias"])
    length = graph.node("ReduceL2", [projected], axes=[2], keepdims=1)
    floor = graph.constant(np.array([1e-12], np.float32))
    unit = graph.node("Div", [projected, graph.node("Max", [length, floor])])
    learned = _similarities(graph, weights, "frame_sim_layer.fc", unit, frames)
    colour = _similarities(graph, weights, "color_hist_layer.fc", "histograms", frames)
    joined = graph.node("Concat", [colour, learned, features], axis=2)
    # The published layer reads the last feature map as (height, width, channels); here it lies the other way round.
    channels, height, width = shape
    kernel = _float(weights["fc1.weight"])
    front = kernel.shape[1] - channels * height * width
    tail = kernel[:, front:].reshape(-1, height, width, channels).transpose(0, 3, 1, 2).reshape(kernel.shape[0], -1)
    return graph.node(
        "Relu", [_linear(graph, joined, np.concatenate((kernel[:, :front], tail), axis=1), weights["fc1.bias"])]
    )


def _similarities(graph: _Graph, weights: Weights, layer: str, vectors: str, frames: int) -> str:
    """Dot products of every frame with the 50 before and after it (0 outside the window), through a linear layer.

    Row t of the product matrix, padded, is wanted from column t on: laying the rows out with one element more each
    shifts them by exactly that.
    """
    side = _LOOKUP // 2
    products = graph.node("MatMul", [vectors, graph.node("Transpose", [vectors], perm=[0, 2, 1])])
    wide = frames + 2 * side
    padded = graph.node("Pad", [products, graph.ints(0, 0, side, 0, 0, side)])
    flat = graph.node("Reshape", [padded, graph.ints(-1, frames * wide)])
    skewed = graph.node("Pad", [flat, graph.ints(0, 0, 0, frames)])
    rows = graph.node("Reshape", [skewed, graph.ints(-1, frames, wide + 1)])
    window = graph.node("Slice", [rows, graph.ints(0), graph.ints(_LOOKUP), graph.ints(2)])
    return graph.node("Relu", [_linear(graph, window, weights[f"{layer}.weight"], weights[f"{layer}.bias"])])


def _linear(graph: _Graph, x: str, weight: NDArray[np.generic], bias: NDArray[np.generic]) -> str:
    product = graph.node("MatMul", [x, graph.constant(_float(weight).T)])
    return graph.node("Add", [product, graph.constant(_float(bias))])


def _float(value: NDArray[np.generic]) -> Array:
    return np.asarray(value, dtype=np.float32)


def _checked(weights: Weights) -> Weights:
    """``weights``, if everything the graph reads is there in the published shape."""
    expected: dict[str, tuple[int, ...]] = {"fc1.weight": (1024, 4864), "fc1.bias": (1024,)}
    for head in ("cls_layer1", "cls_layer2"):
        expected |= {f"{head}.weight": (1, 1024), f"{head}.bias": (1,)}
    for layer in ("frame_sim_layer.fc", "color_hist_layer.fc"):
        expected |= {f"{layer}.weight": (128, _LOOKUP), f"{layer}.bias": (128,)}
    expected |= {"frame_sim_layer.projection.weight": (128, 448), "frame_sim_layer.projection.bias": (128,)}
    channels = 3
    for stack in range(_STACKS):
        filters = 16 << stack
        for cell in range(_CELLS):
            name = f"SDDCNN.{stack}.DDCNN.{cell}"
            for dilation in _DILATIONS:
                expected[f"{name}.Conv3D_{dilation}.layers.0.weight"] = (2 * filters, channels, 1, 3, 3)
                expected[f"{name}.Conv3D_{dilation}.layers.1.weight"] = (filters, 2 * filters, 3, 1, 1)
            for part in ("weight", "bias", "running_mean", "running_var"):
                expected[f"{name}.bn.{part}"] = (4 * filters,)
            channels = 4 * filters
    for name, shape in expected.items():
        if name not in weights or weights[name].shape != shape:
            found = weights[name].shape if name in weights else "missing"
            message = f"The checkpoint is not TransNet V2: {name} should be {shape} and is {found}."
            raise ModelSourceMismatchError(message, tensor=name)
    return weights


def _model(graph: _Graph, frames: int) -> onnx.ModelProto:
    inputs = [
        helper.make_tensor_value_info("frames", TensorProto.UINT8, ["batch", frames, HEIGHT, WIDTH, 3]),
        helper.make_tensor_value_info("histograms", TensorProto.FLOAT, ["batch", frames, HISTOGRAM_BINS]),
    ]
    outputs = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["batch", frames]) for n in ("single", "many")]
    body = helper.make_graph(graph.nodes, "transnetv2", inputs, outputs, graph.constants)
    model = helper.make_model(body, opset_imports=[helper.make_opsetid("", _OPSET)], producer_name="moodcut")
    model.ir_version = 8
    onnx.checker.check_model(model)
    return model
