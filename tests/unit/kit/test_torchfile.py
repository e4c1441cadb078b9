"""Both formats of PyTorch checkpoints, written here opcode by opcode, since PyTorch itself is not at hand."""

from __future__ import annotations

import io
import pickle
import struct
import zipfile

import numpy as np
import pytest

from moodcut_kit.torchfile import CheckpointError, read_torch_checkpoint

VALUES = np.arange(12, dtype="<f4")


def text(value: str) -> bytes:
    raw = value.encode()
    return b"X" + struct.pack("<I", len(raw)) + raw


def number(value: int) -> bytes:
    return b"J" + struct.pack("<i", value)


def numbers(*values: int) -> bytes:
    return b"(" + b"".join(number(value) for value in values) + b"t"


def storage(kind: str, count: int, *, key: str = "0", tail: bytes = b"") -> bytes:
    """Opcodes of a persistent id ('storage', torch.<kind>, key, 'cpu', count)."""
    named = b"(" + text("storage") + b"ctorch\n" + kind.encode() + b"\n" + text(key) + text("cpu") + number(count)
    return named + tail + b"tQ"


def tensor(
    kind: str, count: int, offset: int, size: tuple[int, ...], stride: tuple[int, ...], tail: bytes = b""
) -> bytes:
    arguments = storage(kind, count, tail=tail) + number(offset) + numbers(*size) + numbers(*stride) + b"\x89" + b"N"
    return b"ctorch._utils\n_rebuild_tensor_v2\n(" + arguments + b"tR"


def dictionary(**items: bytes) -> bytes:
    return b"ccollections\nOrderedDict\n)R(" + b"".join(text(key) + value for key, value in items.items()) + b"u"


def document(body: bytes) -> bytes:
    return b"\x80\x02" + body + b"."


def zipped(body: bytes, content: bytes = VALUES.tobytes()) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("archive/data.pkl", document(body))
        archive.writestr("archive/data/0", content)
    return target.getvalue()


def legacy(body: bytes, content: bytes = VALUES.tobytes(), count: int = 12) -> bytes:
    head = [pickle.dumps(value, 2) for value in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True})]
    return b"".join(head) + document(body) + pickle.dumps(["0"], 2) + struct.pack("<q", count) + content


def test_zip_with_offset_stride_and_nesting() -> None:
    body = dictionary(
        plain=tensor("FloatStorage", 12, 0, (3, 4), (4, 1)),
        model=dictionary(turned=tensor("FloatStorage", 12, 4, (4, 2), (1, 4))),
        epoch=number(7),
    )
    found = read_torch_checkpoint(zipped(body))
    assert list(found) == ["plain", "model.turned"]
    np.testing.assert_array_equal(found["plain"], VALUES.reshape(3, 4))
    np.testing.assert_array_equal(found["model.turned"], VALUES[4:].reshape(2, 4).T)


def test_legacy_reads_the_same() -> None:
    body = dictionary(weight=tensor("FloatStorage", 12, 0, (2, 6), (6, 1), tail=b"N"))
    found = read_torch_checkpoint(legacy(body))
    np.testing.assert_array_equal(found["weight"], VALUES.reshape(2, 6))
    assert found["weight"].dtype == np.float32
    assert found["weight"].flags.writeable


def test_scalar_and_empty_tensors() -> None:
    body = dictionary(one=tensor("FloatStorage", 12, 5, (), ()), none=tensor("FloatStorage", 12, 0, (0, 3), (3, 1)))
    found = read_torch_checkpoint(zipped(body))
    assert found["one"].shape == ()
    assert found["one"] == 5
    assert found["none"].shape == (0, 3)


@pytest.mark.parametrize("wrap", [zipped, legacy])
def test_code_is_refused(wrap: object) -> None:
    body = dictionary(bad=b"cos\nsystem\n(" + text("true") + b"tR")
    with pytest.raises(CheckpointError, match=r"os\.system"):
        read_torch_checkpoint(wrap(body))  # type: ignore[operator]


def test_a_tensor_may_not_leave_its_storage() -> None:
    for size, stride, offset in (((13,), (1,), 0), ((2, 6), (7, 1), 0), ((4,), (1,), 9), ((4,), (-1,), 5)):
        body = dictionary(bad=tensor("FloatStorage", 12, offset, size, stride))
        with pytest.raises(CheckpointError, match="bad"):
            read_torch_checkpoint(zipped(body))


def test_damage_is_named() -> None:
    good = zipped(dictionary(w=tensor("FloatStorage", 12, 0, (12,), (1,))))
    for broken in (b"", b"nonsense", good[:100], pickle.dumps({"a": 1}), legacy(dictionary(), VALUES.tobytes()[:9])):
        with pytest.raises(CheckpointError):
            read_torch_checkpoint(broken)
