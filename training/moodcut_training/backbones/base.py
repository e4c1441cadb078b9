"""What a backbone is: three encoders, one per modality, that training starts from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from moodcut_training.backbones.norms import hold_norms


class Backbone(nn.Module, ABC):  # type: ignore[misc]  # torch may be absent where types are checked
    """Encoders of pictures, music and text with one embedding size each.

    The ``*_input`` methods prepare one item for its encoder on the CPU (resize, spectrogram, tokens); the ``encode_*``
    methods take a batch of prepared items and are differentiable. Embeddings are not normalised.

    ``image_dimension``, ``music_dimension``, ``text_dimension``: sizes of the embeddings, alike if the published
    model has a joint space of its own. ``sample_rate``: of the music, in Hz. ``logit_scale``: the checkpoint's factor
    of cosines, where the contrastive loss starts. ``fixed_norms``: batch norms keep their stored statistics in training
    (see :func:`~moodcut_training.backbones.norms.hold_norms`); set it before :meth:`train`.
    """

    name: str
    image_dimension: int
    music_dimension: int
    text_dimension: int
    sample_rate: int
    logit_scale: float
    fixed_norms: bool = True

    def train(self, mode: bool = True) -> Self:
        """Set training mode, or inference mode; see ``fixed_norms``."""
        super().train(mode)
        if self.fixed_norms:
            hold_norms(self)
        return self

    @abstractmethod
    def image_input(self, picture: NDArray[np.uint8]) -> Tensor:
        """Prepare one picture, uint8 [height, width, 3], RGB."""

    @abstractmethod
    def music_input(self, sound: NDArray[np.float32]) -> Tensor:
        """Prepare one piece of music, mono, float32 [samples] in [-1, 1] at ``sample_rate``."""

    @abstractmethod
    def text_input(self, text: str) -> Tensor:
        """Prepare one sentence."""

    @abstractmethod
    def encode_images(self, inputs: Sequence[Tensor]) -> Tensor:
        """Embeddings float32 [n, image_dimension]."""

    @abstractmethod
    def encode_music(self, inputs: Sequence[Tensor]) -> Tensor:
        """Embeddings float32 [n, music_dimension]. Pieces may differ in length."""

    @abstractmethod
    def encode_text(self, inputs: Sequence[Tensor]) -> Tensor:
        """Embeddings float32 [n, text_dimension]."""
