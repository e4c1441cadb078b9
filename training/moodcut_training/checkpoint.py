"""The state of a run on disk: all it takes to go on exactly as if nothing had happened."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from moodcut_kit.modelcache import publish
from moodcut_training.config import differences
from moodcut_training.errors import CheckpointError

LAST: Final = "last.pt"
BEST: Final = "best.pt"
_VERSION: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Where a run stands: ``epoch`` is the one it is in, counted from 0, of which ``batch_count`` batches are done.

    ``step`` counts all batches. ``best_value`` is the best validation figure yet, of ``best_epoch`` (-1: none).
    """

    epoch: int = 0
    batch_count: int = 0
    step: int = 0
    best_epoch: int = -1
    best_value: float = float("-inf")


def random_state() -> dict[str, Any]:
    """The states of all global generators: Python's, numpy's, torch's on every device."""
    kind, keys, position, has_gauss, cached = np.random.get_state()  # noqa: NPY002  # a backbone may use it
    version, internal, gauss = random.getstate()
    return {
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        "numpy": [kind, torch.from_numpy(np.asarray(keys, dtype=np.int64)), position, has_gauss, cached],
        "python": [version, list(internal), gauss],
    }


def restore_random_state(state: Mapping[str, Any]) -> None:
    """The inverse of :func:`random_state`. States of GPUs that are not here are left out."""
    torch.set_rng_state(state["torch"])
    if state["cuda"] and torch.cuda.device_count() == len(state["cuda"]):
        torch.cuda.set_rng_state_all(state["cuda"])
    kind, keys, position, has_gauss, cached = state["numpy"]
    legacy = (kind, keys.numpy().astype(np.uint32), position, has_gauss, cached)
    np.random.set_state(legacy)  # noqa: NPY002
    version, internal, gauss = state["python"]
    random.setstate((version, tuple(internal), gauss))


def save_checkpoint(
    path: Path,
    *,
    network: torch.nn.Module,
    optimiser: torch.optim.Optimizer | None,
    progress: Progress,
    description: Mapping[str, Any],
) -> None:
    """Write a checkpoint whole or not at all. ``description`` is the run's, its data included, as plain values.

    ``optimiser`` None: no run goes on from it; of Adam that leaves two thirds of the file away.
    """
    content = {
        "version": _VERSION,
        "network": network.state_dict(),
        "optimiser": None if optimiser is None else optimiser.state_dict(),
        "progress": asdict(progress),
        "random": random_state(),
        "description": dict(description),
    }
    publish(path, lambda target: torch.save(content, target))


def load_checkpoint(
    path: Path,
    *,
    network: torch.nn.Module,
    optimiser: torch.optim.Optimizer,
    description: Mapping[str, Any],
) -> Progress:
    """Bring network, optimiser and generators to where the checkpoint left them, and say where that is.

    Raises CheckpointError if it cannot be read, or belongs to a run of another ``description``, naming what differs.
    """
    content = read_checkpoint(path)
    changed = differences(content["description"], description)
    if changed:
        raise CheckpointError(
            f"{path} is of a run with other settings: {'; '.join(changed)}. Set them back, choose another output "
            "folder, or begin anew with --again.",
            file=path,
        )
    try:
        network.load_state_dict(content["network"])
        optimiser.load_state_dict(content["optimiser"])
    except (RuntimeError, ValueError, KeyError) as error:
        raise CheckpointError(f"{path} does not fit this network: {error}", file=path) from error
    restore_random_state(content["random"])
    return Progress(**content["progress"])


def read_checkpoint(path: Path) -> dict[str, Any]:
    """A checkpoint's content, on the CPU; nothing but tensors and plain values is read. Raises CheckpointError."""
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise CheckpointError(f"There is no checkpoint {path}.", file=path) from error
    except Exception as error:  # what torch.load raises has no common root
        raise CheckpointError(f"{path} is no checkpoint, or is damaged: {error}", file=path) from error
    if not isinstance(content, dict) or content.get("version") != _VERSION:
        raise CheckpointError(f"{path} is no checkpoint of this version of moodcut.", file=path)
    return content
