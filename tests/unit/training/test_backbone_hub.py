"""Models of transformers with tiny random configurations, saved and loaded from a folder; Wav2CLIP's audio encoder."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install moodcut[train]")
transformers = pytest.importorskip("transformers", reason="transformers is not installed: pip install moodcut[train]")

from torch.nn import functional  # noqa: E402

from moodcut_training.backbones.clip_clap import ClipClapBackbone, Wav2ClipBackbone  # noqa: E402
from moodcut_training.backbones.errors import (  # noqa: E402
    CheckpointMismatchError,
    CheckpointMissingError,
    PackageMissingError,
)
from moodcut_training.backbones.hub import Clap, PictureText, features, load_hub  # noqa: E402
from moodcut_training.backbones.onnx_export import export_encoder  # noqa: E402
from moodcut_training.backbones.registry import BackboneSpec, load_backbone  # noqa: E402
from moodcut_training.backbones.wav2clip_audio import Wav2ClipAudio, Wav2ClipShape  # noqa: E402

AUDIO = Wav2ClipShape(block_counts=(1, 2, 1, 1), width=4)
SMALL = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
VISION = {**SMALL, "image_size": 32, "patch_size": 16}
WORDS = ["<|startoftext|>", "<|endoftext|>", "!", "a</w>", "sad</w>", "s", "a", "d</w>", "sa", "joy</w>"]


def save_tokenizer(folder: Path) -> None:
    vocabulary = {word: number for number, word in enumerate(WORDS)}
    tokenizer = transformers.CLIPTokenizer(vocab=vocabulary, merges=[("s", "a"), ("sa", "d</w>")])
    tokenizer.save_pretrained(folder)


def save_clip(folder: Path, dimension: int = 8) -> Path:
    torch.manual_seed(0)
    text = {**SMALL, "vocab_size": len(WORDS), "max_position_embeddings": 12, "eos_token_id": 1, "bos_token_id": 0}
    config = transformers.CLIPConfig(text_config=text, vision_config=VISION, projection_dim=dimension)
    transformers.CLIPModel(config).save_pretrained(folder)
    size = {"size": {"shortest_edge": 32}, "crop_size": {"height": 32, "width": 32}}
    transformers.CLIPImageProcessor(**size).save_pretrained(folder)
    save_tokenizer(folder)
    return folder


def save_siglip(folder: Path) -> Path:
    torch.manual_seed(0)
    text = {**SMALL, "vocab_size": len(WORDS), "max_position_embeddings": 12, "projection_size": 16}
    transformers.SiglipModel(transformers.SiglipConfig(text_config=text, vision_config=VISION)).save_pretrained(folder)
    transformers.SiglipImageProcessor(size={"height": 32, "width": 32}).save_pretrained(folder)
    save_tokenizer(folder)
    return folder


def save_clap(folder: Path) -> Path:
    torch.manual_seed(0)
    text = {**SMALL, "vocab_size": 20}
    audio = {"patch_embeds_hidden_size": 8, "depths": [1, 1], "num_attention_heads": [1, 2], "hidden_size": 16}
    audio |= {"num_hidden_layers": 2, "spec_size": 64, "num_mel_bins": 16, "window_size": 4}
    config = transformers.ClapConfig(text_config=text, audio_config=audio, projection_dim=8)
    transformers.ClapModel(config).save_pretrained(folder)
    options = {"feature_size": 16, "sampling_rate": 8000, "hop_length": 80, "max_length_s": 2, "fft_window_size": 256}
    extractor = transformers.ClapFeatureExtractor(frequency_max=4000, truncation="rand_trunc", **options)
    extractor.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("hub")
    makers: dict[str, Any] = {"clip": save_clip, "siglip": save_siglip, "clap": save_clap}
    return {name: make(root / name) for name, make in makers.items()}


def picture(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (40, 60, 3), dtype=np.uint8)


def sound(seed: int, samples: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.1, samples).astype(np.float32)


@pytest.mark.parametrize("pair", ["clip", "siglip"])
def test_a_saved_pair_gives_what_its_own_model_gives(pair: str, saved: dict[str, Path]) -> None:
    spec = BackboneSpec("clip-clap", checkpoint=str(saved[pair]), audio_checkpoint=str(saved["clap"]))
    backbone = load_backbone(spec)
    assert isinstance(backbone, ClipClapBackbone)
    model = transformers.AutoModel.from_pretrained(saved[pair]).eval()
    processor = transformers.AutoImageProcessor.from_pretrained(saved[pair])
    tokenizer = transformers.AutoTokenizer.from_pretrained(saved[pair])
    images, texts = [picture(1), picture(2)], ["a sad", "joy"]
    with torch.no_grad():
        found = backbone.encode_images([backbone.image_input(image) for image in images])
        expected = features(model.get_image_features(**processor(images=images, return_tensors="pt")))
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
        found = backbone.encode_text([backbone.text_input(text) for text in texts])
        prepared = tokenizer(texts, padding="max_length", max_length=12, return_tensors="pt")
        expected = features(model.get_text_features(input_ids=prepared["input_ids"]))
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
    assert found.shape == (2, backbone.text_dimension)
    assert backbone.image_dimension == backbone.text_dimension == (8 if pair == "clip" else 16)
    assert backbone.logit_scale == pytest.approx(model.logit_scale.exp().item())


def test_padding_does_not_change_a_text(saved: dict[str, Path]) -> None:
    """CLIP reads a text at its end token and looks only back, so that no mask is needed."""
    pair = PictureText(str(saved["clip"])).eval()
    ids = pair.text_input("a sad")
    length = ids.tolist().index(1) + 1
    with torch.no_grad():
        torch.testing.assert_close(
            pair.encode_text(ids[None]), pair.encode_text(ids[None, :length]), rtol=1e-5, atol=1e-5
        )


def test_a_long_text_is_cut_off(saved: dict[str, Path]) -> None:
    ids = PictureText(str(saved["clip"])).text_input("sad joy " * 20)
    assert len(ids) == 12
    assert ids[-1] == 1


def test_music_is_the_mean_over_windows(saved: dict[str, Path]) -> None:
    clap = Clap(str(saved["clap"])).eval()
    model = transformers.ClapModel.from_pretrained(saved["clap"]).eval()
    extractor = transformers.ClapFeatureExtractor.from_pretrained(saved["clap"])
    long, short = sound(1, 24_000), sound(2, 9_000)
    pieces = [clap.music_input(long), clap.music_input(short)]
    assert [len(piece) for piece in pieces] == [2, 1]
    with torch.no_grad():
        found = clap.encode_music(pieces)
        for row, windows in ((0, [long[:16_000], long[8_000:]]), (1, [short])):
            prepared = extractor(windows, sampling_rate=8000, return_tensors="pt")
            expected = features(model.get_audio_features(**prepared)).mean(dim=0)
            torch.testing.assert_close(found[row], expected, rtol=1e-5, atol=1e-5)


def test_a_backbone_learns(saved: dict[str, Path]) -> None:
    spec = BackboneSpec("clip-clap", checkpoint=str(saved["clip"]), audio_checkpoint=str(saved["clap"]))
    backbone = load_backbone(spec).train()
    statistics = [module for module in backbone.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    before = [module.running_mean.clone() for module in statistics]
    music = backbone.encode_music([backbone.music_input(sound(1, 9_000)), backbone.music_input(sound(2, 20_000))])
    images = backbone.encode_images([backbone.image_input(picture(1))])
    (music.sum() + images.sum()).backward()
    assert all(torch.equal(module.running_mean, old) for module, old in zip(statistics, before, strict=True))
    assert backbone.clap.model.audio_projection.linear1.weight.grad.abs().sum() > 0
    assert backbone.pair.model.visual_projection.weight.grad.abs().sum() > 0


def test_random_weights_need_only_a_configuration(saved: dict[str, Path]) -> None:
    def draw(seed: int) -> torch.Tensor:
        names = {"checkpoint": str(saved["clip"]), "audio_checkpoint": str(saved["clap"])}
        backbone = load_backbone(BackboneSpec("clip-clap", **names, random_weights=True, seed=seed))
        return backbone.pair.model.visual_projection.weight

    assert torch.equal(draw(3), draw(3))
    assert not torch.equal(draw(3), draw(4))


def test_what_is_not_there_is_said(saved: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(CheckpointMissingError, match=r"openai/clip-vit-base-patch32.*HF_HUB_OFFLINE"):
        PictureText("openai/clip-vit-base-patch32")
    with pytest.raises(CheckpointMissingError, match="could not be loaded"):
        PictureText(str(tmp_path))
    with pytest.raises(CheckpointMismatchError, match="type clap"):
        PictureText(str(saved["clap"]))
    with pytest.raises(CheckpointMismatchError, match="must be one of: clap"):
        Clap(str(saved["clip"]))
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(PackageMissingError, match=r"pip install 'moodcut\[train\]'"):
        load_hub("sound", str(saved["clap"]))


def published_names() -> dict[str, tuple[int, ...]]:
    """Wav2CLIP's audio encoder, read off the package wav2clip 0.1.0: names and shapes."""
    shapes: dict[str, tuple[int, ...]] = {"audio_encoder.spectrogram.window": (512,)}

    def conv_norm(name: str, conv: str, bn: str, *shape: int) -> None:
        shapes[f"{name}{conv}.weight"] = shape
        for part in ("weight", "bias", "running_mean", "running_var"):
            shapes[f"{name}{bn}.{part}"] = shape[:1]
        shapes[f"{name}{bn}.num_batches_tracked"] = ()

    conv_norm("audio_encoder.", "conv1", "bn1", 64, 1, 7, 7)
    inputs = 64
    for stage, outputs in enumerate((64, 128, 256, 512), 1):
        for block in range(2):
            name = f"audio_encoder.layer{stage}.{block}."
            conv_norm(name, "conv1", "bn1", outputs, inputs, 3, 3)
            conv_norm(name, "conv2", "bn2", outputs, outputs, 3, 3)
            if inputs != outputs:
                conv_norm(name, "downsample.0", "downsample.1", outputs, inputs, 1, 1)
            inputs = outputs
    for place in (0, 3):
        shapes[f"audio_transform.sequential.{place}.weight"] = (512, 512)
        shapes[f"audio_transform.sequential.{place}.bias"] = (512,)
    return shapes


def test_wav2clip_has_the_published_names_and_shapes() -> None:
    with torch.device("meta"):
        state = Wav2ClipAudio(Wav2ClipShape()).state_dict()
    assert {name: tuple(tensor.shape) for name, tensor in state.items()} == published_names()


def wav2clip(saved: dict[str, Path], seed: int) -> Wav2ClipBackbone:
    torch.manual_seed(seed)
    backbone = Wav2ClipBackbone(PictureText(str(saved["clip"])), AUDIO)
    for module in backbone.audio.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    return backbone.eval()


@pytest.mark.parametrize("layout", ["released", "as trained"])
def test_wav2clip_loads_a_checkpoint(layout: str, saved: dict[str, Path], tmp_path: Path) -> None:
    source, other = wav2clip(saved, 0), wav2clip(saved, 1)
    state = {**source.audio.state_dict(), "image_transform.sequential.0.bias": torch.zeros(3)}
    if layout == "as trained":
        state["audio_encoder.fc.weight"] = torch.zeros(309, 512)
    path = tmp_path / "Wav2CLIP.pt"
    # A file of Lightning holds classes of its own beside the tensors: none of them is imported.
    extras = {"hyper_parameters": Path("somewhere"), "callbacks": {Path: {"best": torch.tensor(0.1)}}}
    torch.save(state if layout == "released" else {"epoch": 3, "state_dict": state, **extras}, path)
    other.load_audio(path)
    pieces = [sound(1, 16_000), sound(2, 12_000), sound(3, 16_000)]
    with torch.no_grad():
        prepared = [source.music_input(piece) for piece in pieces]
        found, expected = other.encode_music(prepared), source.encode_music(prepared)
    assert found.shape == (3, AUDIO.dimension)
    torch.testing.assert_close(found, expected, rtol=0, atol=0)
    torch.save({"conv.weight": torch.zeros(1)}, path)
    with pytest.raises(CheckpointMismatchError, match="missing"):
        other.load_audio(path)


def test_wav2clip_spectrogram_by_numpy() -> None:
    network = Wav2ClipAudio(AUDIO).audio_encoder
    samples = sound(1, 9_000).astype(np.float64)
    padded = np.pad(samples, 256, mode="reflect")
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(512) / 512)
    frames = np.lib.stride_tricks.sliding_window_view(padded, 512)[::353] * window
    expected = np.abs(np.fft.rfft(frames, axis=1)).T ** 2
    found = network.spectrogram(torch.from_numpy(samples.astype(np.float32))[None])[0].numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)


def test_wav2clip_against_its_package(saved: dict[str, Path]) -> None:
    """The authors' own network with the same random weights, where wav2clip (and torchaudio) is installed."""
    resnet = pytest.importorskip("wav2clip.model.resnet", reason="wav2clip is not installed")
    network = Wav2ClipAudio(Wav2ClipShape()).eval()
    theirs = resnet.ResNet(resnet.BasicBlock, [2, 2, 2, 2]).eval()
    theirs.load_state_dict(network.audio_encoder.state_dict(), strict=True)
    piece = torch.from_numpy(sound(1, 16_000))[None]
    with torch.no_grad():
        found, expected = network.audio_encoder(piece), theirs(piece)
    torch.testing.assert_close(functional.normalize(found), functional.normalize(expected), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("part", ["pictures", "sound", "windows"])
def test_export(part: str, saved: dict[str, Path], tmp_path: Path) -> None:
    pytest.importorskip("onnxscript", reason="onnxscript is not installed: pip install moodcut[train]")
    if part == "windows":
        pair, clap = PictureText(str(saved["clip"])), Clap(str(saved["clap"]))
        graph = ClipClapBackbone(pair, clap).eval().music_graph(2.0)
    else:
        backbone = wav2clip(saved, 0)
        graph = backbone.image_graph() if part == "pictures" else backbone.music_graph(1.0)
    assert graph.input_name == part
    path = export_encoder(graph, tmp_path / "encoder.onnx")
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    count = 3 if graph.batched else 1
    batch = torch.randn(count, *graph.example.shape[1:], generator=torch.Generator().manual_seed(1)) * 0.1
    (found,) = session.run(list(graph.output_names), {graph.input_name: batch.numpy()})
    with torch.no_grad():
        np.testing.assert_allclose(found, graph.module(batch), rtol=1e-4, atol=1e-4)
