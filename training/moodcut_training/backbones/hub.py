"""Models of the ``transformers`` library, from a folder or by their name on the hub: CLIP, SigLIP and CLAP.

Whether the hub may be asked is the user's decision: ``HF_HUB_OFFLINE=1`` forbids it; models in its cache still load.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from moodcut_training.backbones.errors import CheckpointMismatchError, CheckpointMissingError, PackageMissingError

PAIRED = ("clip", "siglip", "siglip2")


def load_hub(kind: str, name: str, *, random_weights: bool = False) -> tuple[Any, ...]:
    """Model and what prepares its input: (model, image processor, tokenizer), or (model, feature extractor) of CLAP.

    ``kind`` is ``picture-text`` or ``sound``; ``name`` a folder written by ``save_pretrained`` or a name on the hub.
    With ``random_weights`` only its configuration is read.

    Raises PackageMissingError without transformers, CheckpointMissingError if nothing is there (or the hub cannot be
    reached), CheckpointMismatchError if it is a model of another kind.
    """
    try:
        import transformers
    except ImportError as error:
        raise PackageMissingError(
            "This backbone runs on the package transformers: pip install 'moodcut[train]'", package="transformers"
        ) from error
    try:
        config = transformers.AutoConfig.from_pretrained(name)
        _check_kind(kind, name, config.model_type)
        maker = transformers.AutoModel
        model = maker.from_config(config) if random_weights else maker.from_pretrained(name, dtype=torch.float32)
        if kind == "sound":
            return model, transformers.AutoFeatureExtractor.from_pretrained(name)
        tokenizer = transformers.AutoTokenizer.from_pretrained(name)
        return model, transformers.AutoImageProcessor.from_pretrained(name), tokenizer
    except (OSError, ValueError, ImportError) as error:
        detail = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise CheckpointMissingError(
            f"The model {name} could not be loaded: {detail.rstrip('.')}. Name a folder that save_pretrained wrote, or "
            "a model on the hub that this machine can reach (HF_HUB_OFFLINE, if set, forbids it) or has in its cache.",
            checkpoint=name,
        ) from error


def _check_kind(kind: str, name: str, model_type: str) -> None:
    wanted = ("clap",) if kind == "sound" else PAIRED
    if model_type not in wanted:
        raise CheckpointMismatchError(
            f"{name} is a model of type {model_type}; here it must be one of: {', '.join(wanted)}.", checkpoint=name
        )


def features(output: Any) -> Tensor:
    """The embedding in what ``get_*_features`` returns: a tensor before transformers 5, an output with one since."""
    return output if isinstance(output, Tensor) else output.pooler_output


class PictureText(nn.Module):  # type: ignore[misc]  # torch may be absent where types are checked
    """CLIP or SigLIP: pictures and text in one space."""

    def __init__(self, name: str, *, random_weights: bool = False) -> None:
        super().__init__()
        self.model, self._processor, self._tokenizer = load_hub("picture-text", name, random_weights=random_weights)
        config = self.model.config
        self.dimension = int(getattr(config, "projection_dim", 0) or config.vision_config.hidden_size)
        self.text_length = int(config.text_config.max_position_embeddings)
        self.picture_size = int(config.vision_config.image_size)

    @property
    def logit_scale(self) -> float:
        """The checkpoint's factor of cosines."""
        return math.exp(self.model.logit_scale.item())

    def image_input(self, picture: NDArray[np.uint8]) -> Tensor:
        """One picture as the checkpoint's own processor prepares it, float32 [3, size, size]."""
        prepared = self._processor(images=picture, input_data_format="channels_last", return_tensors="pt")
        return prepared["pixel_values"][0]

    def text_input(self, text: str) -> Tensor:
        """Token numbers int64 [length], padded or cut off. Neither model looks at padding by a mask."""
        options = {"padding": "max_length", "truncation": True, "max_length": self.text_length}
        return self._tokenizer(text, return_tensors="pt", **options)["input_ids"][0]

    def forward(self, pictures: Tensor) -> Tensor:
        """Embeddings [n, dimension] of pictures."""
        return features(self.model.get_image_features(pixel_values=pictures))

    def encode_text(self, tokens: Tensor) -> Tensor:
        """Embeddings [n, dimension] of token numbers [n, length]."""
        return features(self.model.get_text_features(input_ids=tokens))


class Clap(nn.Module):  # type: ignore[misc]
    """The audio half of CLAP (Wu et al., ICASSP 2023): windows of 10 s, averaged over a piece."""

    def __init__(self, name: str, *, random_weights: bool = False) -> None:
        super().__init__()
        self.model, self._extractor = load_hub("sound", name, random_weights=random_weights)
        self.dimension = int(self.model.config.projection_dim)
        self.sample_rate = int(self._extractor.sampling_rate)
        self._window = int(self._extractor.nb_max_samples)

    @property
    def logit_scale(self) -> float:
        """The checkpoint's factor of cosines between sound and its own text."""
        return math.exp(self.model.logit_scale_a.item())

    def music_input(self, sound: NDArray[np.float32]) -> Tensor:
        """Spectrograms float32 [windows, channels, frames, mels] of windows that cover the piece evenly.

        The extractor itself would draw one window at random from a longer piece.
        """
        count = -(-sound.size // self._window)
        starts = np.linspace(0, max(sound.size - self._window, 0), count).round().astype(int)
        pieces = [sound[start : start + self._window] for start in starts]
        return self._extractor(pieces, sampling_rate=self.sample_rate, return_tensors="pt")["input_features"]

    def forward(self, windows: Tensor) -> Tensor:
        """Embeddings [n, dimension] of windows [n, channels, frames, mels], of unit length."""
        longer = torch.zeros(len(windows), 1, dtype=torch.bool, device=windows.device)
        return features(self.model.get_audio_features(input_features=windows, is_longer=longer))

    def encode_music(self, pieces: list[Tensor]) -> Tensor:
        """Embeddings [n, dimension] of pieces of any number of windows."""
        encoded = self(torch.cat(pieces)).split([len(piece) for piece in pieces])
        return torch.stack([windows.mean(dim=0) for windows in encoded])
