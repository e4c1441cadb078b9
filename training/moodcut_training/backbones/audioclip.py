"""AudioCLIP: pictures, text and sound in one space (Guzhov et al., ICASSP 2022, arXiv:2106.13043).

The network has the names and shapes of the published checkpoints (AudioCLIP-Full-Training.pt and
AudioCLIP-Partial-Training.pt, MIT), which load as they are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from moodcut_training.backbones.base import Backbone
from moodcut_training.backbones.checkpoint import load_state, read_state
from moodcut_training.backbones.clip_image import ModifiedResNet, ModifiedResNetShape
from moodcut_training.backbones.clip_text import TextShape, TextTransformer
from moodcut_training.backbones.clip_tokens import ClipTokens
from moodcut_training.backbones.esresnext import EsResNext, EsResNextShape
from moodcut_training.backbones.fbsp import fill_frames
from moodcut_training.backbones.norms import encode_by_length, repeated_to_longest
from moodcut_training.backbones.onnx_export import EncoderGraph
from moodcut_training.backbones.pictures import clip_picture
from moodcut_training.backbones.sound import checked_sound

# CLIP's own checkpoint carries three sizes as tensors; a file made from it may, too.
_SIZES = ("input_resolution", "context_length", "vocab_size")
_EMPTY = ("audio.fbsp.bias",)
_LARGEST_SCALE = 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioClipShape:
    """Sizes of the three encoders; the defaults are the published ones."""

    dimension: int = 1024
    image: ModifiedResNetShape = field(default_factory=ModifiedResNetShape)
    text: TextShape = field(default_factory=TextShape)
    audio: EsResNextShape = field(default_factory=EsResNextShape)


class AudioClip(nn.Module):  # type: ignore[misc]  # torch may be absent where types are checked
    """The three encoders and the logarithms of the three factors of cosines."""

    def __init__(self, shape: AudioClipShape) -> None:
        super().__init__()
        text = shape.text
        self.visual = ModifiedResNet(shape.image, shape.dimension)
        self.transformer = TextTransformer(text)
        self.token_embedding = nn.Embedding(text.token_count, text.width)
        self.positional_embedding = nn.Parameter(0.01 * torch.randn(text.context_length, text.width))
        self.ln_final = nn.LayerNorm(text.width)
        self.text_projection = nn.Parameter(torch.randn(text.width, shape.dimension) * text.width**-0.5)
        self.audio = EsResNext(shape.audio, shape.dimension)
        self.logit_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))
        self.logit_scale_ai = nn.Parameter(torch.tensor(math.log(100.0)))
        self.logit_scale_at = nn.Parameter(torch.tensor(math.log(100.0)))
        nn.init.normal_(self.token_embedding.weight, std=0.02)

    def encode_tokens(self, tokens: Tensor) -> Tensor:
        """Token numbers int64 [n, context_length] -> embeddings [n, dimension], read off at the end token.

        The end token has the largest number.
        """
        x = self.ln_final(self.transformer(self.token_embedding(tokens) + self.positional_embedding))
        return x[torch.arange(len(x), device=x.device), tokens.argmax(dim=1)] @ self.text_projection


class AudioClipBackbone(Backbone):
    """AudioCLIP behind the common interface; music at 44.1 kHz."""

    name = "audioclip"
    sample_rate = 44_100

    def __init__(self, tokens: ClipTokens, shape: AudioClipShape | None = None) -> None:
        super().__init__()
        self.shape = shape or AudioClipShape()
        self.network = AudioClip(self.shape)
        self.tokens = tokens
        self.image_dimension = self.music_dimension = self.text_dimension = self.shape.dimension

    def load(self, path: Path) -> None:
        """Take the weights of a published checkpoint. Raises CheckpointMissingError or CheckpointMismatchError."""
        load_state(self.network, read_state(path), source=str(path), optional=_EMPTY, ignored=_SIZES)

    @property
    def logit_scale(self) -> float:  # type: ignore[override]
        """The factor between pictures and sound, within the published limits of 1 and 100."""
        return min(max(math.exp(self.network.logit_scale_ai.item()), 1.0), _LARGEST_SCALE)

    def image_input(self, picture: NDArray[np.uint8]) -> Tensor:
        """A picture as CLIP takes it, float32 [3, 224, 224]."""
        return clip_picture(picture, size=self.shape.image.picture_size)

    def music_input(self, sound: NDArray[np.float32]) -> Tensor:
        """Samples float32 [samples], with zeros around them that fill the last frame."""
        return fill_frames(torch.from_numpy(checked_sound(sound, self.sample_rate)), self.shape.audio.fbsp)

    def text_input(self, text: str) -> Tensor:
        """Token numbers int64 [77]; a longer text is cut off."""
        return self.tokens(text, self.shape.text.context_length)

    def encode_images(self, inputs: Sequence[Tensor]) -> Tensor:
        """Embeddings float32 [n, 1024]."""
        return self.network.visual(torch.stack(list(inputs)))

    def encode_music(self, inputs: Sequence[Tensor]) -> Tensor:
        """Embeddings float32 [n, 1024]. Where batch norms learn, shorter pieces are repeated until all are alike."""
        if self.training and not self.fixed_norms:
            inputs = repeated_to_longest(inputs)
        return encode_by_length(inputs, self.network.audio)

    def encode_text(self, inputs: Sequence[Tensor]) -> Tensor:
        """Embeddings float32 [n, 1024]."""
        return self.network.encode_tokens(torch.stack(list(inputs)))

    def image_graph(self) -> EncoderGraph:
        """``pictures`` [n, 3, 224, 224] -> ``embeddings`` [n, 1024]."""
        size = self.shape.image.picture_size
        return EncoderGraph(self.network.visual, torch.zeros(2, 3, size, size), "pictures", ("embeddings",))

    def music_graph(self, seconds: float) -> EncoderGraph:
        """``sound`` [n, samples] of that length (as ``music_input`` fills it) -> ``embeddings`` [n, 1024]."""
        sound = fill_frames(torch.zeros(2, round(seconds * self.sample_rate)), self.shape.audio.fbsp)
        return EncoderGraph(self.network.audio, sound, "sound", ("embeddings",))
