"""Reads the tensors of a PyTorch checkpoint without PyTorch.

Both of PyTorch's file formats are understood: the zip archive (since 1.6) and the older run of pickles. The unpickler
knows three names - ``OrderedDict``, ``_rebuild_tensor_v2`` and the storage classes - and refuses every other, so a
checkpoint from anywhere can name no code to run.
"""

from __future__ import annotations

import io
import math
import pickle
import struct
import zipfile
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from moodcut_kit.errors import InvalidArgumentError

if TYPE_CHECKING:
    import numpy as np

_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_LEGACY_PROTOCOL = 1001
_STORAGE_DTYPES = {
    "DoubleStorage": "<f8",
    "FloatStorage": "<f4",
    "HalfStorage": "<f2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "<i1",
    "ByteStorage": "<u1",
    "BoolStorage": "|b1",
}


class CheckpointError(InvalidArgumentError):
    """The file is not a PyTorch checkpoint of plain tensors, or is damaged."""

    reason = "BAD_CHECKPOINT"


@dataclass(frozen=True, slots=True)
class _StorageType:
    """Stands for ``torch.FloatStorage`` and its siblings."""

    dtype: str


@dataclass(frozen=True, slots=True)
class _TensorView:
    """A tensor before its storage is read: offset, size and stride count elements."""

    key: str
    dtype: str
    count: int
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Storage:
    key: str
    dtype: str
    count: int


def _rebuild_tensor(storage: _Storage, offset: int, size: Any, stride: Any, *_: Any) -> _TensorView:
    if not isinstance(storage, _Storage):
        raise CheckpointError("The checkpoint describes a tensor without a storage.")
    return _TensorView(storage.key, storage.dtype, storage.count, int(offset), tuple(size), tuple(stride))


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _rebuild_tensor
        if module == "torch" and name in _STORAGE_DTYPES:
            return _StorageType(_STORAGE_DTYPES[name])
        raise CheckpointError(f"The checkpoint asks for {module}.{name}, which is not plain tensors.")

    def persistent_load(self, pid: Any) -> _Storage:
        if not (isinstance(pid, tuple) and len(pid) >= 5 and pid[0] == "storage" and isinstance(pid[1], _StorageType)):
            raise CheckpointError("The checkpoint refers to something that is not a tensor's storage.")
        return _Storage(str(pid[2]), pid[1].dtype, int(pid[4]))


def read_torch_checkpoint(source: Path | str | bytes) -> dict[str, np.ndarray]:
    """Tensors of a checkpoint by name, as arrays of their own dtype, in the file's order.

    ``source`` is a path or the file's bytes. Nested dictionaries are flattened with dots (``model.conv.weight``);
    values that are not tensors (epoch numbers, optimiser settings) are left out. bfloat16 is not supported.

    Raises CheckpointError if the file is neither format, is truncated, or asks for anything but tensors.
    """
    data = source if isinstance(source, bytes) else Path(source).read_bytes()
    try:
        tree, storages = _read_zip(data) if data[:4] == b"PK\x03\x04" else _read_legacy(data)
        found: dict[str, np.ndarray] = {}
        _flatten(tree, "", storages, found)
    except CheckpointError:
        raise
    except (
        pickle.UnpicklingError,
        zipfile.BadZipFile,
        EOFError,
        KeyError,
        ValueError,
        TypeError,
        struct.error,
    ) as error:
        raise CheckpointError(f"This is not a readable PyTorch checkpoint: {error}") from error
    except (AttributeError, IndexError, MemoryError, OverflowError) as error:
        raise CheckpointError(f"This PyTorch checkpoint is damaged: {type(error).__name__}: {error}") from error
    return found


def _read_zip(data: bytes) -> tuple[Any, dict[str, bytes]]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = archive.namelist()
        index = next((name for name in names if name == "data.pkl" or name.endswith("/data.pkl")), None)
        if index is None:
            raise CheckpointError("The zip archive holds no data.pkl, so it is no PyTorch checkpoint.")
        root = index.removesuffix("data.pkl")
        order = f"{root}byteorder"
        if order in names and archive.read(order) != b"little":
            raise CheckpointError("The checkpoint was written on a big-endian machine, which is not supported.")
        tree = _Unpickler(io.BytesIO(archive.read(index))).load()
        prefix = f"{root}data/"
        return tree, {name[len(prefix) :]: archive.read(name) for name in names if name.startswith(prefix)}


def _read_legacy(data: bytes) -> tuple[Any, dict[str, bytes]]:
    file: BinaryIO = io.BytesIO(data)
    if _Unpickler(file).load() != _LEGACY_MAGIC or _Unpickler(file).load() != _LEGACY_PROTOCOL:
        raise CheckpointError("The file does not start like a PyTorch checkpoint.")
    system = _Unpickler(file).load()
    if not system.get("little_endian", True):
        raise CheckpointError("The checkpoint was written on a big-endian machine, which is not supported.")
    collected: dict[str, _Storage] = {}

    class Collector(_Unpickler):
        def persistent_load(self, pid: Any) -> _Storage:
            storage = super().persistent_load(pid)
            collected[storage.key] = storage
            return storage

    tree = Collector(file).load()
    import numpy as np

    storages: dict[str, bytes] = {}
    for key in _Unpickler(file).load():
        (count,) = struct.unpack("<q", file.read(8))
        byte_count = count * np.dtype(collected[str(key)].dtype).itemsize
        content = file.read(byte_count) if count >= 0 else b""
        if count < 0 or len(content) != byte_count:
            raise CheckpointError("The checkpoint is truncated: a tensor's storage is incomplete.")
        storages[str(key)] = content
    return tree, storages


def _flatten(node: Any, prefix: str, storages: dict[str, bytes], found: dict[str, np.ndarray]) -> None:
    if isinstance(node, _TensorView):
        found[prefix] = _array(node, prefix, storages)
    elif isinstance(node, dict):
        for key, value in node.items():
            _flatten(value, f"{prefix}.{key}" if prefix else str(key), storages, found)


def _array(view: _TensorView, name: str, storages: dict[str, bytes]) -> np.ndarray:
    import numpy as np

    flat = np.frombuffer(storages[view.key], dtype=view.dtype)
    if len(view.size) != len(view.stride) or min((*view.size, *view.stride, view.offset, 0)) < 0:
        raise CheckpointError(f"Tensor {name} has an impossible shape.")
    if math.prod(view.size) == 0:
        return np.zeros(view.size, dtype=view.dtype)
    last = view.offset + sum((size - 1) * stride for size, stride in zip(view.size, view.stride, strict=True))
    if last >= flat.size or math.prod(view.size) > flat.size:
        raise CheckpointError(f"Tensor {name} reaches beyond its storage.")
    strides = [stride * flat.itemsize for stride in view.stride]
    return np.lib.stride_tricks.as_strided(flat[view.offset :], view.size, strides).copy()
