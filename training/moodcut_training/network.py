"""What is trained: a backbone, its way into the joint space, and the class layers on top (method, section 2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from moodcut_scorer.emotions import EMOTIONS
from moodcut_training.backbones.base import Backbone
from moodcut_training.losses import Batch

Modality = Literal["image", "music", "text"]
MODALITIES: Final[tuple[Modality, ...]] = ("image", "music", "text")
DEFAULT_DIMENSION: Final = 64

_SMALLEST_SPREAD = 1e-3


class Projection(nn.Module):  # type: ignore[misc]  # torch may be absent where types are checked
    """Features [n, size] standardised by fixed numbers, then projected linearly to [n, d]."""

    centre: Tensor
    spread: Tensor

    def __init__(self, size: int, dimension: int) -> None:
        super().__init__()
        self.register_buffer("centre", torch.zeros(size))
        self.register_buffer("spread", torch.ones(size))
        self.linear = nn.Linear(size, dimension)

    def standardise(self, features: Tensor) -> None:
        """Take mean and deviation from features [n, size] of the training split."""
        self.centre.copy_(features.mean(dim=0))
        self.spread.copy_(features.std(dim=0, unbiased=False) + _SMALLEST_SPREAD)

    def forward(self, features: Tensor) -> Tensor:
        """See the class."""
        projected: Tensor = self.linear((features - self.centre) / self.spread)
        return projected


class EmotionNetwork(nn.Module):  # type: ignore[misc]  # torch may be absent where types are checked
    """Three encoders with one joint space of ``dimension`` values, and six-way class layers for pictures and music.

    ``dimension`` 0 takes the backbone's own joint space, or 64 values where its embeddings differ in size; with any
    other number, and where they differ, each modality gets a projection. The class layers see embeddings of one length,
    sqrt(d), so that their weights start on the scale of the inputs whatever the encoder; the scorer, which keeps unit
    vectors only, can run them as they are. Without classifier, class logits are s times the cosine with the prompts.
    """

    def __init__(
        self,
        backbone: Backbone,
        *,
        dimension: int = 0,
        scale: float = 0.0,
        bias: float = 0.0,
        with_classifier: bool = True,
    ) -> None:
        super().__init__()
        sizes = {modality: int(getattr(backbone, f"{modality}_dimension")) for modality in MODALITIES}
        own = len(set(sizes.values())) == 1 and not dimension
        self.dimension = sizes["image"] if own else dimension or DEFAULT_DIMENSION
        self.with_classifier = with_classifier
        self.backbone = backbone
        self.project = (
            nn.ModuleDict()
            if own
            else nn.ModuleDict({modality: Projection(size, self.dimension) for modality, size in sizes.items()})
        )
        self.classify = nn.ModuleDict(
            {modality: nn.Linear(self.dimension, len(EMOTIONS)) for modality in ("image", "music")}
            if with_classifier
            else {}
        )
        self.log_scale = nn.Parameter(torch.tensor(scale or backbone.logit_scale).log())
        self.bias = nn.Parameter(torch.tensor(bias))

    def prepared(self, modality: Modality, item: Any) -> Tensor:
        """One picture, sound or text as its encoder wants it, on the CPU."""
        made: Tensor = getattr(self.backbone, f"{modality}_input")(item)
        return made

    def features(self, modality: Modality, inputs: Sequence[Tensor]) -> Tensor:
        """The backbone's embeddings of prepared items, which are brought to the network's device."""
        device = self.bias.device
        moved = [each.to(device, non_blocking=True) for each in inputs]
        encode = {
            "image": self.backbone.encode_images,
            "music": self.backbone.encode_music,
            "text": self.backbone.encode_text,
        }[modality]
        return encode(moved)

    def embed(self, modality: Modality, inputs: Sequence[Tensor]) -> Tensor:
        """Unit vectors [n, d] in the joint space."""
        found = self.features(modality, inputs)
        if modality in self.project:
            found = self.project[modality](found)
        return functional.normalize(found, dim=1)

    def class_logits(self, modality: Modality, embeddings: Tensor, prompts: Tensor | None = None) -> Tensor:
        """Logits [n, 6] of unit vectors [n, d]; ``prompts`` [6, d] are needed without classifier alone."""
        if self.with_classifier:
            logits: Tensor = self.classify[modality](embeddings * self.dimension**0.5)
            return logits
        if prompts is None:
            raise ValueError("without classifier the prompts' embeddings are needed")
        return self.log_scale.exp() * embeddings @ prompts.T

    def forward(self, image: Sequence[Tensor], music: Sequence[Tensor], text: Sequence[Tensor] | None) -> Batch:
        """A batch's embeddings and class logits; without text, zeros stand in its place."""
        f_image, f_music = self.embed("image", image), self.embed("music", music)
        f_text = self.embed("text", text) if text is not None else torch.zeros_like(f_image)
        prompts = None if text is None else f_text
        return Batch(
            image=f_image,
            music=f_music,
            text=f_text,
            image_logits=self.class_logits("image", f_image, prompts),
            music_logits=self.class_logits("music", f_music, prompts),
        )

    def parameter_groups(self, *, learning_rate: float, head_learning_rate: float) -> list[dict[str, Any]]:
        """The optimiser's groups: the backbone, and what no checkpoint brings."""
        backbone = list(self.backbone.parameters())
        inside = {id(each) for each in backbone}
        heads = [each for each in self.parameters() if id(each) not in inside]
        return [
            {"params": [each for each in backbone if each.requires_grad], "lr": learning_rate},
            {"params": heads, "lr": head_learning_rate or learning_rate},
        ]
