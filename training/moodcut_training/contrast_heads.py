"""Heads on frozen features, trained by the paper's losses (method, section 2): an ablation of the default model.

Whole networks are trained by :mod:`moodcut_training.run`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from moodcut_scorer.emotions import EMOTIONS
from moodcut_scorer.heads import Head, Heads
from moodcut_training.data import emotion_batches
from moodcut_training.features import ClipFeatures
from moodcut_training.losses import Batch, Contrast, total_loss

# Half of the batches show another wording than the fixed prompt, so that free text finds its place too.
_VARIED_PROMPT_SHARE = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class ContrastConfig:
    """What a training run depends on besides the data.

    As the paper has it: ``epochs``, ``learning_rate`` (Adam), ``alpha``, ``contrast`` "pairs". Ours, since frozen
    features of few clips are easily learned by heart: ``dropout`` on the standardised features, ``initial_gain`` below
    1 on the projections' first weights, ``frame_count`` frames averaged into one picture, as a shot's three are, and
    ``class_learning_rate`` for the class layers, scale and bias, which have few numbers and far to go.
    """

    dimension: int = 64
    epochs: int = 50
    learning_rate: float = 1e-4
    class_learning_rate: float = 1e-2
    initial_gain: float = 0.1
    weight_decay: float = 0.0
    dropout: float = 0.8
    frame_count: int = 3
    alpha: float = 1.0
    contrast: Contrast = "pairs"
    with_text: bool = True
    scale: float = 10.0
    bias: float = -5.0
    seed: int = 0

    def __post_init__(self) -> None:
        """Raises ValueError naming the field that is out of range."""
        for field in ("dimension", "epochs", "frame_count"):
            if getattr(self, field) < 1:
                raise ValueError(f"{field} is {getattr(self, field)}; it must be at least 1.")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout is {self.dropout}; it must be at least 0 and below 1.")


class _HeadModule(nn.Module):  # type: ignore[misc]  # torch may be absent where types are checked
    """Standardise, drop out, project, normalise; and the class layer on top."""

    centre: Tensor
    spread: Tensor

    def __init__(self, features: np.ndarray, config: ContrastConfig) -> None:
        super().__init__()
        self.register_buffer("centre", torch.from_numpy(features.mean(axis=0).astype(np.float32)))
        self.register_buffer("spread", torch.from_numpy((features.std(axis=0) + 1e-3).astype(np.float32)))
        self.dropout = nn.Dropout(config.dropout)
        self.project = nn.Linear(features.shape[1], config.dimension)
        self.classify = nn.Linear(config.dimension, len(EMOTIONS))
        with torch.no_grad():
            self.project.weight.mul_(config.initial_gain)
            self.project.bias.zero_()

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        standard = (features - self.centre) / self.spread
        embedding = functional.normalize(self.project(self.dropout(standard)), dim=1)
        return embedding, self.classify(embedding)

    def frozen(self, temperature: float) -> Head:
        """The head as the scorer runs it."""

        def array(tensor: Tensor) -> np.ndarray:
            return np.array(tensor.detach().numpy(), dtype=np.float32)

        return Head(
            centre=array(self.centre),
            scale=array(self.spread),
            weight=array(self.project.weight.T),
            bias=array(self.project.bias),
            class_weight=array(self.classify.weight.T),
            class_bias=array(self.classify.bias),
            temperature=temperature,
        )


class _Sampler:
    """Draws one item of each modality per clip; one without picture or sound borrows from another of its emotion."""

    def __init__(
        self, clips: Sequence[ClipFeatures], labels: np.ndarray, prompts: np.ndarray, frame_count: int
    ) -> None:
        self.clips, self.labels, self.prompts, self.frame_count = clips, labels, prompts, frame_count
        self.with_frames = [i for i, clip in enumerate(clips) if len(clip.frames)]
        self.with_sound = [i for i, clip in enumerate(clips) if len(clip.windows)]

    def _donor(self, index: int, able: list[int], rng: np.random.Generator) -> ClipFeatures:
        if index in able:
            return self.clips[index]
        return self.clips[int(rng.choice([i for i in able if self.labels[i] == self.labels[index]]))]

    def draw(self, indices: np.ndarray, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Features of pictures, music and texts, one row for each of ``indices``."""
        images, music, text = [], [], []
        for index in indices.tolist():
            frames = self._donor(index, self.with_frames, rng).frames
            images.append(frames[rng.integers(len(frames), size=self.frame_count)].mean(axis=0))
            windows = self._donor(index, self.with_sound, rng).windows
            music.append(windows[rng.integers(len(windows))])
            words = self.prompts[self.labels[index]]
            text.append(words[rng.integers(len(words)) if rng.random() < _VARIED_PROMPT_SHARE else 0])
        return _tensor(images), _tensor(music), _tensor(text)


def _tensor(rows: list[np.ndarray]) -> Tensor:
    return torch.from_numpy(np.stack(rows).astype(np.float32))


def train_heads(
    clips: Sequence[ClipFeatures], labels: np.ndarray, prompts: np.ndarray, config: ContrastConfig
) -> Heads:
    """Train all heads and return them with temperatures of 1.

    ``labels`` int64 [n] are indices into EMOTIONS; ``prompts`` float32 [6, k, 384] are text features, the first of each
    emotion being its fixed prompt. The same inputs and seed give the same heads on the same machine.
    """
    torch.manual_seed(config.seed)
    rng = np.random.default_rng(config.seed)
    heads = nn.ModuleDict(
        {
            "image": _HeadModule(np.concatenate([clip.frames for clip in clips if len(clip.frames)]), config),
            "music": _HeadModule(np.concatenate([clip.windows for clip in clips if len(clip.windows)]), config),
            "text": _HeadModule(prompts.reshape(-1, prompts.shape[-1]), config),
        }
    )
    log_scale = nn.Parameter(torch.tensor(float(np.log(config.scale))))
    bias = nn.Parameter(torch.tensor(config.bias))
    named = list(heads.named_parameters())
    classes = [parameter for name, parameter in named if ".classify." in name]
    projections = [parameter for name, parameter in named if ".classify." not in name]
    parameters = [
        {"params": projections, "weight_decay": config.weight_decay},
        {"params": [*classes, log_scale, bias], "weight_decay": 0.0, "lr": config.class_learning_rate},
    ]
    optimiser = torch.optim.AdamW(parameters, lr=config.learning_rate)
    sampler = _Sampler(clips, labels, prompts, config.frame_count)
    heads.train()
    for _ in range(config.epochs):
        for indices in emotion_batches(labels, rng):
            image, music, text = sampler.draw(indices, rng)
            (f_image, c_image), (f_music, c_music) = heads["image"](image), heads["music"](music)
            f_text, _ = heads["text"](text)
            batch = Batch(image=f_image, music=f_music, text=f_text, image_logits=c_image, music_logits=c_music)
            loss = total_loss(
                batch,
                scale=log_scale.exp(),
                bias=bias,
                alpha=config.alpha,
                contrast=config.contrast,
                with_text=config.with_text,
            )
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    heads.eval()
    made = {name: module.frozen(1.0) for name, module in heads.items() if isinstance(module, _HeadModule)}
    fixed = made["text"].embed(prompts[:, 0])
    return Heads(**made, prompts=fixed, logit_scale=log_scale.exp().item(), logit_bias=bias.item())
