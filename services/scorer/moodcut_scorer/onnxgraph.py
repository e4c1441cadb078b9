"""A small builder of ONNX graphs: nodes are added one by one, and names take care of themselves.

Graphs are written from plain arrays, so turning published weights into an ONNX file needs no deep-learning framework.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 17
IR_VERSION = 9


class GraphBuilder:
    """Collects nodes and weights; :meth:`model` closes the graph and checks it."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._nodes: list[Any] = []
        self._weights: list[Any] = []
        self._shared: dict[tuple[int, ...], str] = {}
        self._count = 0

    def weight(self, array: np.ndarray | np.floating[Any], name: str) -> str:
        """Add a weight and return its name. The name must be new."""
        self._weights.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def integers(self, *values: int) -> str:
        """A vector of int64 constants (axes, shapes); equal vectors are stored once."""
        if values not in self._shared:
            name = f"ints_{len(self._shared)}"
            self._shared[values] = self.weight(np.asarray(values, dtype=np.int64), name)
        return self._shared[values]

    def node(self, op: str, *inputs: str, output: str | None = None, **attributes: Any) -> str:
        """Add a node with one output and return that output's name."""
        self._count += 1
        name = output or f"{op.lower()}_{self._count}"
        self._nodes.append(helper.make_node(op, list(inputs), [name], name=f"n{self._count}_{op}", **attributes))
        return name

    def model(
        self, *, inputs: dict[str, tuple[type[np.float32] | type[np.int64], list[Any]]], outputs: dict[str, list[Any]]
    ) -> Any:
        """The finished model. Dimensions are integers, or words for those left open; outputs are float32.

        Raises onnx.checker.ValidationError if the graph is not valid.
        """
        kinds: dict[Any, int] = {np.float32: TensorProto.FLOAT, np.int64: TensorProto.INT64}
        graph = helper.make_graph(
            self._nodes,
            self._name,
            [helper.make_tensor_value_info(name, kinds[kind], shape) for name, (kind, shape) in inputs.items()],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()],
            self._weights,
        )
        model = helper.make_model(
            graph, producer_name="moodcut", opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION
        )
        onnx.checker.check_model(model, full_check=True)
        return model
