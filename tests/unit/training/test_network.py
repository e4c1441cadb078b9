"""The joint space, the class layers, and which weights learn how fast."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install moodcut[train]")

from moodcut_scorer.heads import Heads  # noqa: E402
from moodcut_training.backbones.base import Backbone  # noqa: E402
from moodcut_training.backbones.errors import CheckpointMismatchError  # noqa: E402
from moodcut_training.backbones.registry import BackboneSpec, load_backbone  # noqa: E402
from moodcut_training.network import EmotionNetwork, Projection  # noqa: E402
from moodcut_training.saved import TrainedModel  # noqa: E402
from moodcut_training.scorer_export import scorer_heads  # noqa: E402

PROMPTS = ("happy", "scary", "plain", "calm", "sorry", "tense")


class Joint(Backbone):
    """A backbone with a joint space of its own: linear maps of vectors that are given as they are."""

    name, sample_rate, logit_scale = "joint", 16_000, 14.0
    image_dimension = music_dimension = text_dimension = 8

    def __init__(self) -> None:
        super().__init__()
        self.maps = torch.nn.ModuleDict({name: torch.nn.Linear(8, 8) for name in ("image", "music", "text")})

    def image_input(self, picture: np.ndarray) -> Any:
        return torch.from_numpy(picture)

    def music_input(self, sound: np.ndarray) -> Any:
        return torch.from_numpy(sound)

    def text_input(self, text: str) -> Any:
        return torch.tensor([float(ord(letter)) for letter in text.ljust(8)[:8]]) / 100

    def encode_images(self, inputs: Sequence[Any]) -> Any:
        return self.maps["image"](torch.stack(list(inputs)))

    def encode_music(self, inputs: Sequence[Any]) -> Any:
        return self.maps["music"](torch.stack(list(inputs)))

    def encode_text(self, inputs: Sequence[Any]) -> Any:
        return self.maps["text"](torch.stack(list(inputs)))


def vectors(count: int, seed: int = 0) -> list[Any]:
    return list(torch.randn(count, 8, generator=torch.Generator().manual_seed(seed)))


def test_a_joint_space_of_its_own_is_kept() -> None:
    network = EmotionNetwork(Joint())
    assert (network.dimension, len(network.project)) == (8, 0)
    assert network.log_scale.exp().item() == pytest.approx(14.0)
    found = network.embed("image", vectors(4))
    assert torch.allclose(found.norm(dim=1), torch.ones(4))
    projected = EmotionNetwork(Joint(), dimension=3, scale=5.0, bias=-1.0)
    assert projected.embed("music", vectors(2)).shape == (2, 3)
    assert (round(projected.log_scale.exp().item(), 5), projected.bias.item()) == (5.0, -1.0)


def test_embeddings_of_different_sizes_are_projected() -> None:
    network = EmotionNetwork(load_backbone(BackboneSpec(name="tiny", random_weights=True)))
    assert network.dimension == 64
    assert {name: layer.linear.in_features for name, layer in network.project.items()} == {
        "image": 128,
        "music": 112,
        "text": 32,
    }


def test_projections_standardise() -> None:
    projection = Projection(3, 2)
    features = torch.tensor([[1.0, 10.0, 5.0], [3.0, 30.0, 5.0]])
    projection.standardise(features)
    assert projection.centre.tolist() == [2.0, 20.0, 5.0]
    assert projection.spread.tolist() == pytest.approx([1.001, 10.001, 0.001])
    expected = projection.linear(torch.tensor([[-1 / 1.001, -10 / 10.001, 0.0]]))
    assert torch.allclose(projection(features)[:1], expected, atol=1e-6)


def test_without_classifier_prompts_tell_emotions() -> None:
    network = EmotionNetwork(Joint(), with_classifier=False)
    texts = [network.prepared("text", text) for text in PROMPTS]
    batch = network(vectors(6), vectors(6, 1), texts)
    assert torch.allclose(batch.image_logits, 14.0 * batch.image @ batch.text.T, atol=1e-5)
    with pytest.raises(ValueError, match="prompts"):
        network.class_logits("image", batch.image)


def test_every_weight_is_trained_once() -> None:
    network = EmotionNetwork(Joint(), dimension=4)
    backbone, heads = network.parameter_groups(learning_rate=1e-4, head_learning_rate=1e-2)
    assert (backbone["lr"], heads["lr"]) == (1e-4, 1e-2)
    found = [id(each) for group in (backbone, heads) for each in group["params"]]
    assert sorted(found) == sorted(id(each) for each in network.parameters())
    assert {id(each) for each in network.backbone.parameters()} == {id(each) for each in backbone["params"]}
    assert network.parameter_groups(learning_rate=1e-4, head_learning_rate=0.0)[1]["lr"] == 1e-4


def test_frozen_statistics_stay() -> None:
    network = EmotionNetwork(load_backbone(BackboneSpec(name="tiny", random_weights=True)))
    norm = network.backbone.image.layers[1]
    pictures = [torch.randn(3, 224, 224) for _ in range(2)]
    network.backbone.fixed_norms = True
    network.train()
    network.embed("image", pictures)
    assert norm.running_mean.abs().max() == 0
    network.backbone.fixed_norms = False
    network.train()
    network.embed("image", pictures)
    assert norm.running_mean.abs().max() > 0


@pytest.mark.parametrize("with_classifier", [True, False])
@pytest.mark.parametrize("dimension", [0, 5])
def test_the_scorers_heads_say_the_same(dimension: int, with_classifier: bool) -> None:
    """Whatever the backbone: from its features on, the heads of the export are the network."""
    torch.manual_seed(1)
    network = EmotionNetwork(Joint(), dimension=dimension, with_classifier=with_classifier).eval()
    config = {"prompts": dict(zip("abcdef", PROMPTS, strict=True)), "with_text": True}
    temperatures = {"image": 2.0, "music": 0.5}
    heads: Heads = scorer_heads(TrainedModel(network=network, config=config, temperatures=temperatures, report={}))
    with torch.no_grad():
        texts = network.embed("text", [network.prepared("text", text) for text in PROMPTS])
        for name, head in (("image", heads.image), ("music", heads.music)):
            features = network.features(name, vectors(7))
            found = network.embed(name, vectors(7))
            odds = (network.class_logits(name, found, texts) / temperatures[name]).softmax(dim=1)
            np.testing.assert_allclose(head.embed(features.numpy()), found.numpy(), atol=1e-5)
            np.testing.assert_allclose(head.posteriors(found.numpy()), odds.numpy(), atol=1e-5)
    np.testing.assert_allclose(heads.prompts, texts.numpy(), atol=1e-6)


def test_random_weights_come_from_the_seed_alone() -> None:
    before = torch.get_rng_state()
    one, other = (load_backbone(BackboneSpec(name="tiny", random_weights=True, seed=seed)) for seed in (3, 3))
    assert torch.equal(before, torch.get_rng_state())
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


def test_tiny_loads_a_state_dict(tmp_path: Any) -> None:
    saved = load_backbone(BackboneSpec(name="tiny", random_weights=True, seed=9))
    torch.save(saved.state_dict(), tmp_path / "tiny.pt")
    loaded = load_backbone(BackboneSpec(name="tiny", checkpoint=str(tmp_path / "tiny.pt")))
    assert all(torch.equal(a, b) for a, b in zip(saved.parameters(), loaded.parameters(), strict=True))
    torch.save({"other": torch.zeros(1)}, tmp_path / "other.pt")
    with pytest.raises(CheckpointMismatchError, match=r"other\.pt does not hold the weights"):
        load_backbone(BackboneSpec(name="tiny", checkpoint=str(tmp_path / "other.pt")))
