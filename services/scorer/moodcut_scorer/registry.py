"""The model files: what each is for, under which licence, and whether it lies ready."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, replace
from pathlib import Path

from moodcut_scorer.errors import ModelMissingError
from moodcut_scorer.textbuild import text_model_paths

DEFAULT_MODEL = "small"
BUILD_COMMAND = "moodcut models build"
MODEL_VARIABLE = "MOODCUT_MODEL_DIRECTORY"
_SHIPPED_DIRECTORY = Path(__file__).parent / "models"
_TRAINED = "research, non-commercial (trained on research data; retrain for other use)"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFile:
    """One file. ``byte_count`` is 0 and ``build_command`` not empty while it is not ready.

    ``required``: `moodcut make` does not run without it.
    """

    name: str
    purpose: str
    license: str
    path: Path
    ready: bool
    byte_count: int
    build_command: str
    required: bool = True


_SHIPPED = (
    ("image.onnx", "EfficientNet-Lite2, int8: features of pictures", "Apache-2.0"),
    ("music-mtt.onnx", "musicnn trained on MagnaTagATune: features of music", "ISC"),
    ("music-msd.onnx", "musicnn trained on the Million Song Dataset: features of music", "ISC"),
    ("heads.npz", "six posteriors, the joint emotion space they span, six prompts", _TRAINED),
)


def shipped_path(name: str) -> Path:
    """Path of a file that comes with the package; it need not exist in a source tree that was not trained yet."""
    return _SHIPPED_DIRECTORY / name


def model_directory() -> Path:
    """Where the scorer's model lies: what ``$MOODCUT_MODEL_DIRECTORY`` names, or what comes with the package."""
    chosen = os.environ.get(MODEL_VARIABLE)
    return Path(chosen).expanduser() if chosen else _SHIPPED_DIRECTORY


def list_models(*, text_directory: Path | None = None) -> list[ModelFile]:
    """All files of the default model by name: those shipped, and the text encoder that has to be built once."""
    home = model_directory()
    mend = "reinstall moodcut[scorer]" if home == _SHIPPED_DIRECTORY else f"see ${MODEL_VARIABLE}"
    found = [
        _describe(name, purpose, licence, model_file(home, name), mend) for name, purpose, licence in _model_files(home)
    ]
    path, tokenizer = text_model_paths(text_directory)
    text = _describe("text.onnx", "all-MiniLM-L6-v2, int8: features of texts", "Apache-2.0", path, BUILD_COMMAND)
    if text.ready and not tokenizer.is_file():
        text = _describe(text.name, text.purpose, text.license, tokenizer, BUILD_COMMAND)
    # Only EmbedText needs it: the prompts of the six emotions are stored with the heads.
    text = replace(text, required=False)
    return sorted([*found, text], key=lambda model: model.name)


def model_file(home: Path, name: str) -> Path:
    """Where a model's file lies: in the directory ``home``; if that is a file, it stands in for the shipped heads."""
    if home.is_file():
        return home if name == "heads.npz" else shipped_path(name)
    return home / name


def digest_of_model(directory: Path) -> str:
    """SHA-256 over a model's files (see :func:`model_file`). Raises ModelMissingError."""
    digest = hashlib.sha256()
    for name, _, _ in _SHIPPED:
        path = model_file(directory, name)
        if not path.is_file():
            raise ModelMissingError(f"The model file {name} is not at {path.parent}. {_mend(directory)}")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _mend(home: Path) -> str:
    if home == _SHIPPED_DIRECTORY or home.is_file():
        return "Reinstall moodcut[scorer]."
    names = ", ".join(name for name, _, _ in _SHIPPED)
    return f"A model of one's own (`moodcut train --export`, ${MODEL_VARIABLE}) is a folder of {names}."


def _model_files(home: Path) -> list[tuple[str, str, str]]:
    """Name, purpose and licence of the model's files; of those of the user's own only they know the licence."""
    return [
        (name, purpose, licence)
        if model_file(home, name) == shipped_path(name)
        else (name, f"trained by the user, in place of: {purpose}", "the user's own")
        for name, purpose, licence in _SHIPPED
    ]


def _describe(name: str, purpose: str, licence: str, path: Path, command: str) -> ModelFile:
    ready = path.is_file()
    return ModelFile(
        name=name,
        purpose=purpose,
        license=licence,
        path=path,
        ready=ready,
        byte_count=path.stat().st_size if ready else 0,
        build_command="" if ready else command,
    )
