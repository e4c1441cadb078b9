"""A backbone of a few layers and no published weights: quick enough to train anywhere, for trials and tests.

It prepares pictures and music as the scorer does, so what it learns can be exported to the scorer (see
:mod:`moodcut_training.scorer_export`). Text is a bag of hashed words.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from moodcut_scorer.encoders import PATCH_HOP_SECONDS
from moodcut_scorer.mel import MEL_COUNT, SAMPLE_RATE, log_mel, patches, to_model_rate
from moodcut_scorer.preprocess import prepare_image
from moodcut_training.backbones.base import Backbone

_IMAGE_WIDTHS = (16, 32, 64)
_DEEP, _TAGS = 24, 8
_WORDS, _TEXT = 1024, 32
# A single patch has no deviation, and the root's gradient is infinite at nothing.
_SMALLEST_VARIANCE = 1e-16


class ImageEncoder(nn.Module):  # type: ignore[misc]  # torch may be absent where types are checked
    """Pictures [n, 3, 224, 224] in (x - 127) / 128 -> features [n, 128]: three convolutions, mean and maximum."""

    size = 2 * _IMAGE_WIDTHS[-1]

    def __init__(self) -> None:
        super().__init__()
        a, b, c = _IMAGE_WIDTHS
        self.layers = nn.Sequential(
            nn.Conv2d(3, a, 8, stride=4, padding=2),
            nn.BatchNorm2d(a),
            nn.ReLU(),
            nn.Conv2d(a, b, 4, stride=4),
            nn.BatchNorm2d(b),
            nn.ReLU(),
            nn.Conv2d(b, c, 3, stride=2, padding=1),
            nn.ReLU(),
        )

    def forward(self, images: Tensor) -> Tensor:
        """See the class."""
        maps = self.layers(images)
        return torch.cat([maps.mean(dim=(2, 3)), maps.amax(dim=(2, 3))], dim=1)


class MusicEncoder(nn.Module):  # type: ignore[misc]  # torch may be absent where types are checked
    """Log-mel patches [p, 187, 96] of 3 s -> penultimate [p, 24] and tags [p, 8]."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv1d(MEL_COUNT, 32, 7, stride=2, padding=3),
            nn.BatchNorm1d(32),
            nn.ReLU(),
            nn.Conv1d(32, _DEEP, 5, stride=2, padding=2),
            nn.ReLU(),
        )
        self.tags = nn.Linear(_DEEP, _TAGS)

    def forward(self, cut: Tensor) -> tuple[Tensor, Tensor]:
        """See the class."""
        deep = self.layers(cut.transpose(1, 2)).mean(dim=2)
        return deep, torch.sigmoid(self.tags(deep))


class TinyBackbone(Backbone):
    """Some 40,000 weights. The embeddings have a size of their own each; there is no joint space yet."""

    name = "tiny"
    image_dimension = ImageEncoder.size
    music_dimension = 2 * (2 * _DEEP) + 2 * _TAGS
    text_dimension = _TEXT
    sample_rate = SAMPLE_RATE
    logit_scale = 10.0

    def __init__(self) -> None:
        super().__init__()
        self.image = ImageEncoder()
        self.music = nn.ModuleList([MusicEncoder(), MusicEncoder()])
        self.words = nn.EmbeddingBag(_WORDS, _TEXT, mode="mean")

    def image_input(self, picture: NDArray[np.uint8]) -> Tensor:
        """float32 [3, 224, 224]."""
        return torch.from_numpy(prepare_image(picture))

    def music_input(self, sound: NDArray[np.float32]) -> Tensor:
        """Log-mel patches float32 [p, 187, 96]."""
        cut, _ = patches(log_mel(to_model_rate(sound, SAMPLE_RATE)), hop_seconds=PATCH_HOP_SECONDS)
        return torch.from_numpy(cut)

    def text_input(self, text: str) -> Tensor:
        """Numbers of the words int64 [words]."""
        found = re.findall(r"\w+", text.lower()) or [""]
        return torch.tensor([zlib.crc32(word.encode()) % _WORDS for word in found])

    def encode_images(self, inputs: Sequence[Tensor]) -> Tensor:
        """Embeddings float32 [n, 128]."""
        features: Tensor = self.image(torch.stack(list(inputs)))
        return features

    def encode_music(self, inputs: Sequence[Tensor]) -> Tensor:
        """Embeddings float32 [n, 112]: mean and deviation of the penultimate layers, mean of the tags, over patches."""
        lengths = [len(each) for each in inputs]
        heard = [encoder(torch.cat(list(inputs))) for encoder in self.music]
        deep, tags = (torch.cat(parts, dim=1).split(lengths) for parts in zip(*heard, strict=True))
        rows = [
            torch.cat([d.mean(dim=0), (d.var(dim=0, unbiased=False) + _SMALLEST_VARIANCE).sqrt(), t.mean(dim=0)])
            for d, t in zip(deep, tags, strict=True)
        ]
        return torch.stack(rows)

    def encode_text(self, inputs: Sequence[Tensor]) -> Tensor:
        """Embeddings float32 [n, 32]."""
        return torch.cat([self.words(each[None]) for each in inputs])

    def scorer_image_encoder(self) -> nn.Module:
        """For :class:`~moodcut_training.scorer_export.ForScorer`."""
        return self.image

    def scorer_music_encoders(self) -> tuple[nn.Module, nn.Module]:
        """For :class:`~moodcut_training.scorer_export.ForScorer`."""
        first, second = self.music
        return first, second
