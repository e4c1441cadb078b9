"""Static int8 quantisation of a convolutional ONNX model, calibrated on real pictures."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static

from moodcut_scorer.quiet import quiet_quantiser


class _Batches(CalibrationDataReader):  # type: ignore[misc]  # ONNX Runtime is untyped
    def __init__(self, name: str, batches: Iterable[np.ndarray]) -> None:
        self._name = name
        self._batches: Iterator[np.ndarray] = iter(batches)

    def get_next(self) -> dict[str, np.ndarray] | None:
        batch = next(self._batches, None)
        return None if batch is None else {self._name: batch}


def quantise(model: Any, batches: Iterable[np.ndarray], target: Path) -> None:
    """Write ``model`` to ``target`` with int8 weights (a scale per channel) and uint8 activations (QDQ format).

    ``batches`` feed the model's only input and set the range of every activation. Weights use 7 of their 8 bits, which
    keeps processors without VNNI from overflowing in the sums.
    """
    inferred = onnx.shape_inference.infer_shapes(model)
    with tempfile.TemporaryDirectory() as directory, quiet_quantiser():
        source = Path(directory) / "float.onnx"
        onnx.save(inferred, source)
        quantize_static(
            source,
            target,
            _Batches(model.graph.input[0].name, batches),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
        )
