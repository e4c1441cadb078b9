"""The default model as it ships, and what is said when its files or its inputs are wrong."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest

from moodcut_kit.errors import InvalidArgumentError
from moodcut_scorer import EMOTIONS, PROMPTS, EmotionModel, Runtime, SmallModel, list_models
from moodcut_scorer.emotions import emotion_index
from moodcut_scorer.errors import BadImageError, ModelDamagedError, ModelMissingError
from moodcut_scorer.model import load_model
from moodcut_scorer.preprocess import prepare_image, prepare_images
from moodcut_scorer.registry import MODEL_VARIABLE, digest_of_model, shipped_path
from moodcut_scorer.sessions import open_session
from moodcut_scorer.traininglist import read_training_list, write_training_list


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> SmallModel:
    directory = tmp_path_factory.mktemp("none")
    return SmallModel(runtime=Runtime(thread_count=1, providers=("CPUExecutionProvider",)), text_directory=directory)


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (height, width, 3), dtype=np.uint8)


def test_pictures_of_any_size_and_company(model: SmallModel) -> None:
    pictures = [picture(40, 60), picture(300, 200, 1), picture(1, 1, 2), *(picture(30, 30, n) for n in range(9))]
    together = model.encode_images(pictures)
    assert together.shape == (12, model.dimension)
    assert together.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(model.encode_images(pictures[1:2])[0], together[1], atol=1e-6)
    assert model.encode_images([]).shape == (0, model.dimension)
    assert model.providers["image"] == ["CPUExecutionProvider"]


def test_colour_order_matters(model: SmallModel) -> None:
    red = np.zeros((64, 64, 3), dtype=np.uint8)
    red[..., 0] = 220
    as_rgb, as_bgr = model.look([red, red[..., ::-1]])
    assert float(as_rgb @ as_bgr / np.linalg.norm(as_rgb) / np.linalg.norm(as_bgr)) < 0.9
    np.testing.assert_allclose(prepare_image(red)[0].mean(), (220 - 127) / 128, atol=1e-6)
    np.testing.assert_allclose(prepare_image(red)[1:].mean(), -127 / 128, atol=1e-6)


def test_music_by_window_by_unit_and_as_a_whole(model: SmallModel) -> None:
    time = np.arange(16_000 * 20) / 16_000
    sound = (0.2 * np.sin(2 * np.pi * 220 * time) * (1 + np.sin(2 * np.pi * 2 * time))).astype(np.float32)
    music = model.encode_music(sound, 16_000)
    assert music.windows.shape == (len(music.embeddings), 2)
    np.testing.assert_allclose(np.linalg.norm(music.whole), 1, atol=1e-5)
    heard = model.hear(sound, 16_000)
    units = model.encode_units(heard, np.array([[0.0, 2.0], [2.0, 4.0], [18.0, 20.0]]))
    assert units.shape == (3, model.dimension)
    np.testing.assert_allclose(units[0], units[1], atol=1e-6)
    odds = model.classify_music(units)
    np.testing.assert_allclose(odds.sum(axis=1), 1, atol=1e-5)
    assert model.encode_music(sound[:9_000], 16_000).embeddings.shape == (1, model.dimension)


def test_prompts_lie_nearest_to_themselves(model: SmallModel) -> None:
    stored = np.stack([model.mood_embedding(emotion) for emotion in EMOTIONS])
    np.testing.assert_allclose(np.linalg.norm(stored, axis=1), 1, atol=1e-5)
    assert model.nearest_prompts(stored).argmax(axis=1).tolist() == list(range(6))
    with pytest.raises(InvalidArgumentError, match="excited, fear"):
        model.mood_embedding("jolly")


def test_interface_is_met_and_text_needs_a_build(model: SmallModel) -> None:
    described: EmotionModel = model
    assert described.name == f"small-{digest_of_model(shipped_path(''))[:8]}"
    with pytest.raises(ModelMissingError, match="moodcut models build"):
        described.encode_text(["a sad scene"])


def test_six_emotions_in_the_contract_s_order() -> None:
    assert EMOTIONS == ("excited", "fear", "neutral", "relaxation", "sad", "tension")
    assert tuple(PROMPTS) == EMOTIONS
    assert len({len(words) for words in PROMPTS.values()}) == 1
    assert emotion_index("sad") == 4


def test_shipped_files_are_small_and_licensed(tmp_path: Path) -> None:
    models = list_models(text_directory=tmp_path)
    shipped = [each for each in models if each.name != "text.onnx"]
    assert all(each.ready and each.license and each.purpose and not each.build_command for each in shipped)
    assert sum(each.byte_count for each in shipped) < 25_000_000
    for name in ("image.onnx", "music-mtt.onnx", "music-msd.onnx"):
        onnx.checker.check_model(str(shipped_path(name)))


def test_a_model_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "own"
    shutil.copytree(shipped_path(""), own)
    described = SmallModel(directory=own)
    assert described.name == f"own-{digest_of_model(shipped_path(''))[:8]}"
    monkeypatch.setenv(MODEL_VARIABLE, str(own))
    (own / "heads.npz").write_bytes(b"damaged")
    with pytest.raises(ModelDamagedError, match="own"):
        SmallModel()
    rows = {each.name: each for each in list_models(text_directory=tmp_path)}
    assert rows["heads.npz"].byte_count == 7
    assert rows["heads.npz"].license == "the user's own"
    assert rows["text.onnx"].license == "Apache-2.0"
    monkeypatch.setenv(MODEL_VARIABLE, str(tmp_path / "none"))
    with pytest.raises(ModelMissingError, match=rf"{MODEL_VARIABLE}"):
        SmallModel()


def test_heads_of_ones_own_on_the_encoders_that_ship(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heads = Path(shutil.copy(shipped_path("heads.npz"), tmp_path / "mine.npz"))
    monkeypatch.setenv(MODEL_VARIABLE, str(heads))
    rows = {each.name: each for each in list_models(text_directory=tmp_path)}
    assert rows["heads.npz"].path == heads
    assert rows["heads.npz"].license == "the user's own"
    assert (rows["image.onnx"].ready, rows["image.onnx"].license) == (True, "Apache-2.0")
    assert load_model(str(heads)).trained_on is None, "what these heads learned from is not known"


def test_a_folder_without_a_model_is_told_apart(tmp_path: Path) -> None:
    (tmp_path / "model.pt").write_bytes(b"what `moodcut train` keeps for itself")
    with pytest.raises(ModelMissingError, match=r"image\.onnx is not at .*`moodcut train --export`"):
        load_model(str(tmp_path))


def test_the_files_that_heads_learned_from(tmp_path: Path) -> None:
    heads, clip = tmp_path / "heads.npz", tmp_path / "clip.mp4"
    clip.write_bytes(b"clip")
    assert read_training_list(heads) is None
    first = write_training_list(heads, [clip, clip]).read_bytes()
    assert read_training_list(heads) == {hashlib.sha256(b"clip").hexdigest()}
    assert write_training_list(heads, [clip]).read_bytes() == first
    shipped = read_training_list(shipped_path("heads.npz"))
    assert shipped is not None
    assert len(shipped) == 96, "the clips that the model card tells of"


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((4, 4, 3), np.float32),
        np.zeros((0, 4, 3), np.uint8),
    ],
)
def test_bad_pictures(image: np.ndarray) -> None:
    with pytest.raises(BadImageError, match="RGB"):
        prepare_images([image])


def test_bad_sessions(tmp_path: Path) -> None:
    with pytest.raises(ModelMissingError, match=r"none\.onnx"):
        open_session(tmp_path / "none.onnx", Runtime())
    (tmp_path / "bad.onnx").write_bytes(b"no model")
    with pytest.raises(ModelDamagedError, match=r"bad\.onnx"):
        open_session(tmp_path / "bad.onnx", Runtime())
    with pytest.raises(InvalidArgumentError, match="thread_count"):
        Runtime(thread_count=-1)
    with pytest.raises(InvalidArgumentError, match="NoSuchProvider"):
        Runtime(providers=("NoSuchProvider",))
