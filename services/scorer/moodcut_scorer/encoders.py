"""The three encoders on ONNX Runtime: pictures, music and text to frozen features. The heads come after.

Each turns its input into features of one published network (shipped or built, see :mod:`moodcut_scorer.registry`).
Training reads its features through the same code, so what is learned is what runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from moodcut_scorer.errors import BadTextError, ModelMissingError
from moodcut_scorer.mel import SAMPLE_RATE, log_mel, patches, to_model_rate
from moodcut_scorer.preprocess import INPUT_SIZE, prepare_images
from moodcut_scorer.sessions import Runtime, open_session
from moodcut_scorer.windows import members

IMAGE_BATCH = 8
PATCH_BATCH = 16
PATCH_HOP_SECONDS = 1.5
LONGEST_TEXT_TOKENS = 256


class ImageFeatures:
    """An image network up to its pooled features; its graph says how large a picture it takes."""

    size = 1280

    def __init__(self, path: Path, runtime: Runtime) -> None:
        self._session = open_session(path, runtime)
        side = self._session.get_inputs()[0].shape[-1]
        self._input_size = side if isinstance(side, int) else INPUT_SIZE

    def __call__(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """Pictures uint8 [height, width, 3] RGB of any sizes -> float32 [n, 1280]. Raises BadImageError."""
        parts = [
            self._session.run(["features"], {"images": prepare_images(batch, size=self._input_size)})[0]
            for batch in (images[start : start + IMAGE_BATCH] for start in range(0, len(images), IMAGE_BATCH))
        ]
        return np.concatenate(parts) if parts else np.zeros((0, self.size), dtype=np.float32)

    @property
    def providers(self) -> list[str]:
        """Execution providers the session really uses, best first."""
        return list(self._session.get_providers())


@dataclass(frozen=True, slots=True, kw_only=True)
class HeardMusic:
    """What the music networks heard, patch by patch of 3 s; windows are pooled from it without running them again.

    ``penultimate`` float32 [p, 400] and ``tags`` float32 [p, 100] of both networks (MTT, then MSD), ``centres_seconds``
    float64 [p], ``duration_seconds``.
    """

    penultimate: np.ndarray
    tags: np.ndarray
    centres_seconds: np.ndarray
    duration_seconds: float

    def pooled(self, windows: np.ndarray) -> np.ndarray:
        """Features float32 [n, 900] of windows [n, 2] in seconds.

        Mean and deviation of the penultimate layers, then the mean of the tags, over the patches centred in the window.
        """
        rows: list[np.ndarray] = []
        for inside in members(self.centres_seconds, windows):
            deep = self.penultimate[inside]
            rows.append(np.concatenate([deep.mean(axis=0), deep.std(axis=0), self.tags[inside].mean(axis=0)]))
        width = 2 * self.penultimate.shape[1] + self.tags.shape[1]
        return np.stack(rows).astype(np.float32) if rows else np.zeros((0, width), dtype=np.float32)


class MusicFeatures:
    """Two musicnn networks, trained on MagnaTagATune (MTT) and on the Million Song Dataset (MSD)."""

    size = 900

    def __init__(self, mtt: Path, msd: Path, runtime: Runtime) -> None:
        self._sessions = (open_session(mtt, runtime), open_session(msd, runtime))

    def __call__(self, samples: np.ndarray, sample_rate: int) -> HeardMusic:
        """Mono sound float32 [n] at any rate -> features of its patches. Raises BadAudioError."""
        signal = to_model_rate(samples, sample_rate)
        cut, centres = patches(log_mel(signal), hop_seconds=PATCH_HOP_SECONDS)
        deep, tags = [], []
        for start in range(0, len(cut), PATCH_BATCH):
            batch = {"patches": cut[start : start + PATCH_BATCH]}
            heard = [session.run(["penultimate", "tags"], batch) for session in self._sessions]
            deep.append(np.concatenate([one[0] for one in heard], axis=1))
            tags.append(np.concatenate([one[1] for one in heard], axis=1))
        return HeardMusic(
            penultimate=np.concatenate(deep),
            tags=np.concatenate(tags),
            centres_seconds=centres,
            duration_seconds=len(signal) / SAMPLE_RATE,
        )

    @property
    def providers(self) -> list[str]:
        """Execution providers the sessions really use, best first."""
        return list(self._sessions[0].get_providers())


class TextFeatures:
    """The sentence encoder all-MiniLM-L6-v2."""

    size = 384

    def __init__(self, path: Path, tokenizer: Path, runtime: Runtime) -> None:
        if not tokenizer.is_file():
            raise ModelMissingError(
                f"The text encoder's {tokenizer.name} is not at {tokenizer.parent}. Make it with: moodcut models build"
            )
        self._session = open_session(path, runtime)
        self._tokenizer: Any = Tokenizer.from_file(str(tokenizer))
        self._tokenizer.enable_truncation(LONGEST_TEXT_TOKENS)
        self._tokenizer.no_padding()

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        """Texts -> unit vectors float32 [n, 384]; beyond 256 tokens a text is cut off.

        Raises BadTextError for an empty text.
        """
        for index, text in enumerate(texts):
            if not text.strip():
                raise BadTextError(f"Text {index} is empty.", index=index)
        parts = []
        for text in texts:  # one by one: the range of dynamic quantisation would otherwise depend on the company
            encoded = self._tokenizer.encode(text)
            ids = np.array([encoded.ids], dtype=np.int64)
            mask = np.ones_like(ids)
            parts.append(self._session.run(["sentence"], {"input_ids": ids, "attention_mask": mask})[0])
        return np.concatenate(parts) if parts else np.zeros((0, self.size), dtype=np.float32)

    @property
    def providers(self) -> list[str]:
        """Execution providers the session really uses, best first."""
        return list(self._session.get_providers())
