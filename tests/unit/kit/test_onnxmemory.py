"""Sessions on shared memory give what sessions of their own give, and take less."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

from moodcut_kit.onnxmemory import session_options

_MANY = """
import sys
from pathlib import Path
import numpy as np, onnxruntime
from moodcut_kit.onnxmemory import session_options
make = session_options if sys.argv[2] == "shared" else onnxruntime.SessionOptions
model = open(sys.argv[1], "rb").read()
sessions = [onnxruntime.InferenceSession(model, make(), providers=["CPUExecutionProvider"]) for _ in range(6)]
def largest():
    # KiB held at most; ru_maxrss would begin with what the parent held.
    return int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
before = largest()
for session in sessions:
    session.run(None, {"x": np.ones((2048, 2048), np.float32)})
print(largest() - before)
"""


def _model() -> bytes:
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 2048])
    result = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 2048])
    nodes = [
        helper.make_node("Exp", ["x"], ["a"]),
        helper.make_node("Sin", ["x"], ["b"]),
        helper.make_node("Mul", ["a", "b"], ["y"]),
    ]
    graph = helper.make_graph(nodes, "some", [value], [result])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return onnx.ModelProto.SerializeToString(model)


def test_the_same_results() -> None:
    x = np.random.default_rng(0).normal(size=(3, 2048)).astype(np.float32)
    found = [
        onnxruntime.InferenceSession(_model(), options, providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]
        for options in (session_options(threads=1), session_options(), onnxruntime.SessionOptions())
    ]
    np.testing.assert_array_equal(found[0], found[2])
    np.testing.assert_array_equal(found[1], found[2])


def test_sessions_that_take_turns_take_the_memory_of_one(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(_model())
    taken = {}
    for kind in ("shared", "own"):
        words = [sys.executable, "-c", _MANY, path, kind]
        taken[kind] = int(subprocess.run(words, check=True, capture_output=True, text=True).stdout)
    assert taken["shared"] < 0.6 * taken["own"], taken
