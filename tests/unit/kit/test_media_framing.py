"""Records as bytes: what goes in comes out, and nothing else can."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from moodcut_kit.media.framing import MAX_CONTENT_BYTE_COUNT, FramingError, Record, Value, pack, unpack

_ARRAYS = arrays.arrays(
    dtype=st.sampled_from(["bool", "uint8", "int32", "int64", "float16", "float32", "float64", ">i4"]),
    shape=arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5),
)
_VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**80), 2**80),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(),
    st.binary(),
    st.lists(st.integers()),
    st.lists(st.binary(), min_size=1),
    _ARRAYS,
)


class _Bytes:
    def __init__(self, data: bytes) -> None:
        self.left = data

    def read(self, count: int) -> bytearray:
        if count > len(self.left):
            raise EOFError
        data, self.left = bytearray(self.left[:count]), self.left[count:]
        return data


@given(st.lists(st.dictionaries(st.text(), _VALUES, max_size=5), max_size=3))
def test_records_come_back(records: list[Record]) -> None:
    source = _Bytes(b"".join(b"".join(pack(record)) for record in records))
    for record in records:
        back = unpack(source.read)
        assert back.keys() == record.keys()
        for name, value in record.items():
            _assert_same(back[name], value)
    assert not source.left
    with pytest.raises(EOFError):
        unpack(source.read)


def _assert_same(back: Value, value: Value) -> None:
    if isinstance(value, np.ndarray):
        assert isinstance(back, np.ndarray)
        assert (back.dtype, back.shape) == (value.dtype.newbyteorder("<"), value.shape)
        assert back.astype(value.dtype).tobytes() == value.tobytes()
    else:
        assert (type(back), back) == (type(value), value)


@given(st.binary(max_size=300), st.integers(0, 400))
def test_whatever_comes_gives_a_record_or_an_error_of_framing(rubbish: bytes, size: int) -> None:
    for data in (rubbish, struct.pack("<II", len(rubbish), size) + rubbish + bytes(size)):
        try:
            record = unpack(_Bytes(data).read)
        except (FramingError, EOFError):
            continue
        assert all(isinstance(name, str) for name in record)


_NESTED = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
_ENTRIES = st.fixed_dictionaries(
    {},
    optional={
        "dtype": st.sampled_from(["|u1", "<f8", "|O", "V8"]) | _NESTED,
        "shape": st.lists(st.integers(-1, 2**70), max_size=10) | _NESTED,
        "size": st.integers(-2, 40) | _NESTED,
        "sizes": st.lists(st.integers(-2, 20)) | _NESTED,
        "value": _NESTED,
    },
)


@given(st.dictionaries(st.text(max_size=3), _ENTRIES, max_size=3) | _NESTED, st.integers(0, 40))
def test_heads_that_lie_are_refused(head: object, size: int) -> None:
    text = json.dumps(head).encode()
    try:
        record = unpack(_Bytes(struct.pack("<II", len(text), size) + text + bytes(size)).read)
    except FramingError:
        return
    for value in record.values():
        assert value is None or isinstance(value, int | float | str | bytes | list | np.ndarray)
        assert not isinstance(value, np.ndarray) or value.dtype.kind in "biuf"


@pytest.mark.parametrize("sizes", [(1 << 30, 0), (2, MAX_CONTENT_BYTE_COUNT + 1), (2**32 - 1, 2**32 - 1)])
def test_no_record_is_larger_than_it_may_be(sizes: tuple[int, int]) -> None:
    def read(count: int) -> bytearray:
        assert count == 8, "nothing of the record is read"
        return bytearray(struct.pack("<II", *sizes))

    with pytest.raises(FramingError, match="claims"):
        unpack(read)


def test_what_a_record_cannot_hold_is_not_written() -> None:
    with pytest.raises(ValueError, match="object"):
        pack({"a": np.array([{}], dtype=object)})
    with pytest.raises(ValueError):
        pack({"a": float("nan")})
    with pytest.raises(ValueError, match="too large"):
        pack({"a": np.zeros(MAX_CONTENT_BYTE_COUNT + 1, np.uint8)})
