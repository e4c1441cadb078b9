"""The published networks as graphs, with random weights against plain numpy."""

from __future__ import annotations

import struct

import numpy as np
import onnxruntime
import pytest
from scipy.signal import correlate

from moodcut_training.efficientnet import fold, same_padding
from moodcut_training.musicnn import build_musicnn
from moodcut_training.tensorflow_file import TensorFlowCheckpointError, read_variables


def test_same_padding_is_tensorflows() -> None:
    assert same_padding(224, 3, 2) == (0, 1)
    assert same_padding(56, 5, 2) == (1, 2)
    assert same_padding(7, 5, 2) == (2, 2)
    assert same_padding(14, 3, 1) == (1, 1)
    assert same_padding(7, 1, 1) == (0, 0)


def test_folding_equals_convolution_then_norm() -> None:
    rng = np.random.default_rng(0)
    weights = {"c.weight": rng.normal(size=(4, 3, 1, 1)).astype(np.float32)}
    for part in ("weight", "bias", "running_mean"):
        weights[f"n.{part}"] = rng.normal(size=4).astype(np.float32)
    weights["n.running_var"] = rng.uniform(0.1, 2, 4).astype(np.float32)
    kernel, bias = fold(weights, "c", "n")
    x = rng.normal(size=(3,)).astype(np.float32)
    plain = weights["c.weight"][:, :, 0, 0] @ x
    normed = (plain - weights["n.running_mean"]) / np.sqrt(weights["n.running_var"] + 1e-3)
    np.testing.assert_allclose(
        kernel[:, :, 0, 0] @ x + bias, normed * weights["n.weight"] + weights["n.bias"], rtol=1e-4
    )


def musicnn_variables() -> dict[str, np.ndarray]:
    """Random weights of the published shapes, with few filters."""
    rng = np.random.default_rng(2)
    variables: dict[str, np.ndarray] = {}

    def norm(index: int, size: int) -> None:
        name = f"batch_normalization_{index}" if index else "batch_normalization"
        for part in ("gamma", "beta", "moving_mean"):
            variables[f"{name}/{part}"] = rng.normal(size=size)
        variables[f"{name}/moving_variance"] = rng.uniform(0.5, 2.0, size)

    norm(0, 1)
    kernels = [(7, 38, 3), (7, 67, 3), (128, 1, 2), (64, 1, 2), (32, 1, 2), (7, 12, 4), (7, 4, 4), (7, 4, 4)]
    for index, (time, width, filters) in enumerate(kernels):
        name = f"conv2d_{index}" if index else "conv2d"
        variables[f"{name}/kernel"] = rng.normal(size=(time, width, 1, filters)) / np.sqrt(time * width)
        variables[f"{name}/bias"] = rng.normal(size=filters)
        norm(index + 1, filters)
    pooled = 2 * (12 + 3 * 4)
    for name, shape in (("dense", (pooled, 200)), ("dense_1", (200, 50))):
        variables[f"{name}/kernel"] = rng.normal(size=shape) / np.sqrt(shape[0])
        variables[f"{name}/bias"] = rng.normal(size=shape[1])
    norm(9, pooled)
    norm(10, 200)
    return {name: array.astype(np.float32) for name, array in variables.items()}


def musicnn_by_hand(v: dict[str, np.ndarray], patch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    def norm(x: np.ndarray, index: int) -> np.ndarray:
        name = f"batch_normalization_{index}" if index else "batch_normalization"
        scaled = (x - v[f"{name}/moving_mean"]) / np.sqrt(v[f"{name}/moving_variance"] + 1e-3)
        return scaled * v[f"{name}/gamma"] + v[f"{name}/beta"]

    def conv(x: np.ndarray, index: int) -> np.ndarray:
        """[time, width] -> [time, places, filters], SAME in time, VALID in width."""
        name = f"conv2d_{index}" if index else "conv2d"
        kernel = v[f"{name}/kernel"][:, :, 0]
        before = (len(kernel) - 1) // 2
        padded = np.pad(x, ((before, len(kernel) - 1 - before), (0, 0)))
        maps = [correlate(padded, kernel[:, :, k], mode="valid", method="direct") for k in range(kernel.shape[2])]
        return norm(np.maximum(np.stack(maps, axis=2) + v[f"{name}/bias"], 0), index + 1)

    x = norm(patch[..., None].astype(np.float64), 0)[..., 0]
    front = np.concatenate([conv(x, index).max(axis=1) for index in range(5)], axis=1)
    first = conv(front, 5)[:, 0]
    second = conv(first, 6)[:, 0] + first
    third = conv(second, 7)[:, 0] + second
    features = np.concatenate([front, first, second, third], axis=1)
    pooled = norm(np.stack([features.max(axis=0), features.mean(axis=0)], axis=1).ravel(), 9)
    hidden = norm(np.maximum(pooled @ v["dense/kernel"] + v["dense/bias"], 0), 10)
    return hidden, 1 / (1 + np.exp(-(hidden @ v["dense_1/kernel"] + v["dense_1/bias"])))


def test_musicnn_matches_its_definition() -> None:
    variables = musicnn_variables()
    model = build_musicnn(variables)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    batch = np.random.default_rng(3).normal(1, 1, (2, 187, 96)).astype(np.float32)
    penultimate, tags = session.run(["penultimate", "tags"], {"patches": batch})
    for row in range(2):
        hidden, probability = musicnn_by_hand(variables, batch[row])
        np.testing.assert_allclose(penultimate[row], hidden, atol=2e-4)
        np.testing.assert_allclose(tags[row], probability, atol=2e-5)


def varint(value: int) -> bytes:
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def block(entries: list[tuple[int, bytes, bytes]]) -> bytes:
    body = b"".join(varint(s) + varint(len(k)) + varint(len(v)) + k + v for s, k, v in entries)
    return body + struct.pack("<II", 0, 1)


def checkpoint_index(*, compression: int = 0) -> bytes:
    """An index of two variables whose names share a prefix, in one data block."""

    def entry(shape: list[int], offset: int, size: int) -> bytes:
        dims = b"".join(b"\x12" + varint(len(d)) + d for d in (b"\x08" + varint(n) for n in shape))
        fields = b"\x08\x01\x12" + varint(len(dims)) + dims + b"\x20" + varint(offset) + b"\x28" + varint(size)
        return fields + b"\x35abcd"

    data = block(
        [(0, b"", b"\x08\x01"), (0, b"dense/bias", entry([2], 0, 8)), (6, b"kernel", entry([2, 150], 8, 1200))]
    )
    trailer = bytes([compression]) + b"crc!"
    handle = varint(0) + varint(len(data))
    index = block([(0, b"z", handle)])
    footer = varint(0) + varint(0) + varint(len(data) + 5) + varint(len(index))
    return data + trailer + index + trailer + footer.ljust(40, b"\0") + struct.pack("<Q", 0xDB4775248B80FB57)


def test_tensorflow_variables() -> None:
    values = np.arange(302, dtype="<f4")
    found = read_variables(checkpoint_index(), values.tobytes())
    assert list(found) == ["dense/bias", "dense/kernel"]
    np.testing.assert_array_equal(found["dense/bias"], [0, 1])
    np.testing.assert_array_equal(found["dense/kernel"], values[2:].reshape(2, 150))


def test_tensorflow_damage() -> None:
    index, data = checkpoint_index(), bytes(4 * 302)
    with pytest.raises(TensorFlowCheckpointError, match="end like"):
        read_variables(index[:-1], data)
    with pytest.raises(TensorFlowCheckpointError, match="compressed"):
        read_variables(checkpoint_index(compression=1), data)
    with pytest.raises(TensorFlowCheckpointError, match="cannot be read"):
        read_variables(index, data[:100])
