"""CLIP or SigLIP for pictures and text with CLAP or Wav2CLIP for music."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from moodcut_training.backbones.base import Backbone
from moodcut_training.backbones.checkpoint import load_state, read_state
from moodcut_training.backbones.hub import Clap, PictureText
from moodcut_training.backbones.norms import encode_by_length, repeated_to_longest
from moodcut_training.backbones.onnx_export import EncoderGraph
from moodcut_training.backbones.sound import checked_sound
from moodcut_training.backbones.wav2clip_audio import SAMPLE_RATE, Wav2ClipAudio, Wav2ClipShape


class _WithPictureText(Backbone):
    """What the two backbones share: pictures and text by one model of transformers."""

    def __init__(self, pair: PictureText) -> None:
        super().__init__()
        self.pair = pair
        self.image_dimension = self.text_dimension = pair.dimension
        self.logit_scale = pair.logit_scale

    def image_input(self, picture: NDArray[np.uint8]) -> Tensor:
        return self.pair.image_input(picture)

    def text_input(self, text: str) -> Tensor:
        return self.pair.text_input(text)

    def encode_images(self, inputs: Sequence[Tensor]) -> Tensor:
        return self.pair(torch.stack(list(inputs)))

    def encode_text(self, inputs: Sequence[Tensor]) -> Tensor:
        return self.pair.encode_text(torch.stack(list(inputs)))

    def image_graph(self) -> EncoderGraph:
        """``pictures`` [n, 3, size, size] -> ``embeddings`` [n, dimension]."""
        size = self.pair.picture_size
        return EncoderGraph(self.pair, torch.zeros(2, 3, size, size), "pictures", ("embeddings",))


class ClipClapBackbone(_WithPictureText):
    """CLIP or SigLIP with CLAP. The two have no space in common until training makes one."""

    name = "clip-clap"

    def __init__(self, pair: PictureText, clap: Clap) -> None:
        super().__init__(pair)
        self.clap = clap
        self.music_dimension = clap.dimension
        self.sample_rate = clap.sample_rate

    def music_input(self, sound: NDArray[np.float32]) -> Tensor:
        """Spectrograms of windows of 10 s."""
        return self.clap.music_input(checked_sound(sound, self.sample_rate))

    def encode_music(self, inputs: Sequence[Tensor]) -> Tensor:
        """Means over the windows' embeddings."""
        return self.clap.encode_music(list(inputs))

    def music_graph(self, seconds: float) -> EncoderGraph:
        """``windows`` [1, channels, frames, mels], one of 10 s whatever ``seconds`` -> ``embeddings``.

        transformers' CLAP computes with the number of windows in a way that the exporter takes for a constant.
        """
        sound = np.zeros(round(seconds * self.sample_rate), dtype=np.float32)
        window = self.clap.music_input(sound)[:1]
        return EncoderGraph(self.clap, window, "windows", ("embeddings",), batched=False)


class Wav2ClipBackbone(_WithPictureText):
    """CLIP ViT-B/32 with the audio encoder that Wav2CLIP distilled from it; music at 16 kHz."""

    name = "wav2clip"
    sample_rate = SAMPLE_RATE

    def __init__(self, pair: PictureText, shape: Wav2ClipShape | None = None) -> None:
        super().__init__(pair)
        shape = shape or Wav2ClipShape()
        self.audio = Wav2ClipAudio(shape)
        self.music_dimension = shape.dimension

    def load_audio(self, path: Path) -> None:
        """Take the weights of the published audio checkpoint (Wav2CLIP.pt, or ResNet_CX.ckpt as trained).

        What the checkpoint holds besides (a classifier, the transform of pictures that training used) is left out.
        Raises CheckpointMissingError or CheckpointMismatchError.
        """
        ignored = ("audio_encoder.fc.", "image_transform.")
        load_state(self.audio, read_state(path), source=str(path), ignored=ignored)

    def music_input(self, sound: NDArray[np.float32]) -> Tensor:
        """Samples float32 [samples]."""
        return torch.from_numpy(checked_sound(sound, self.sample_rate))

    def encode_music(self, inputs: Sequence[Tensor]) -> Tensor:
        """Embeddings in CLIP's space. Where batch norms learn, shorter pieces are repeated until all are alike."""
        if self.training and not self.fixed_norms:
            inputs = repeated_to_longest(inputs)
        return encode_by_length(inputs, self.audio)

    def music_graph(self, seconds: float) -> EncoderGraph:
        """``sound`` [n, samples] of that length -> ``embeddings`` [n, 512]."""
        sound = torch.zeros(2, round(seconds * self.sample_rate))
        return EncoderGraph(self.audio, sound, "sound", ("embeddings",))
