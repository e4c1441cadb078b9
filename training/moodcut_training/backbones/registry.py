"""The backbones by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer

from moodcut_training.backbones import published
from moodcut_training.backbones.audioclip import AudioClipBackbone
from moodcut_training.backbones.base import Backbone
from moodcut_training.backbones.checkpoint import load_state, read_state
from moodcut_training.backbones.clip_clap import ClipClapBackbone, Wav2ClipBackbone
from moodcut_training.backbones.clip_tokens import fetch_tokens
from moodcut_training.backbones.errors import CheckpointMissingError, UnknownBackboneError
from moodcut_training.backbones.hub import Clap, PictureText
from moodcut_training.backbones.small import SmallBackbone
from moodcut_training.backbones.tiny import TinyBackbone

DEFAULT_BACKBONE = "small"


@dataclass(frozen=True, slots=True)
class BackboneSpec:
    """Which backbone, from which weights.

    ``checkpoint``: of the pictures and texts (or of all); ``audio_checkpoint``: of the music, where that is another
    file; each a path or, for models of transformers, a name on the hub. docs/backbones.md says what each takes.
    ``random_weights``: start from random weights drawn with ``seed`` (the paper's "without pretraining"); batch norms
    then learn their statistics, and checkpoints are left alone.
    """

    name: str = DEFAULT_BACKBONE
    checkpoint: str = ""
    audio_checkpoint: str = ""
    random_weights: bool = False
    seed: int = 0


def load_backbone(spec: BackboneSpec) -> Backbone:
    """The backbone with its weights, on the CPU, in inference mode.

    Raises UnknownBackboneError for a name that is not there or an option it does not take, CheckpointMissingError if a
    checkpoint is not named or not found, CheckpointMismatchError if it holds other tensors, ModelSourceError if a
    package with weights or words cannot be fetched, PackageMissingError if transformers is needed and not installed.
    """
    if spec.name not in _MAKERS:
        raise UnknownBackboneError(f'backbone = "{spec.name}" is none of {", ".join(_MAKERS)}.', name=spec.name)
    if spec.audio_checkpoint and spec.name in _OF_ONE_CHECKPOINT:
        raise UnknownBackboneError(
            f"The backbone {spec.name} takes no audio_checkpoint: its checkpoint holds the music encoder too.",
            name=spec.name,
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(spec.seed)
        backbone = _MAKERS[spec.name](spec)
    backbone.fixed_norms = not spec.random_weights
    backbone.eval()
    return backbone


def _small(spec: BackboneSpec) -> Backbone:
    words = Tokenizer.from_str(published.sentence_weights()[1].decode())
    backbone = SmallBackbone(words)
    if spec.random_weights:
        return backbone
    if spec.checkpoint:
        backbone.load(_file(spec, "checkpoint", "a state dictionary of this backbone, or nothing"))
    else:
        wheel = (
            _file(spec, "audio_checkpoint", "a wheel of musicnn 0.1.0, or nothing") if spec.audio_checkpoint else None
        )
        backbone.load_published(music_wheel=wheel)
    return backbone


def _audioclip(spec: BackboneSpec) -> Backbone:
    what = "AudioCLIP-Full-Training.pt or AudioCLIP-Partial-Training.pt"
    path = None if spec.random_weights else _file(spec, "checkpoint", what)
    backbone = AudioClipBackbone(fetch_tokens())
    if path is not None:
        backbone.load(path)
    return backbone


def _clip_clap(spec: BackboneSpec) -> Backbone:
    _need(spec, "checkpoint", "a CLIP or SigLIP of transformers, such as openai/clip-vit-base-patch32")
    _need(spec, "audio_checkpoint", "a CLAP of transformers, such as laion/larger_clap_music")
    random = spec.random_weights
    pair, clap = PictureText(spec.checkpoint, random_weights=random), Clap(spec.audio_checkpoint, random_weights=random)
    return ClipClapBackbone(pair, clap)


def _wav2clip(spec: BackboneSpec) -> Backbone:
    _need(spec, "checkpoint", "CLIP ViT-B/32 of transformers: openai/clip-vit-base-patch32, or a folder with it")
    path = None if spec.random_weights else _file(spec, "audio_checkpoint", "Wav2CLIP.pt")
    pair = PictureText(spec.checkpoint, random_weights=spec.random_weights)
    backbone = Wav2ClipBackbone(pair)
    if path is not None:
        backbone.load_audio(path)
    return backbone


def _tiny(spec: BackboneSpec) -> Backbone:
    what = "a state dictionary of this backbone; none is published, so pretrained = false is the usual way"
    path = None if spec.random_weights else _file(spec, "checkpoint", what)
    backbone = TinyBackbone()
    if path is not None:
        load_state(backbone, read_state(path), source=str(path))
    return backbone


def _file(spec: BackboneSpec, option: str, what: str) -> Path:
    _need(spec, option, what)
    path = Path(getattr(spec, option)).expanduser().absolute()
    if not path.is_file():
        raise CheckpointMissingError(
            f"{option}: there is no file {path}. The backbone {spec.name} takes {what}; docs/backbones.md says more.",
            backbone=spec.name,
        )
    return path


def _need(spec: BackboneSpec, option: str, what: str) -> None:
    if not getattr(spec, option):
        raise CheckpointMissingError(
            f"The backbone {spec.name} needs `{option}`: {what}. docs/backbones.md says where it is published.",
            backbone=spec.name,
        )


_OF_ONE_CHECKPOINT = frozenset({"audioclip", "tiny"})
_MAKERS: dict[str, Callable[[BackboneSpec], Backbone]] = {
    "small": _small,
    "audioclip": _audioclip,
    "clip-clap": _clip_clap,
    "wav2clip": _wav2clip,
    "tiny": _tiny,
}
