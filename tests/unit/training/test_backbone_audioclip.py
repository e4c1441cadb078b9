"""AudioCLIP: the published names and shapes, a checkpoint of that structure, and the audio encoder by its formulas."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install moodcut[train]")

from torch.nn import functional  # noqa: E402

from moodcut_scorer.errors import BadAudioError, BadImageError  # noqa: E402
from moodcut_training.backbones.audioclip import AudioClip, AudioClipBackbone, AudioClipShape  # noqa: E402
from moodcut_training.backbones.clip_image import ModifiedResNetShape  # noqa: E402
from moodcut_training.backbones.clip_text import TextShape  # noqa: E402
from moodcut_training.backbones.clip_tokens import ClipTokens  # noqa: E402
from moodcut_training.backbones.errors import CheckpointMismatchError, CheckpointMissingError  # noqa: E402
from moodcut_training.backbones.esresnext import EsResNextShape, max_pool_to  # noqa: E402
from moodcut_training.backbones.fbsp import Fbsp, FbspShape, blackman_harris, fill_frames  # noqa: E402
from moodcut_training.backbones.onnx_export import export_encoder  # noqa: E402

TINY = AudioClipShape(
    dimension=6,
    image=ModifiedResNetShape(block_counts=(1, 2, 1, 1), width=4, head_count=2, picture_size=64),
    text=TextShape(token_count=520, context_length=12, width=8, head_count=2, layer_count=2),
    audio=EsResNextShape(
        fbsp=FbspShape(fft_length=256, window_length=200, hop_length=80),
        block_counts=(1, 2, 1, 1),
        width=8,
        group_count=2,
        group_width=16,
    ),
)
Named = Iterator[tuple[str, tuple[int, ...]]]


def linear(name: str, inputs: int, outputs: int) -> Named:
    yield f"{name}.weight", (outputs, inputs)
    yield f"{name}.bias", (outputs,)


def norm(name: str, size: int) -> Named:
    for part in ("weight", "bias", "running_mean", "running_var"):
        yield f"{name}.{part}", (size,)
    yield f"{name}.num_batches_tracked", ()


def conv_norm(name: str, index: int, *shape: int) -> Named:
    yield f"{name}conv{index}.weight", shape
    yield from norm(f"{name}bn{index}", shape[0])


def stages(prefix: str, group_count: int) -> Named:
    """Four stages of bottlenecks, 3, 4, 6 and 3, that widen to 256, 512, 1024 and 2048 channels."""
    inputs = 64
    for stage, count in enumerate((3, 4, 6, 3)):
        outputs = 256 * 2**stage
        hidden = outputs // 4 if group_count == 1 else outputs // 2  # ResNet-50, ResNeXt-50 32x4d
        for block in range(count):
            name = f"{prefix}layer{stage + 1}.{block}."
            yield from conv_norm(name, 1, hidden, inputs, 1, 1)
            yield from conv_norm(name, 2, hidden, hidden // group_count, 3, 3)
            yield from conv_norm(name, 3, outputs, hidden, 1, 1)
            if block == 0:
                yield f"{name}downsample.0.weight", (outputs, inputs, 1, 1)
                yield from norm(f"{name}downsample.1", outputs)
            inputs = outputs


def published_clip() -> Named:
    """CLIP RN50: read off the model definition in openai/CLIP."""
    yield "positional_embedding", (77, 512)
    yield "text_projection", (512, 1024)
    yield "logit_scale", ()
    yield "token_embedding.weight", (49408, 512)
    for index, shape in enumerate(((32, 3, 3, 3), (32, 32, 3, 3), (64, 32, 3, 3)), 1):
        yield from conv_norm("visual.", index, *shape)
    yield from stages("visual.", 1)
    yield "visual.attnpool.positional_embedding", (50, 2048)
    for part in "kqv":
        yield from linear(f"visual.attnpool.{part}_proj", 2048, 2048)
    yield from linear("visual.attnpool.c_proj", 2048, 1024)
    for layer in range(12):
        name = f"transformer.resblocks.{layer}"
        yield f"{name}.attn.in_proj_weight", (1536, 512)
        yield f"{name}.attn.in_proj_bias", (1536,)
        yield from linear(f"{name}.attn.out_proj", 512, 512)
        yield from linear(f"{name}.mlp.c_fc", 512, 2048)
        yield from linear(f"{name}.mlp.c_proj", 2048, 512)
        for part in ("ln_1", "ln_2"):
            yield from linear(f"{name}.{part}", 0, 512)
    yield from linear("ln_final", 0, 512)


def published_audio() -> Named:
    """The audio encoder and its two scales: read off the model definition in AndreyGuzhov/AudioCLIP."""
    yield "logit_scale_ai", ()
    yield "logit_scale_at", ()
    yield "audio.window", (1654,)
    for part in ("m", "fb", "fc"):
        yield f"audio.fbsp.{part}", (1025,)
    yield "audio.fbsp.bias", (0,)
    yield from conv_norm("audio.", 1, 64, 3, 7, 7)
    yield from stages("audio.", 32)
    channels = (64, 256, 512, 1024, 2048, 2048)
    for index, kernel in enumerate(((3, 1), (1, 5), (3, 1), (1, 5), (3, 5)), 1):
        inputs, outputs = channels[index - 1 : index + 1]
        yield f"audio.att{index}.conv_depth.weight", (inputs, 1, *kernel)
        yield f"audio.att{index}.conv_depth.bias", (inputs,)
        yield f"audio.att{index}.conv_point.weight", (outputs, inputs, 1, 1)
        yield f"audio.att{index}.conv_point.bias", (outputs,)
        yield from norm(f"audio.att{index}.bn", outputs)
    yield from linear("audio.fc", 2048, 1024)


def published_shapes() -> dict[str, tuple[int, ...]]:
    """Layer norms come out of ``linear`` with an empty input; their weight is one-dimensional."""
    named = [*published_clip(), *published_audio()]
    return {name: shape[:1] if shape[1:] == (0,) else shape for name, shape in named}


@pytest.fixture(scope="module")
def full() -> dict[str, object]:
    with torch.device("meta"), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # initialising tensors without memory does nothing
        return dict(AudioClip(AudioClipShape()).state_dict())


def test_names_and_shapes_are_the_published_ones(full: dict[str, torch.Tensor]) -> None:
    assert {name: tuple(tensor.shape) for name, tensor in full.items()} == published_shapes()


def test_size_agrees_with_the_published_files(full: dict[str, torch.Tensor]) -> None:
    """The repository's LFS pointers give the sizes of AudioCLIP-Full-Training.pt (and Partial) and of CLIP.pt.

    What is left beside the tensors is a few hundred bytes a tensor, as torch's file format needs.
    """
    for file_bytes, names in (
        (537_302_068, list(full)),
        (408_415_159, [name for name, _ in published_clip()]),
    ):
        tensor_bytes = sum(full[name].numel() * full[name].element_size() for name in names)
        assert 300 < (file_bytes - tensor_bytes) / len(names) < 400


def few_tokens() -> ClipTokens:
    return ClipTokens([("s", "a"), ("sa", "d</w>"), ("a", "</w>")][:2])


def random_backbone(seed: int) -> AudioClipBackbone:
    torch.manual_seed(seed)
    backbone = AudioClipBackbone(few_tokens(), TINY)
    for module in backbone.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    with torch.no_grad():
        backbone.network.audio.fbsp.m.uniform_(0.0, 2.0)
    return backbone.eval()


def signal(seed: int, samples: int = 30_000) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.1, samples).astype(np.float32)


def picture(seed: int, height: int = 70, width: int = 90) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def embeddings(backbone: AudioClipBackbone) -> list[torch.Tensor]:
    with torch.no_grad():
        return [
            backbone.encode_images([backbone.image_input(picture(seed)) for seed in (1, 2)]),
            backbone.encode_music([backbone.music_input(signal(3)), backbone.music_input(signal(4, 25_000))]),
            backbone.encode_text([backbone.text_input(text) for text in ("a sad scene", "joy")]),
        ]


def test_a_checkpoint_of_the_same_structure_gives_the_same_outputs(tmp_path: Path) -> None:
    source, other = random_backbone(0), random_backbone(1)
    state = {**source.network.state_dict(), "input_resolution": torch.tensor(64)}
    del state["audio.fbsp.bias"]
    torch.save(state, tmp_path / "AudioCLIP.pt")
    before, wanted = embeddings(other), embeddings(source)
    other.load(tmp_path / "AudioCLIP.pt")
    for found, want, old in zip(embeddings(other), wanted, before, strict=True):
        assert found.shape == (2, 6)
        assert found.dtype == torch.float32
        torch.testing.assert_close(found, want, rtol=0, atol=0)
        assert (found - old).abs().max() > 1e-3


def test_a_wrong_checkpoint_is_said_to_be(tmp_path: Path) -> None:
    backbone = random_backbone(0)
    kept = {name: tensor.clone() for name, tensor in backbone.network.state_dict().items()}
    path = tmp_path / "other.pt"
    with pytest.raises(CheckpointMissingError, match="does not exist"):
        backbone.load(path)
    state = {**kept, "audio.fc.bias": torch.zeros(7), "visual.proj": torch.zeros(1)}
    del state["logit_scale_ai"]
    torch.save(state, path)
    message = r"1 missing \(logit_scale_ai\); 1 unexpected \(visual.proj\); 1 of another shape \(audio.fc.bias is \[7\]"
    with pytest.raises(CheckpointMismatchError, match=message):
        backbone.load(path)
    for name, tensor in backbone.network.state_dict().items():
        torch.testing.assert_close(tensor, kept[name], rtol=0, atol=0)


def test_embeddings_do_not_depend_on_their_company() -> None:
    backbone = random_backbone(0)
    for training in (False, True):
        backbone.train(training)
        alone = [embedding[:1] for embedding in embeddings(backbone)]
        with torch.no_grad():
            single = backbone.encode_music([backbone.music_input(signal(3))])
        torch.testing.assert_close(single, alone[1], rtol=1e-5, atol=1e-6)


def test_every_parameter_learns() -> None:
    backbone = random_backbone(0).train()
    images = backbone.encode_images([backbone.image_input(picture(1))])
    music = backbone.encode_music([backbone.music_input(signal(3))])
    text = backbone.encode_text([backbone.text_input("a sad scene")])
    (images + music + text).square().sum().backward()
    still = {
        name
        for name, parameter in backbone.network.named_parameters()
        if parameter.numel() and (parameter.grad is None or not parameter.grad.isfinite().all())
    }
    assert still == {"logit_scale", "logit_scale_ai", "logit_scale_at"}


def test_learning_norms_want_equal_lengths_and_get_them() -> None:
    torch.manual_seed(0)
    backbone = AudioClipBackbone(few_tokens(), TINY)
    backbone.fixed_norms = False
    backbone.train()
    before = backbone.network.audio.bn1.running_mean.clone()
    found = backbone.encode_music([backbone.music_input(signal(3)), backbone.music_input(signal(4, 25_000))])
    assert found.shape == (2, 6)
    assert not torch.equal(backbone.network.audio.bn1.running_mean, before)


def test_scale_starts_from_the_checkpoint_within_its_limits() -> None:
    backbone = random_backbone(0)
    assert backbone.logit_scale == pytest.approx(100.0)
    backbone.network.logit_scale_ai.data.fill_(math.log(30.0))
    assert backbone.logit_scale == pytest.approx(30.0)
    backbone.network.logit_scale_ai.data.fill_(math.log(300.0))
    assert backbone.logit_scale == 100.0


def test_bad_input_is_refused() -> None:
    backbone = random_backbone(0)
    with pytest.raises(BadImageError, match="uint8"):
        backbone.image_input(np.zeros((4, 4, 3), dtype=np.float32))  # type: ignore[arg-type]
    with pytest.raises(BadAudioError, match=r"at least 0\.5 s"):
        backbone.music_input(np.zeros(100, dtype=np.float32))
    with pytest.raises(BadAudioError, match="finite"):
        backbone.music_input(np.full(40_000, np.nan, dtype=np.float32))


def test_pictures_keep_their_middle() -> None:
    """A wide picture: black left and right, white in the middle square."""
    wide = np.zeros((64, 128, 3), dtype=np.uint8)
    wide[:, 32:96] = 255
    prepared = random_backbone(0).image_input(wide)
    expected = [(1 - m) / s for m, s in ((0.48145466, 0.26862954), (0.4578275, 0.26130258), (0.40821073, 0.27577711))]
    torch.testing.assert_close(prepared.mean(dim=(1, 2)), torch.tensor(expected), rtol=1e-5, atol=1e-5)


def fbsp_by_hand(samples: np.ndarray, shape: FbspShape, m: np.ndarray, fb: np.ndarray, fc: np.ndarray) -> np.ndarray:
    """Power [filters, frames] in complex128, frame by frame, straight from the definition of the wavelet."""
    time = np.pi * np.linspace(-1, 1, shape.fft_length) + 1e-8
    argument = fb[:, None] * time / (m[:, None] + 1e-8)
    wave = (np.sin(argument) / argument).astype(complex) ** m[:, None] * np.exp(-1j * fc[:, None] * time)
    wave *= np.sqrt(fb)[:, None] / np.sqrt(shape.fft_length)
    steps = np.arange(shape.window_length) / shape.window_length
    window = sum(a * np.cos(2 * np.pi * k * steps) for k, a in enumerate((0.35875, -0.48829, 0.14128, -0.01168)))
    side = (shape.fft_length - shape.window_length) // 2
    count = 1 + math.ceil(max(len(samples) - shape.window_length, 0) / shape.hop_length)
    lacking = (count - 1) * shape.hop_length + shape.window_length - len(samples)
    padded = np.pad(samples.astype(float), (lacking // 2, lacking - lacking // 2))
    rows = []
    for frame in range(count):
        start = frame * shape.hop_length
        cut = np.zeros(shape.fft_length)
        cut[side : side + shape.window_length] = padded[start : start + shape.window_length] * window
        rows.append(np.abs(wave @ cut) ** 2)
    return np.stack(rows, axis=1)


@pytest.mark.parametrize("samples", [150, 200, 1000, 1037])
def test_fbsp_matches_its_formula(samples: int) -> None:
    shape = FbspShape(fft_length=256, window_length=200, hop_length=80)
    rng = np.random.default_rng(7)
    m, fb = rng.uniform(0.0, 3.0, shape.filter_count), rng.uniform(0.5, 4.0, shape.filter_count)
    m[:5] = 0.0
    fc = np.arange(shape.filter_count) + rng.normal(0, 0.3, shape.filter_count)
    layer = Fbsp(shape).double()
    for parameter, values in ((layer.m, m), (layer.fb, fb), (layer.fc, fc)):
        parameter.data = torch.from_numpy(values)
    sound = rng.normal(size=samples)
    filled = fill_frames(torch.from_numpy(sound), shape)
    found = layer(filled[None], blackman_harris(shape.window_length).double())[0].detach().numpy()
    # The window is kept in float32, as published.
    np.testing.assert_allclose(found, fbsp_by_hand(sound, shape, m, fb, fc), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(("height", "width"), [(10, 7), (11, 8), (5, 5), (2, 1)])
def test_pooling_is_adaptive_max_pooling(height: int, width: int) -> None:
    x = torch.randn(2, 3, height, width, generator=torch.Generator().manual_seed(0))
    for size in ((-(-height // 2), -(-width // 2)), (height, -(-width // 2)), (height, width), (1, 1)):
        torch.testing.assert_close(max_pool_to(x, *size), functional.adaptive_max_pool2d(x, size), rtol=0, atol=0)


def audio_by_names(
    state: dict[str, torch.Tensor], x: torch.Tensor, counts: tuple[int, ...], groups: int
) -> torch.Tensor:
    """The network after its spectrogram, written out over the names of the checkpoint with torch's functions alone."""

    def bn(x: torch.Tensor, name: str) -> torch.Tensor:
        parts = [state[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")]
        return functional.batch_norm(x, *parts)

    def attend(x: torch.Tensor, name: str, size: tuple[int, int]) -> torch.Tensor:
        x = functional.adaptive_max_pool2d(x, size)
        depth, point = f"{name}.conv_depth", f"{name}.conv_point"
        padding = [side // 2 for side in state[f"{depth}.weight"].shape[2:]]
        x = functional.conv2d(x, state[f"{depth}.weight"], state[f"{depth}.bias"], padding=padding, groups=x.shape[1])
        return bn(functional.conv2d(x, state[f"{point}.weight"], state[f"{point}.bias"]), f"{name}.bn").sigmoid()

    x = functional.conv2d(x, state["conv1.weight"], stride=2, padding=3)
    x = functional.max_pool2d(bn(x, "bn1").relu(), 3, 2, 1)
    for stage, count in enumerate(counts, 1):
        start = x
        for block in range(count):
            name, stride = f"layer{stage}.{block}", 2 if stage > 1 and block == 0 else 1
            y = bn(functional.conv2d(x, state[f"{name}.conv1.weight"]), f"{name}.bn1").relu()
            y = functional.conv2d(y, state[f"{name}.conv2.weight"], stride=stride, padding=1, groups=groups)
            y = bn(functional.conv2d(bn(y, f"{name}.bn2").relu(), state[f"{name}.conv3.weight"]), f"{name}.bn3")
            if f"{name}.downsample.0.weight" in state:
                x = functional.conv2d(x, state[f"{name}.downsample.0.weight"], stride=stride)
                x = bn(x, f"{name}.downsample.1")
            x = (x + y).relu()
        x = x * attend(start, f"att{stage}", tuple(x.shape[2:]))
    pooled = functional.adaptive_avg_pool2d(x, (1, 1)) * attend(x, "att5", (1, 1))
    return functional.linear(pooled.flatten(1), state["fc.weight"], state["fc.bias"])


def test_audio_encoder_written_out() -> None:
    backbone = random_backbone(3)
    network, fbsp = backbone.network.audio, TINY.audio.fbsp
    sound = signal(5)
    filters = [
        parameter.detach().numpy().astype(float) for parameter in (network.fbsp.m, network.fbsp.fb, network.fbsp.fc)
    ]
    # int16 samples onto [-1, 1], as the published network does it.
    filled = fill_frames(torch.from_numpy(sound).double(), fbsp).numpy()
    scaled = (filled * 32768 + 32768) * 2 / 65535 - 1
    power = fbsp_by_hand(scaled, fbsp, *filters)
    bands = np.stack(np.split(10 * np.log10(np.maximum(power[:129], 1e-18)), 3))
    with torch.no_grad():
        prepared = backbone.music_input(sound)[None]
        spectrogram = network.spectrogram(prepared)
        np.testing.assert_allclose(10 ** (spectrogram[0] / 10), 10 ** (bands / 10), rtol=1e-3, atol=1e-8)
        state = dict(network.state_dict())
        expected = audio_by_names(state, torch.from_numpy(bands).float()[None], TINY.audio.block_counts, 2)
        torch.testing.assert_close(network(prepared), expected, rtol=1e-3, atol=1e-3)
        exact = audio_by_names(state, spectrogram, TINY.audio.block_counts, 2)
        torch.testing.assert_close(network(prepared), exact, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("part", ["image", "music"])
def test_export(part: str, tmp_path: Path) -> None:
    pytest.importorskip("onnxscript", reason="onnxscript is not installed: pip install moodcut[train]")
    backbone = random_backbone(0).train()
    graph = backbone.image_graph() if part == "image" else backbone.music_graph(0.6)
    path = export_encoder(graph, tmp_path / "encoder.onnx")
    assert [file.name for file in tmp_path.iterdir()] == ["encoder.onnx"]
    assert backbone.network.visual.training
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    batch = torch.randn(3, *graph.example.shape[1:], generator=torch.Generator().manual_seed(1)) * 0.1
    (found,) = session.run(["embeddings"], {graph.input_name: batch.numpy()})
    with torch.no_grad():
        np.testing.assert_allclose(found, graph.module(batch), rtol=1e-4, atol=1e-4)
