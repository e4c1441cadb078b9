"""The small backbone in PyTorch against the ONNX graphs of the same weights."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers, processors

torch = pytest.importorskip("torch", reason="torch is not installed: pip install moodcut[train]")

from moodcut_scorer.bert import BertShape, build_sentence_encoder  # noqa: E402
from moodcut_scorer.emotions import EMOTIONS  # noqa: E402
from moodcut_scorer.encoders import MusicFeatures  # noqa: E402
from moodcut_scorer.errors import BadTextError  # noqa: E402
from moodcut_scorer.model import SmallModel  # noqa: E402
from moodcut_scorer.preprocess import prepare_image  # noqa: E402
from moodcut_scorer.registry import shipped_path  # noqa: E402
from moodcut_scorer.sessions import Runtime  # noqa: E402
from moodcut_training.backbones.errors import CheckpointMismatchError  # noqa: E402
from moodcut_training.backbones.onnx_export import export_encoder  # noqa: E402
from moodcut_training.backbones.small import SmallBackbone, load_sentence_encoder  # noqa: E402
from moodcut_training.backbones.small_image import EfficientNetLite0  # noqa: E402
from moodcut_training.backbones.small_music import Musicnn, MusicnnShape, state_of  # noqa: E402
from moodcut_training.backbones.small_text import SentenceEncoder  # noqa: E402
from moodcut_training.efficientnet import STAGES, build_efficientnet  # noqa: E402
from moodcut_training.musicnn import build_musicnn  # noqa: E402
from moodcut_training.network import EmotionNetwork  # noqa: E402
from moodcut_training.saved import TrainedModel  # noqa: E402
from moodcut_training.scorer_export import export_for_scorer  # noqa: E402

FEW = MusicnnShape(timbral=3, temporal=2, temporal_lengths=(128, 64, 32), dense=4)
TEXT = BertShape(layer_count=2, head_count=2, width=8)
WORDS = ["[PAD]", "[CLS]", "[SEP]", "[UNK]", "a", "sad", "and", "calm", "scene"]


def run(model: onnx.ModelProto, outputs: Sequence[str], **inputs: np.ndarray) -> list[np.ndarray]:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return list(session.run(list(outputs), inputs))


def words() -> Tokenizer:
    tokenizer = Tokenizer(models.WordLevel({word: n for n, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 2), ("[CLS]", 1))
    return tokenizer


def small(seed: int = 0) -> SmallBackbone:
    torch.manual_seed(seed)
    text = SentenceEncoder(TEXT, word_count=len(WORDS), position_count=32, inner=16)
    return SmallBackbone(words(), music=FEW, text=text).eval()


def arrays(network: torch.nn.Module) -> dict[str, np.ndarray]:
    return {name: tensor.detach().numpy() for name, tensor in network.state_dict().items()}


def picture(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (40, 60, 3), dtype=np.uint8)


def sound(seed: int, seconds: float) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.1, round(16_000 * seconds)).astype(np.float32)


def test_image_encoder_equals_its_graph() -> None:
    torch.manual_seed(0)
    network = EfficientNetLite0().eval()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.3, 0.6)
    batch = np.stack([prepare_image(picture(seed)) for seed in (1, 2)])
    (expected,) = run(build_efficientnet(arrays(network)), ["features"], images=batch)
    with torch.no_grad():
        found = network(torch.from_numpy(batch)).numpy()
    assert expected.std() > 0.01
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def variables(network: Musicnn) -> dict[str, np.ndarray]:
    """The names of TensorFlow's checkpoint for a network's weights: the reverse of ``state_of``."""
    found: dict[str, np.ndarray] = {}
    parts = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}
    for name, array in arrays(network).items():
        layer, index, part = name.split(".") if name.count(".") == 2 else (*name.split(".")[:1], "", name.split(".")[1])
        if layer == "norms" and part in parts:
            found[f"batch_normalization{'_' + index if index != '0' else ''}/{parts[part]}"] = array
        elif layer == "convs":
            turned = array.transpose(2, 3, 1, 0) if part == "weight" else array
            found[f"conv2d{'_' + index if index != '0' else ''}/{'kernel' if part == 'weight' else part}"] = turned
        elif layer in {"hidden", "tags"}:
            key = "dense" if layer == "hidden" else "dense_1"
            found[f"{key}/{'kernel' if part == 'weight' else part}"] = array.T if part == "weight" else array
    return found


def test_music_network_equals_its_graph() -> None:
    torch.manual_seed(1)
    network, other = Musicnn(FEW).eval(), Musicnn(FEW).eval()
    for norm in network.norms:
        norm.running_mean.normal_(0, 0.5)
        norm.running_var.uniform_(0.5, 2.0)
    named = variables(network)
    other.load_state_dict(state_of(named))
    patches = np.random.default_rng(3).normal(1, 1, (2, 187, 96)).astype(np.float32)
    expected = run(build_musicnn(named), ["penultimate", "tags"], patches=patches)
    with torch.no_grad():
        for found, want in zip(other(torch.from_numpy(patches)), expected, strict=True):
            np.testing.assert_allclose(found.numpy(), want, rtol=1e-4, atol=1e-5)
    del named["dense_1/bias"]
    with pytest.raises(CheckpointMismatchError, match="dense_1/bias"):
        state_of(named)


def shipped_musicnn(name: str) -> Musicnn:
    """A network with the weights inside the graph that ships, at the published sizes."""
    held = {t.name: onnx.numpy_helper.to_array(t) for t in onnx.load(shipped_path(name)).graph.initializer}
    named: dict[str, np.ndarray] = {}
    for key, array in held.items():
        layer, _, part = key.partition(".")
        for prefix, own in (("norm", "batch_normalization"), ("conv", "conv2d"), ("dense", "dense")):
            if layer.startswith(prefix):
                index = layer.removeprefix(prefix)
                value = array.transpose(2, 3, 1, 0) if prefix == "conv" and part == "kernel" else array
                named[f"{own}_{index}/{part}" if index != "0" else f"{own}/{part}"] = value
    network = Musicnn().eval()
    network.load_state_dict(state_of(named))
    return network


def test_music_features_equal_the_scorers() -> None:
    """The published weights, through the whole way from sound to features; pieces shorter and longer than a patch."""
    torch.manual_seed(0)
    text = SentenceEncoder(TEXT, word_count=len(WORDS), position_count=32, inner=16)
    backbone = SmallBackbone(words(), text=text).eval()
    backbone.music.mtt, backbone.music.msd = (shipped_musicnn(f"music-{name}.onnx") for name in ("mtt", "msd"))
    pieces = [sound(4, 8.0), sound(5, 2.0)]
    scorer = MusicFeatures(shipped_path("music-mtt.onnx"), shipped_path("music-msd.onnx"), Runtime(thread_count=1))
    with torch.no_grad():
        found = backbone.encode_music([backbone.music_input(piece) for piece in pieces]).numpy()
    for row, piece in zip(found, pieces, strict=True):
        heard = scorer(piece, 16_000)
        expected = heard.pooled(np.array([[0.0, heard.duration_seconds]]))[0]
        np.testing.assert_allclose(row, expected, rtol=1e-3, atol=1e-4)


def test_text_encoder_equals_its_graph() -> None:
    backbone = small()
    texts = ["a sad scene", "calm", "a calm and sad and calm scene"]
    with torch.no_grad():
        found = backbone.encode_text([backbone.text_input(text) for text in texts]).numpy()
    graph = build_sentence_encoder(arrays(backbone.text), TEXT)
    for row, text in zip(found, texts, strict=True):
        ids = np.array([words().encode(text).ids], dtype=np.int64)
        (expected,) = run(graph, ["sentence"], input_ids=ids, attention_mask=np.ones_like(ids))
        np.testing.assert_allclose(row, expected[0], rtol=1e-4, atol=1e-5)


def test_weights_of_a_text_encoder_load_by_name() -> None:
    source, other = small(0).text, small(1).text
    extra = {"embeddings.position_ids": np.arange(32)[None], "pooler.dense.bias": np.zeros(8, dtype=np.float32)}
    load_sentence_encoder(other, {**arrays(source), **extra})
    for name, array in arrays(other).items():
        np.testing.assert_array_equal(array, arrays(source)[name])


def test_dimensions_and_gradients() -> None:
    backbone = small().train()
    images = backbone.encode_images([backbone.image_input(picture(1))])
    music = backbone.encode_music([backbone.music_input(sound(1, 4.0)), backbone.music_input(sound(2, 1.0))])
    text = backbone.encode_text([backbone.text_input("a sad scene")])
    sizes = (backbone.image_dimension, backbone.music_dimension, backbone.text_dimension)
    assert [part.shape[1] for part in (images, music, text)] == list(sizes) == [1280, 900, 8]
    (images.sum() + music.sum() + text[:, 0].sum()).backward()
    for name, parameter in backbone.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
    with pytest.raises(BadTextError):
        backbone.text_input("  ")


def test_norms_are_held_if_they_are_fixed() -> None:
    for fixed in (True, False):
        backbone = small()
        backbone.fixed_norms = fixed
        backbone.train()
        before = backbone.image._bn0.running_mean.clone()
        backbone.encode_images([backbone.image_input(picture(seed)) for seed in (1, 2)])
        assert torch.equal(before, backbone.image._bn0.running_mean) is fixed


def test_a_fine_tuned_backbone_is_loaded_whole(tmp_path: Path) -> None:
    source, other = small(0), small(1)
    torch.save(source.state_dict(), tmp_path / "small.pt")
    other.load(tmp_path / "small.pt")
    with torch.no_grad():
        for encode, item in (
            ("encode_images", source.image_input(picture(1))),
            ("encode_text", torch.tensor([1, 4, 2])),
        ):
            torch.testing.assert_close(getattr(source, encode)([item]), getattr(other, encode)([item]), rtol=0, atol=0)


@pytest.mark.parametrize("part", ["image", "music"])
def test_export(part: str, tmp_path: Path) -> None:
    pytest.importorskip("onnxscript", reason="onnxscript is not installed: pip install moodcut[train]")
    backbone = small()
    backbone.image = EfficientNetLite0(STAGES[:2]).eval()
    graph = backbone.image_graph() if part == "image" else backbone.music_graph()
    path = export_encoder(graph, tmp_path / "encoder.onnx")
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    batch = torch.randn(3, *graph.example.shape[1:], generator=torch.Generator().manual_seed(1))
    found = session.run(list(graph.output_names), {graph.input_name: batch.numpy()})
    with torch.no_grad():
        expected = graph.module(batch)
    for one, want in zip(found, [expected] if part == "image" else expected, strict=True):
        np.testing.assert_allclose(one, want, rtol=1e-4, atol=1e-4)


def test_the_scorer_runs_what_was_trained(tmp_path: Path) -> None:
    pytest.importorskip("onnxscript", reason="onnxscript is not installed: pip install moodcut[train]")
    backbone = small()
    backbone.image = EfficientNetLite0(STAGES[:2])
    network = EmotionNetwork(backbone, dimension=16).eval()
    prompts = dict(zip(EMOTIONS, ("a", "sad", "and", "calm", "scene", "sad scene"), strict=True))
    config = {"backbone": "small", "prompts": prompts, "with_text": True}
    model = TrainedModel(network=network, config=config, temperatures={"image": 1.0, "music": 1.0}, report={})
    export_for_scorer(model, tmp_path / "mine", learned_from=())
    scorer = SmallModel(runtime=Runtime(thread_count=1), directory=tmp_path / "mine")
    with torch.no_grad():
        seen = network.embed("image", [backbone.image_input(picture(1))]).numpy()
        heard = network.embed("music", [backbone.music_input(sound(2, 7.0))]).numpy()
        moods = network.embed("text", [backbone.text_input(text) for text in prompts.values()]).numpy()
    np.testing.assert_allclose(scorer.encode_images([picture(1)]), seen, atol=1e-4)
    np.testing.assert_allclose(scorer.encode_music(sound(2, 7.0), 16_000).whole, heard[0], atol=1e-4)
    np.testing.assert_allclose([scorer.mood_embedding(emotion) for emotion in EMOTIONS], moods, atol=1e-4)
