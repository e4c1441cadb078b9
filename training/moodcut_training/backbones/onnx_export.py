"""Writes a backbone's encoders as ONNX graphs (opset 18)."""

from __future__ import annotations

import importlib.util
import logging
import warnings
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from moodcut_kit.modelcache import publish
from moodcut_training.backbones.errors import ExportUnsupportedError

OPSET = 18


@dataclass(frozen=True, slots=True)
class EncoderGraph:
    """What the exporter needs: a module of one tensor, an example of its input, and names.

    ``batched``: the first dimension of the input may vary; otherwise the graph takes as many items as the example has.
    """

    module: nn.Module
    example: Tensor
    input_name: str
    output_names: tuple[str, ...]
    batched: bool = True


def export_encoder(graph: EncoderGraph, path: Path) -> Path:
    """Write one encoder, in inference mode, as one self-contained file. Returns ``path``.

    Raises ExportUnsupportedError if the exporter's package is missing or it cannot express the network.
    """
    if importlib.util.find_spec("onnxscript") is None:
        raise ExportUnsupportedError("Export to ONNX needs the package onnxscript: pip install 'moodcut[train]'")
    return publish(path, lambda target: _write(graph, target))


def _write(graph: EncoderGraph, path: Path) -> None:
    modes = {module: module.training for module in graph.module.modules()}
    graph.module.eval()
    quiet = logging.getLogger("torch.onnx")
    level = quiet.level
    quiet.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the exporter warns of its own insides
            program = torch.onnx.export(
                graph.module,
                (graph.example,),
                dynamo=True,
                opset_version=OPSET,
                input_names=[graph.input_name],
                output_names=list(graph.output_names),
                dynamic_shapes=({0: torch.export.Dim("n")},) if graph.batched else None,
                verbose=False,
            )
        if graph.batched and isinstance(program.model.graph.inputs[0].shape[0], int):
            raise ExportUnsupportedError(f"{type(graph.module).__name__} could be written for a fixed batch only.")
        program.save(str(path), external_data=False)
    except torch.onnx.OnnxExporterError as error:
        raise ExportUnsupportedError(
            f"{type(graph.module).__name__} cannot be written as an ONNX graph: {str(error).splitlines()[0]}"
        ) from error
    finally:
        quiet.setLevel(level)
        for module, mode in modes.items():
            module.training = mode
