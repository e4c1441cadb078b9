"""Learned models of scene boundaries, built here as ONNX files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from moodcut_kit.modelcache import sha256_of
from moodcut_segmenter.errors import BadSceneModelError, ModelNotBuiltError
from moodcut_segmenter.picture_features import FEATURE_COUNT
from moodcut_segmenter.scene_model import COLUMN_COUNT, SceneModel, boundary_windows, model_columns, scenes_of
from moodcut_segmenter.sound_features import SOUND_COUNT

_PAIRS = ["boundaries", 2, COLUMN_COUNT]
_DURATIONS = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
_FEATURES = np.repeat([[0.0], [0.0], [1.0], [1.0], [0.2]], FEATURE_COUNT + SOUND_COUNT, axis=1).astype(np.float32)


def _save(
    path: Path,
    nodes: list[onnx.NodeProto],
    shape: list[object],
    *,
    version: str | None = "1",
    threshold: str | None = None,
) -> Path:
    """A model of one input, some constants and one output."""
    graph = helper.make_graph(
        nodes,
        "scenes",
        [helper.make_tensor_value_info("shots", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("boundaries", TensorProto.FLOAT, None)],
        [
            numpy_helper.from_array(np.array([0], np.int64), "zero"),
            numpy_helper.from_array(np.array([1], np.int64), "one"),
            numpy_helper.from_array(np.array([2**40], np.int64), "end"),
            numpy_helper.from_array(np.array([-1], np.int64), "last"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    if version is not None:
        helper.set_model_props(
            model, {"moodcut.shot_features": version} | ({"moodcut.threshold": threshold} if threshold else {})
        )
    onnx.save(model, path)
    return path


def _change(axis: int) -> list[onnx.NodeProto]:
    """Mean absolute change of the columns from shot to shot along an axis, clipped to 1."""
    return [
        helper.make_node("Slice", ["shots", "one", "end", "axis"], ["after"]),
        helper.make_node("Slice", ["shots", "zero", "last", "axis"], ["before"]),
        helper.make_node("Sub", ["after", "before"], ["difference"]),
        helper.make_node("Abs", ["difference"], ["size"]),
        helper.make_node("ReduceMean", ["size", "columns"], ["mean"], keepdims=0),
        helper.make_node("Clip", ["mean"], ["clipped"]),
    ]


def _whole(path: Path, *, shift: float = 0.0, cut: bool = False, **about: str | None) -> Path:
    """Reads the film at once: its output is the mean change of the columns but for the duration."""
    nodes = [
        helper.make_node("Constant", [], ["axis"], value_ints=[0]),
        helper.make_node("Constant", [], ["columns"], value_ints=[1]),
        helper.make_node("Constant", [], ["second"], value_ints=[1]),
        helper.make_node("Constant", [], ["shift"], value_float=shift),
        helper.make_node("Slice", ["shots", "zero", "picture_end", "second"], ["seen"]),
        *_change(0)[:-1],
        helper.make_node("Add", ["mean", "shift"], ["all" if cut else "boundaries"]),
    ]
    nodes.insert(0, helper.make_node("Constant", [], ["picture_end"], value_ints=[FEATURE_COUNT]))
    for node in nodes:
        if node.op_type == "Slice" and node.output[0] != "seen":
            node.input[0] = "seen"
    if cut:
        nodes.append(helper.make_node("Slice", ["all", "one", "end", "axis"], ["boundaries"]))
    return _save(path, nodes, ["shots", COLUMN_COUNT], **about)


def _pairs(path: Path) -> Path:
    """Reads one shot before and one after each boundary; its output has a last axis of 1."""
    nodes = [
        helper.make_node("Constant", [], ["axis"], value_ints=[1]),
        helper.make_node("Constant", [], ["columns"], value_ints=[2]),
        helper.make_node("Constant", [], ["third"], value_ints=[2]),
        helper.make_node("Constant", [], ["picture_end"], value_ints=[FEATURE_COUNT]),
        helper.make_node("Slice", ["shots", "zero", "picture_end", "third"], ["seen"]),
        *_change(1)[:-1],
        helper.make_node("Identity", ["mean"], ["boundaries"]),
    ]
    for node in nodes:
        if node.op_type == "Slice" and node.output[0] != "seen":
            node.input[0] = "seen"
    return _save(path, nodes, _PAIRS)


def test_both_kinds_of_model_answer_for_every_boundary(tmp_path: Path) -> None:
    whole, pairs = SceneModel(_whole(tmp_path / "whole.onnx")), SceneModel(_pairs(tmp_path / "pairs.onnx"))
    for model in (whole, pairs):
        assert model.probabilities(_FEATURES, _DURATIONS) == pytest.approx([0, 1, 0, 0.8])
        assert model.probabilities(_FEATURES[:, :FEATURE_COUNT], _DURATIONS) == pytest.approx([0, 1, 0, 0.8])
        assert model.probabilities(_FEATURES[:1], _DURATIONS[:1]).shape == (0,)
        assert model.threshold == 0.5
    assert whole.digest == sha256_of(tmp_path / "whole.onnx") != pairs.digest
    many = np.random.default_rng(0).random((700, FEATURE_COUNT)).astype(np.float32)
    seconds = np.ones(700)
    assert pairs.probabilities(many, seconds) == pytest.approx(whole.probabilities(many, seconds), abs=1e-6)


def test_scenes_from_probabilities() -> None:
    found = np.array([0.0, 1.0, 0.0, 0.8])
    assert scenes_of(found) == [(0, 2), (2, 4), (4, 5)]
    assert scenes_of(found, threshold=0.9) == [(0, 2), (2, 5)]
    assert scenes_of(found, scene_count=2) == [(0, 2), (2, 5)]
    assert scenes_of(found, scene_count=1) == [(0, 5)]
    assert scenes_of(found, scene_count=9) == [(each, each + 1) for each in range(5)]
    assert scenes_of(np.zeros(0)) == [(0, 1)]


def test_columns_and_windows() -> None:
    columns = model_columns(_FEATURES, _DURATIONS)
    assert columns.shape == (5, COLUMN_COUNT)
    assert columns[:, -2].tolist() == [1] * 5
    assert columns[:, -1] == pytest.approx(np.log(_DURATIONS))
    silent = model_columns(_FEATURES[:, :FEATURE_COUNT], _DURATIONS)
    assert not silent[:, FEATURE_COUNT:-1].any()
    windows = boundary_windows(columns, 2)[..., -1]
    assert np.exp(windows) == pytest.approx(np.array([[1, 1, 2, 3], [1, 2, 3, 4], [2, 3, 4, 5], [3, 4, 5, 5]]))


def test_a_threshold_of_its_own(tmp_path: Path) -> None:
    assert SceneModel(_whole(tmp_path / "a.onnx", threshold="0.25")).threshold == 0.25
    with pytest.raises(BadSceneModelError, match="threshold is no number"):
        SceneModel(_whole(tmp_path / "b.onnx", threshold="often"))


def test_what_is_no_such_model_is_refused_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(ModelNotBuiltError, match="no scene model"):
        SceneModel(tmp_path / "none.onnx")
    (tmp_path / "text.onnx").write_text("scenes")
    with pytest.raises(BadSceneModelError, match="cannot load"):
        SceneModel(tmp_path / "text.onnx")
    with pytest.raises(BadSceneModelError, match="shot_features says nothing"):
        SceneModel(_whole(tmp_path / "old.onnx", version=None))
    with pytest.raises(BadSceneModelError, match="shot_features says 7"):
        SceneModel(_whole(tmp_path / "new.onnx", version="7"))
    same = [helper.make_node("Identity", ["shots"], ["boundaries"])]
    for shape, words in ((["n", 12], "not float32"), (["n", 3, COLUMN_COUNT], "even number")):
        with pytest.raises(BadSceneModelError, match=words):
            SceneModel(_save(tmp_path / "shape.onnx", same, shape))
    with pytest.raises(BadSceneModelError, match=r"answers \[5, 460\]"):
        SceneModel(_save(tmp_path / "same.onnx", same, ["n", COLUMN_COUNT])).probabilities(_FEATURES, _DURATIONS)
    with pytest.raises(BadSceneModelError, match=r"answers \[3\] .* not \[4\]"):
        SceneModel(_whole(tmp_path / "cut.onnx", cut=True)).probabilities(_FEATURES, _DURATIONS)
    with pytest.raises(BadSceneModelError, match="no probabilities"):
        SceneModel(_whole(tmp_path / "large.onnx", shift=0.5)).probabilities(_FEATURES, _DURATIONS)
    with pytest.raises(BadSceneModelError, match="cannot take an input"):
        SceneModel(_save(tmp_path / "two.onnx", same, [2, COLUMN_COUNT])).probabilities(_FEATURES, _DURATIONS)
    named = [helper.make_node("Identity", ["shots"], ["other"])]
    graph = helper.make_graph(
        named,
        "other",
        [helper.make_tensor_value_info("shots", TensorProto.FLOAT, ["n", COLUMN_COUNT])],
        [helper.make_tensor_value_info("other", TensorProto.FLOAT, None)],
    )
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), tmp_path / "name.onnx"
    )
    with pytest.raises(BadSceneModelError, match="gives"):
        SceneModel(tmp_path / "name.onnx")
