"""musicnn in PyTorch (see :mod:`moodcut_training.musicnn`), with the variables of its TensorFlow checkpoints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from moodcut_training.backbones.errors import CheckpointMismatchError
from moodcut_training.musicnn import EPSILON, MEL_COUNT

_DENSE_LENGTH = 7
_CONVOLUTIONS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class MusicnnShape:
    """Sizes of the network; the defaults are those of MTT_musicnn and MSD_musicnn.

    ``timbral``: filters of the two timbral branches, which see 7 frames and 0.4 or 0.7 of the mel bands; ``temporal``:
    filters of each temporal branch; ``temporal_lengths``: how many frames these see.
    """

    timbral: int = 204
    temporal: int = 51
    temporal_lengths: tuple[int, ...] = (128, 64, 32)
    dense: int = 64
    hidden: int = 200
    tags: int = 50

    def kernels(self) -> list[tuple[int, int, int]]:
        """Frames, bands and filters of the eight convolutions, in the order of the checkpoint."""
        front = [(7, int(share * MEL_COUNT), self.timbral) for share in (0.4, 0.7)]
        front += [(length, 1, self.temporal) for length in self.temporal_lengths]
        width = sum(filters for _, _, filters in front)
        return [*front, *((_DENSE_LENGTH, inputs, self.dense) for inputs in (width, self.dense, self.dense))]


class Musicnn(nn.Module):  # type: ignore[misc]  # torch may be absent where types are checked
    """Patches float32 [n, 187, 96] -> penultimate layer [n, 200] and probabilities of tags [n, 50]."""

    def __init__(self, shape: MusicnnShape | None = None) -> None:
        super().__init__()
        shape = shape or MusicnnShape()
        kernels = shape.kernels()
        sizes = [(1, filters, (frames, bands)) for frames, bands, filters in kernels]
        self.convs = nn.ModuleList(nn.Conv2d(inputs, outputs, kernel) for inputs, outputs, kernel in sizes)
        pooled = 2 * (kernels[5][1] + 3 * shape.dense)
        channels = [1, *(filters for _, _, filters in kernels)]
        norms = [nn.BatchNorm2d(count, eps=EPSILON) for count in channels]
        self.norms = nn.ModuleList([*norms, *(nn.BatchNorm1d(n, eps=EPSILON) for n in (pooled, shape.hidden))])
        self.hidden = nn.Linear(pooled, shape.hidden)
        self.tags = nn.Linear(shape.hidden, shape.tags)

    def _convolve(self, x: Tensor, index: int) -> Tensor:
        """[n, 1, frames, bands] -> [n, filters, frames, places]; SAME in time, VALID over the bands."""
        frames = self.convs[index].kernel_size[0]
        padded = functional.pad(x, (0, 0, (frames - 1) // 2, frames // 2))
        return self.norms[index + 1](functional.relu(self.convs[index](padded)))

    def forward(self, patches: Tensor) -> tuple[Tensor, Tensor]:
        """What the network hears in each patch."""
        x = self.norms[0](patches[:, None])
        front = torch.cat([self._convolve(x, index).amax(dim=3) for index in range(5)], dim=1)
        front = front.transpose(1, 2)[:, None]
        first = self._convolve(front, 5).permute(0, 3, 2, 1)
        second = self._convolve(first, 6).permute(0, 3, 2, 1) + first
        third = self._convolve(second, 7).permute(0, 3, 2, 1) + second
        features = torch.cat([front, first, second, third], dim=3)[:, 0]
        pooled = torch.stack([features.amax(dim=1), features.mean(dim=1)], dim=2).flatten(1)
        hidden = self.norms[10](functional.relu(self.hidden(self.norms[9](pooled))))
        return hidden, torch.sigmoid(self.tags(hidden))


def state_of(variables: Mapping[str, np.ndarray]) -> dict[str, Tensor]:
    """A state dictionary of :class:`Musicnn` from the variables of a TensorFlow checkpoint.

    Raises CheckpointMismatchError if a variable is missing.
    """
    state: dict[str, Tensor] = {}

    def take(layer: str, index: int, part: str, name: str, order: tuple[int, ...] = ()) -> None:
        array = variables[f"{layer}_{index}/{part}" if index else f"{layer}/{part}"]
        state[name] = torch.from_numpy(np.array(array.transpose(order) if order else array))

    parts = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var"}
    try:
        for index in range(_CONVOLUTIONS):
            take("conv2d", index, "kernel", f"convs.{index}.weight", (3, 2, 0, 1))
            take("conv2d", index, "bias", f"convs.{index}.bias")
        for index in range(_CONVOLUTIONS + 3):
            for part, name in parts.items():
                take("batch_normalization", index, part, f"norms.{index}.{name}")
            state[f"norms.{index}.num_batches_tracked"] = torch.tensor(0)
        for index, layer in enumerate(("hidden", "tags")):
            take("dense", index, "kernel", f"{layer}.weight", (1, 0))
            take("dense", index, "bias", f"{layer}.bias")
    except KeyError as error:
        raise CheckpointMismatchError(f"The checkpoint of musicnn lacks the variable {error}.") from error
    return state
