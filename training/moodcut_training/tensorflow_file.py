"""Reads the variables of a TensorFlow checkpoint (index and data file) without TensorFlow.

The index is a sorted string table (LevelDB's block format, uncompressed, keys with shared prefixes); each value is a
small protocol buffer that says where in the data file a variable lies.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np

_FOOTER_BYTES = 48
_MAGIC = 0xDB4775248B80FB57
_TRAILER_BYTES = 5  # compression kind and checksum after every block
_DTYPES = {1: "<f4", 2: "<f8", 3: "<i4", 9: "<i8"}


class TensorFlowCheckpointError(ValueError):
    """The files are not a TensorFlow checkpoint of this format."""


def read_variables(index: bytes, data: bytes) -> dict[str, np.ndarray]:
    """Variables by name, from the bytes of the ``.index`` file and of the only ``.data`` shard.

    Raises TensorFlowCheckpointError if the table is compressed, sharded or damaged.
    """
    if len(index) < _FOOTER_BYTES or struct.unpack("<Q", index[-8:])[0] != _MAGIC:
        raise TensorFlowCheckpointError("The index does not end like a TensorFlow checkpoint's.")
    footer = index[-_FOOTER_BYTES:]
    _, at = _varint(footer, 0)
    _, at = _varint(footer, at)
    offset, at = _varint(footer, at)
    size, _ = _varint(footer, at)
    variables: dict[str, np.ndarray] = {}
    for _, handle in _entries(_block(index, offset, size)):
        block_offset, after = _varint(handle, 0)
        block_size, _ = _varint(handle, after)
        for key, value in _entries(_block(index, block_offset, block_size)):
            if key:  # the empty key holds the header
                variables[key.decode()] = _variable(key.decode(), value, data)
    return variables


def _block(table: bytes, offset: int, size: int) -> bytes:
    if offset + size + _TRAILER_BYTES > len(table):
        raise TensorFlowCheckpointError("The index is truncated.")
    if table[offset + size] != 0:
        raise TensorFlowCheckpointError("The index is compressed, which is not supported.")
    return table[offset : offset + size]


def _entries(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    (restarts,) = struct.unpack("<I", block[-4:])
    end, at, key = len(block) - 4 * (restarts + 1), 0, b""
    while at < end:
        shared, at = _varint(block, at)
        own, at = _varint(block, at)
        length, at = _varint(block, at)
        key = key[:shared] + block[at : at + own]
        yield key, block[at + own : at + own + length]
        at += own + length


def _variable(name: str, entry: bytes, data: bytes) -> np.ndarray:
    numbers, messages = _fields(entry)
    shape = [_fields(size)[0].get(1, 0) for dims in messages.get(2, []) for size in _fields(dims)[1].get(2, [])]
    kind, shard, offset, size = (numbers.get(number, 0) for number in (1, 3, 4, 5))
    if kind not in _DTYPES or shard != 0 or offset + size > len(data):
        raise TensorFlowCheckpointError(f"Variable {name} cannot be read (kind {kind}, shard {shard}).")
    flat = np.frombuffer(data, dtype=_DTYPES[kind], count=size // np.dtype(_DTYPES[kind]).itemsize, offset=offset)
    return flat.reshape(shape).copy()


def _fields(message: bytes) -> tuple[dict[int, int], dict[int, list[bytes]]]:
    """Fields of a protocol buffer by number: integers (the last of each), and nested messages (all of each)."""
    numbers: dict[int, int] = {}
    messages: dict[int, list[bytes]] = {}
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        number, wire = tag >> 3, tag & 7
        if wire == 0:
            numbers[number], at = _varint(message, at)
        elif wire == 2:
            length, at = _varint(message, at)
            messages.setdefault(number, []).append(message[at : at + length])
            at += length
        elif wire == 5:
            at += 4
        else:
            raise TensorFlowCheckpointError(f"Unknown wire type {wire} in the index.")
    return numbers, messages


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(data):
            raise TensorFlowCheckpointError("The index is truncated.")
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
