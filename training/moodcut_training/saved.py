"""A trained network as one file: its weights, and what is needed to build it again without the published checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import torch

from moodcut_kit.modelcache import publish
from moodcut_training.backbones.registry import BackboneSpec, load_backbone
from moodcut_training.errors import CheckpointError
from moodcut_training.network import EmotionNetwork

_FORMAT: Final = "moodcut.trained/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedModel:
    """A network in evaluation mode on the CPU, and what is known of it.

    ``config``: the run's, as plain values. ``temperatures`` of the class logits by modality ("image", "music").
    ``report``: the figures of its held-out split.
    """

    network: EmotionNetwork
    config: dict[str, Any]
    temperatures: dict[str, float]
    report: dict[str, Any]

    @property
    def prompts(self) -> tuple[str, ...]:
        """The six fixed prompts, in the order of EMOTIONS."""
        return tuple(self.config["prompts"].values())


def save_model(path: Path, model: TrainedModel) -> Path:
    """Write the model whole or not at all."""
    content = {
        "format": _FORMAT,
        "network": model.network.state_dict(),
        "config": model.config,
        "temperatures": model.temperatures,
        "report": model.report,
        "versions": {"moodcut": _version(), "torch": str(torch.__version__)},
    }
    return publish(path, lambda target: torch.save(content, target))


def load_model(path: Path) -> TrainedModel:
    """Read a model that :func:`save_model` wrote. Raises CheckpointError."""
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise CheckpointError(f"There is no model {path}.", file=path) from error
    except Exception as error:  # what torch.load raises has no common root
        raise CheckpointError(f"{path} is no trained model, or is damaged: {error}", file=path) from error
    if not isinstance(content, dict) or content.get("format") != _FORMAT:
        raise CheckpointError(f"{path} is no trained model of this version of moodcut.", file=path)
    config = content["config"]
    network = build_network(config, random_weights=True)
    try:
        network.load_state_dict(content["network"])
    except RuntimeError as error:
        raise CheckpointError(f"{path} does not fit the backbone {config['backbone']}: {error}", file=path) from error
    network.eval()
    return TrainedModel(network=network, config=config, temperatures=content["temperatures"], report=content["report"])


def build_network(config: Mapping[str, Any], *, random_weights: bool) -> EmotionNetwork:
    """The network that a run's description asks for, new heads drawn from torch's generator. Raises BackboneError."""
    spec = BackboneSpec(
        name=config["backbone"],
        checkpoint=config["checkpoint"],
        audio_checkpoint=config["audio_checkpoint"],
        random_weights=random_weights,
        seed=config["seed"],
    )
    return EmotionNetwork(
        load_backbone(spec),
        dimension=config["dimension"],
        scale=config["scale"],
        bias=config["bias"],
        with_classifier=config["with_classifier"],
    )


def _version() -> str:
    try:
        return metadata.version("moodcut")
    except metadata.PackageNotFoundError:
        return ""
