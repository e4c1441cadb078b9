"""Records of numbers, words, bytes and arrays as bytes in a pipe. Pure.

The reader need not trust the writer: nothing but plain values comes out, and no more than is stated. A frame is two
little-endian 32-bit counts, a JSON head of so many bytes, and as many bytes of content: the arrays and byte strings the
head names, one after the other.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, TypeGuard

import numpy as np
from numpy.typing import NDArray

Value: TypeAlias = "int | float | str | bool | bytes | NDArray[Any] | list[int] | list[bytes] | None"
Record: TypeAlias = dict[str, Value]
ReadExactly: TypeAlias = Callable[[int], bytearray]
"""Reads exactly so many bytes; raises EOFError where there are fewer."""

ENDED = "_ended"
"""The field of a process's last record: how its work ended, ``well`` or the name of an error's class."""

MAX_HEAD_BYTE_COUNT = 1 << 20
MAX_CONTENT_BYTE_COUNT = 1 << 28
_MAX_DIMENSIONS = 8
_PREFIX = struct.Struct("<II")
_DTYPES = frozenset(("|b1", "|u1", "<i4", "<i8", "<f2", "<f4", "<f8"))


class FramingError(ValueError):
    """What came is no record."""


def pack(record: Mapping[str, Value]) -> list[bytes]:
    """A record as pieces to be written one after the other. Raises ValueError for what a record cannot hold."""
    head: dict[str, Any] = {}
    content: list[bytes] = []
    for name, value in record.items():
        if isinstance(value, np.ndarray):
            kind = value.dtype.newbyteorder("<").str
            if kind not in _DTYPES:
                raise ValueError(f"{name} is an array of {value.dtype}, which a record cannot hold")
            # Keeps the shape of an array of no dimensions, unlike ascontiguousarray.
            data = np.asarray(value, dtype=kind, order="C")
            head[name] = {"dtype": kind, "shape": list(data.shape)}
            content.append(data.tobytes())
        elif isinstance(value, bytes):
            head[name] = {"size": len(value)}
            content.append(value)
        elif isinstance(value, list) and value and all(isinstance(each, bytes) for each in value):
            head[name] = {"sizes": [len(each) for each in value if isinstance(each, bytes)]}
            content.extend(each for each in value if isinstance(each, bytes))
        else:
            head[name] = {"value": value}
    text = json.dumps(head, separators=(",", ":"), allow_nan=False).encode()
    size = sum(len(each) for each in content)
    if len(text) > MAX_HEAD_BYTE_COUNT or size > MAX_CONTENT_BYTE_COUNT:
        raise ValueError(f"a record of {len(text)} and {size} bytes is too large: divide it")
    return [_PREFIX.pack(len(text), size), text, *content]


def unpack(read: ReadExactly) -> Record:
    """The next record. Arrays are views of what was read. Raises FramingError, and EOFError where the bytes end."""
    head_size, size = _PREFIX.unpack(read(_PREFIX.size))
    if head_size > MAX_HEAD_BYTE_COUNT or size > MAX_CONTENT_BYTE_COUNT:
        raise FramingError(f"a record claims {head_size} and {size} bytes")
    try:
        head = json.loads(read(head_size))
        entries = [(str(name), dict(entry)) for name, entry in head.items()]
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise FramingError(f"a record's head cannot be read: {error}") from error
    content, record, at = memoryview(read(size)), Record(), 0
    for name, entry in entries:
        record[name], at = _value(name, entry, content, at)
    if at != size:
        raise FramingError(f"a record has {size} bytes, of which its head explains {at}")
    return record


def _value(name: str, entry: dict[str, Any], content: memoryview, at: int) -> tuple[Value, int]:
    if "dtype" in entry:
        kind, shape = entry["dtype"], entry.get("shape")
        if not isinstance(kind, str) or kind not in _DTYPES or not _are_counts(shape) or len(shape) > _MAX_DIMENSIONS:
            raise FramingError(f"{name} is no array that a record can hold")
        part, at = _taken(name, content, at, math.prod(shape) * np.dtype(kind).itemsize)
        try:
            return np.frombuffer(part, dtype=kind).reshape(shape), at
        except (ValueError, OverflowError) as error:
            raise FramingError(f"{name} has no possible shape: {error}") from error
    if "size" in entry:
        if not _are_counts([entry["size"]]):
            raise FramingError(f"{name} has no size")
        part, at = _taken(name, content, at, entry["size"])
        return bytes(part), at
    if "sizes" in entry:
        if not _are_counts(entry["sizes"]):
            raise FramingError(f"{name} has no sizes")
        parts: list[bytes] = []
        for each in entry["sizes"]:
            part, at = _taken(name, content, at, each)
            parts.append(bytes(part))
        return parts, at
    value = entry.get("value")
    plain = value is None or isinstance(value, int | float | str)
    if not plain and not (isinstance(value, list) and all(type(each) is int for each in value)):
        raise FramingError(f"{name} is no plain value")
    return value, at


def _are_counts(values: object) -> TypeGuard[list[int]]:
    return isinstance(values, list) and len(values) <= 1 << 20 and all(type(n) is int and n >= 0 for n in values)


def _taken(name: str, content: memoryview, at: int, size: int) -> tuple[memoryview, int]:
    if at + size > len(content):
        raise FramingError(f"{name} is longer than its record")
    return content[at : at + size], at + size
