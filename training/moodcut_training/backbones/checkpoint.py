"""Reads a PyTorch checkpoint and puts it into a network, saying exactly what does not fit."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from moodcut_training.backbones.errors import CheckpointMismatchError, CheckpointMissingError

_NAMES_SHOWN = 3
# What torch.load raises for files that are no checkpoints.
_DAMAGE = (
    AttributeError,
    EOFError,
    IndexError,
    KeyError,
    RuntimeError,
    TypeError,
    ValueError,
    pickle.UnpicklingError,
    zipfile.BadZipFile,
)


class _Inert:
    """Stands for anything in a pickle that is not a tensor or a plain container; it runs nothing and keeps nothing."""

    def __new__(cls, *_: Any, **__: Any) -> _Inert:
        return super().__new__(cls)

    def __call__(self, *_: Any, **__: Any) -> _Inert:
        return self

    def __setstate__(self, _: Any) -> None: ...

    def __setitem__(self, *_: Any) -> None: ...

    def append(self, _: Any) -> None: ...

    def extend(self, _: Any) -> None: ...


class _TensorsOnly(pickle.Unpickler):
    """Knows what tensors are rebuilt from; every other name a file asks for becomes :class:`_Inert`."""

    _KNOWN = frozenset(
        {
            ("collections", "OrderedDict"),
            ("torch._utils", "_rebuild_tensor_v2"),
            ("torch._utils", "_rebuild_parameter"),
            ("torch", "Size"),
        }
    )

    def find_class(self, module: str, name: str) -> Any:
        known = (module, name) in self._KNOWN or (module == "torch" and name.endswith("Storage"))
        return super().find_class(module, name) if known else _Inert


class _Pickle:
    """The part of the ``pickle`` module that ``torch.load`` asks for."""

    Unpickler = _TensorsOnly
    UnpicklingError = pickle.UnpicklingError
    __name__ = "moodcut_training.backbones.checkpoint"

    @staticmethod
    def load(file: Any, **options: Any) -> Any:
        return _TensorsOnly(file, **options).load()


def read_state(path: Path) -> dict[str, Tensor]:
    """The tensors of a checkpoint by name, on the CPU; under ``state_dict`` if the file has one (Lightning's layout).

    Files are read without running anything they name: what is not a tensor or a plain container is left out.

    Raises CheckpointMissingError if there is no such file, CheckpointMismatchError if it is no checkpoint.
    """
    if not path.is_file():
        raise CheckpointMissingError(f"The checkpoint {path} does not exist.", path=path)
    try:
        content = torch.load(path, map_location="cpu", weights_only=False, pickle_module=_Pickle)
    except _DAMAGE as error:
        detail = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CheckpointMismatchError(f"{path} is not a readable PyTorch checkpoint: {detail}", path=path) from error
    if isinstance(content, Mapping) and isinstance(content.get("state_dict"), Mapping):
        content = content["state_dict"]
    state = {str(k): v for k, v in content.items() if isinstance(v, Tensor)} if isinstance(content, Mapping) else {}
    if not state:
        raise CheckpointMismatchError(f"{path} is a PyTorch file without named tensors.", path=path)
    return state


def load_state(
    network: nn.Module,
    state: Mapping[str, Tensor],
    *,
    source: str,
    optional: Collection[str] = (),
    ignored: Collection[str] = (),
) -> None:
    """Put ``state`` into ``network``, converted to the network's dtypes.

    ``optional`` may be missing and keep what the network has; ``ignored`` are names, or prefixes that end in a dot,
    that the file may hold besides. ``source`` says in the error where the tensors come from.

    Raises CheckpointMismatchError with the first names that are missing, unexpected or of another shape; the network is
    then as it was.
    """
    wanted = network.state_dict()
    prefixes = tuple(name for name in ignored if name.endswith("."))
    given = {name: v for name, v in state.items() if name not in ignored and not name.startswith(prefixes or ("\0",))}
    missing = [name for name in wanted if name not in given and name not in optional]
    unexpected = [name for name in given if name not in wanted]
    misshaped = [
        f"{name} is {list(given[name].shape)}, not {list(tensor.shape)}"
        for name, tensor in wanted.items()
        if name in given and given[name].shape != tensor.shape
    ]
    problems = [
        f"{len(names)} {kind} ({_first(names)})"
        for kind, names in (("missing", missing), ("unexpected", unexpected), ("of another shape", misshaped))
        if names
    ]
    if problems:
        raise CheckpointMismatchError(
            f"{source} does not hold the weights of this network. Tensors: {'; '.join(problems)}.", source=source
        )
    network.load_state_dict({**wanted, **given})


def _first(names: list[str]) -> str:
    return ", ".join(names[:_NAMES_SHOWN]) + (", ..." if len(names) > _NAMES_SHOWN else "")
