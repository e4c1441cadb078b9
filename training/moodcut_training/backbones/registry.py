"""Backbones by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from moodcut_training.backbones.base import Backbone
from moodcut_training.errors import BackboneError


@dataclass(frozen=True, slots=True, kw_only=True)
class BackboneSpec:
    """Which backbone, and where its weights come from.

    ``checkpoint`` and ``audio_checkpoint`` are paths or hub names; what is empty is the backbone's usual one.
    ``random_weights`` takes the structure alone, drawn from ``seed``.
    """

    name: str
    checkpoint: str = ""
    audio_checkpoint: str = ""
    random_weights: bool = False
    seed: int = 0


def _tiny(spec: BackboneSpec) -> Backbone:
    from moodcut_training.backbones.tiny import load_tiny

    return load_tiny(spec.checkpoint, random_weights=spec.random_weights, seed=spec.seed)


_LOADERS: Final[dict[str, Callable[[BackboneSpec], Backbone]]] = {"tiny": _tiny}


def load_backbone(spec: BackboneSpec) -> Backbone:
    """The backbone with its weights, on the CPU. Raises BackboneError."""
    loader = _LOADERS.get(spec.name)
    if loader is None:
        raise BackboneError(f"There is no backbone {spec.name!r}; choose one of {', '.join(_LOADERS)}.", name=spec.name)
    return loader(spec)
