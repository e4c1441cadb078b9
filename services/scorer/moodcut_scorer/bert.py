"""A BERT sentence encoder as an ONNX graph, from plain weights (MiniLM-L6: 6 layers, 12 heads, 384 wide).

Devlin et al. (2019) for the encoder, Reimers and Gurevych (2019) for the mean over unmasked tokens. Written by hand
because exported graphs tend to lose the attention mask when the example has none.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np

from moodcut_kit.errors import InvalidArgumentError
from moodcut_scorer.onnxgraph import GraphBuilder

_DTYPES = {"F32": "<f4", "I64": "<i8"}
_MASKED = np.float32(-10_000.0)


class BadWeightsError(InvalidArgumentError):
    """Not a safetensors file of the expected tensors."""

    reason = "BAD_WEIGHTS"


@dataclass(frozen=True, slots=True, kw_only=True)
class BertShape:
    """Sizes that the weights do not tell by themselves."""

    layer_count: int = 6
    head_count: int = 12
    width: int = 384
    norm_epsilon: float = 1e-12


def read_safetensors(data: bytes) -> dict[str, np.ndarray]:
    """Tensors by name from a safetensors file (float32 and int64). Raises BadWeightsError if it is damaged."""
    try:
        (length,) = struct.unpack("<Q", data[:8])
        header = json.loads(data[8 : 8 + length])
        tensors = {}
        for name, entry in header.items():
            if name != "__metadata__":
                start, end = entry["data_offsets"]
                flat = np.frombuffer(data[8 + length + start : 8 + length + end], dtype=_DTYPES[entry["dtype"]])
                tensors[name] = flat.reshape(entry["shape"])
    except (struct.error, ValueError, KeyError, TypeError) as error:
        raise BadWeightsError(f"This is not a readable safetensors file: {error}") from error
    return tensors


class _Bert:
    def __init__(self, weights: dict[str, np.ndarray], shape: BertShape) -> None:
        self.weights = weights
        self.shape = shape
        self.graph = GraphBuilder("sentence_encoder")

    def linear(self, x: str, name: str) -> str:
        weight = self.graph.weight(self.weights[f"{name}.weight"].T, f"{name}.weight")
        product = self.graph.node("MatMul", x, weight)
        return self.graph.node("Add", product, self.graph.weight(self.weights[f"{name}.bias"], f"{name}.bias"))

    def norm(self, x: str, name: str) -> str:
        parts = [self.graph.weight(self.weights[f"{name}.{part}"], f"{name}.{part}") for part in ("weight", "bias")]
        return self.graph.node("LayerNormalization", x, *parts, axis=-1, epsilon=self.shape.norm_epsilon)

    def embeddings(self) -> str:
        graph = self.graph
        tables = {
            name: graph.weight(self.weights[f"embeddings.{name}_embeddings.weight"], name)
            for name in ("word", "position")
        }
        words = graph.node("Gather", tables["word"], "input_ids", axis=0)
        length = graph.node("Gather", graph.node("Shape", "input_ids"), graph.integers(1), axis=0)
        places = graph.node("Slice", tables["position"], graph.integers(0), length, graph.integers(0))
        kind = graph.weight(self.weights["embeddings.token_type_embeddings.weight"][0], "token_type")
        total = graph.node("Add", graph.node("Add", words, places), kind)
        return self.norm(total, "embeddings.LayerNorm")

    def heads(self, x: str, name: str, perm: list[int]) -> str:
        """[n, t, width] -> [n, heads, t, size] (or with the last two exchanged)."""
        count = self.shape.head_count
        shape = self.graph.integers(0, 0, count, self.shape.width // count)
        return self.graph.node("Transpose", self.graph.node("Reshape", self.linear(x, name), shape), perm=perm)

    def attention(self, x: str, name: str, mask: str) -> str:
        graph = self.graph
        query = self.heads(x, f"{name}.self.query", [0, 2, 1, 3])
        key = self.heads(x, f"{name}.self.key", [0, 2, 3, 1])
        value = self.heads(x, f"{name}.self.value", [0, 2, 1, 3])
        scaled = graph.node("Div", graph.node("MatMul", query, key), self.root)
        weights = graph.node("Softmax", graph.node("Add", scaled, mask), axis=-1)
        mixed = graph.node("Transpose", graph.node("MatMul", weights, value), perm=[0, 2, 1, 3])
        joined = graph.node("Reshape", mixed, graph.integers(0, 0, self.shape.width))
        out = self.linear(joined, f"{name}.output.dense")
        return self.norm(graph.node("Add", out, x), f"{name}.output.LayerNorm")

    def feed_forward(self, x: str, name: str) -> str:
        """GELU by the error function, then back to the width."""
        graph = self.graph
        hidden = self.linear(x, f"{name}.intermediate.dense")
        error = graph.node("Erf", graph.node("Div", hidden, self.root_two))
        gelu = graph.node("Mul", graph.node("Mul", hidden, graph.node("Add", error, self.one)), self.half)
        out = self.linear(gelu, f"{name}.output.dense")
        return self.norm(graph.node("Add", out, x), f"{name}.output.LayerNorm")

    def build(self) -> Any:
        graph = self.graph
        scalars = {"one": 1.0, "half": 0.5, "root_two": np.sqrt(2.0), "masked": _MASKED, "tiny": 1e-9}
        names = {name: graph.weight(np.float32(value), name) for name, value in scalars.items()}
        self.one, self.half, self.root_two = names["one"], names["half"], names["root_two"]
        self.root = graph.weight(np.float32(np.sqrt(self.shape.width // self.shape.head_count)), "root")
        seen = graph.node("Cast", "attention_mask", to=1)
        hidden_by = graph.node("Mul", graph.node("Sub", self.one, seen), names["masked"])
        mask = graph.node("Unsqueeze", hidden_by, graph.integers(1, 2))
        x = self.embeddings()
        for layer in range(self.shape.layer_count):
            name = f"encoder.layer.{layer}"
            x = self.feed_forward(self.attention(x, f"{name}.attention", mask), name)
        weight = graph.node("Unsqueeze", seen, graph.integers(2))
        total = graph.node("ReduceSum", graph.node("Mul", x, weight), graph.integers(1), keepdims=0)
        count = graph.node("Max", graph.node("ReduceSum", seen, graph.integers(1), keepdims=1), names["tiny"])
        mean = graph.node("Div", total, count)
        graph.node("LpNormalization", mean, axis=-1, p=2, output="sentence")
        ids = (np.int64, ["n", "t"])
        return graph.model(
            inputs={"input_ids": ids, "attention_mask": ids}, outputs={"sentence": ["n", self.shape.width]}
        )


def build_sentence_encoder(weights: dict[str, np.ndarray], shape: BertShape) -> Any:
    """ONNX model ``input_ids``, ``attention_mask`` int64 [n, t] -> ``sentence`` float32 [n, width], unit length.

    Raises BadWeightsError if a tensor is missing.
    """
    try:
        return _Bert(weights, shape).build()
    except KeyError as error:
        raise BadWeightsError(f"The sentence encoder's weights lack {error}.") from error
