"""The model: three encoders and their heads behind one interface."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from moodcut_scorer.emotions import emotion_index
from moodcut_scorer.encoders import HeardMusic, ImageFeatures, MusicFeatures, TextFeatures
from moodcut_scorer.errors import ModelMissingError
from moodcut_scorer.heads import JointSpace, load_heads
from moodcut_scorer.registry import DEFAULT_MODEL, digest_of_model, model_directory, model_file, shipped_path
from moodcut_scorer.scoring import embed_shots, piece_embedding
from moodcut_scorer.sessions import Runtime
from moodcut_scorer.textbuild import text_model_paths
from moodcut_scorer.traininglist import read_training_list
from moodcut_scorer.vectors import softmax
from moodcut_scorer.windows import even_windows, unit_windows


@dataclass(frozen=True, slots=True, kw_only=True)
class MusicEmbeddings:
    """A piece of music in the joint space: windows [n, 2] in seconds, unit vectors [n, d], and the whole piece [d]."""

    windows: np.ndarray
    embeddings: np.ndarray
    whole: np.ndarray


class EmotionModel(Protocol):
    """What a scoring model can do. All embeddings are unit vectors float32 in one space of ``dimension`` values."""

    @property
    def name(self) -> str:
        """Name and version, as results state it."""
        ...

    @property
    def digest(self) -> str:
        """SHA-256 over everything that decides the results, for fingerprints."""
        ...

    @property
    def dimension(self) -> int:
        """d, the size of the joint space."""
        ...

    def encode_images(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """Pictures uint8 [height, width, 3] RGB -> [n, d]. Raises BadImageError."""
        ...

    def hear(self, samples: np.ndarray, sample_rate: int) -> HeardMusic:
        """Run the music networks once over mono float samples [n]. Raises BadAudioError."""
        ...

    def encode_heard(self, heard: HeardMusic, windows: np.ndarray | None = None) -> MusicEmbeddings:
        """Embeddings of ``windows`` [n, 2] in seconds; by default of windows that cover the piece evenly."""
        ...

    def encode_text(self, texts: Sequence[str]) -> np.ndarray:
        """English texts -> [n, d]. Raises ModelMissingError until the text encoder is built, BadTextError."""
        ...

    def mood_embedding(self, emotion: str) -> np.ndarray:
        """The stored prompt embedding [d] of one of the six emotions; needs no text encoder."""
        ...

    def classify_images(self, embeddings: np.ndarray) -> np.ndarray:
        """Posteriors [n, 6] of embeddings of pictures or shots."""
        ...

    def classify_music(self, embeddings: np.ndarray) -> np.ndarray:
        """Posteriors [n, 6] of embeddings of music."""
        ...

    def nearest_prompts(self, embeddings: np.ndarray) -> np.ndarray:
        """Posteriors [n, 6] by the similarity to the six prompts (the paper's "without classifier")."""
        ...


class SmallModel:
    """The default: networks small enough for two cores, heads trained on music-video clips.

    Sessions open when first needed, so that a mood instead of music costs no music network. Threads may share a model.
    ``directory`` holds the files of another model of this kind, as ``moodcut train --export`` writes them; None takes
    the one that ``$MOODCUT_MODEL_DIRECTORY`` names, or else the one that comes with the package.
    """

    def __init__(
        self, *, runtime: Runtime | None = None, text_directory: Path | None = None, directory: Path | None = None
    ) -> None:
        self._runtime = runtime or Runtime()
        self._text_directory = text_directory
        self._directory = directory or model_directory()
        self._digest = digest_of_model(self._directory)
        self._heads: JointSpace = load_heads(model_file(self._directory, "heads.npz"))
        self._opening = threading.Lock()
        self._image: ImageFeatures | None = None
        self._music: MusicFeatures | None = None
        self._text: TextFeatures | None = None

    @property
    def name(self) -> str:
        """Name and version of the files."""
        own = self._directory != shipped_path("")
        return f"{self._directory.resolve().name if own else DEFAULT_MODEL}-{self._digest[:8]}"

    @property
    def digest(self) -> str:
        """SHA-256 over the files."""
        return self._digest

    @property
    def dimension(self) -> int:
        """Size of the joint space."""
        return self._heads.dimension

    @property
    def trained_on(self) -> frozenset[str] | None:
        """SHA-256 of the clips that the heads learned from, None if the model does not say."""
        return read_training_list(model_file(self._directory, "heads.npz"))

    @property
    def providers(self) -> dict[str, list[str]]:
        """Execution providers that the sessions opened so far really use."""
        opened = {"image": self._image, "music": self._music, "text": self._text}
        return {name: encoder.providers for name, encoder in opened.items() if encoder is not None}

    def look(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """Pictures uint8 [height, width, 3] RGB of any sizes -> the image encoder's features float32 [n, f]."""
        with self._opening:
            if self._image is None:
                self._image = ImageFeatures(model_file(self._directory, "image.onnx"), self._runtime)
        return self._image(images)

    def encode_images(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """Pictures uint8 [height, width, 3] RGB of any sizes -> unit vectors float32 [n, d]."""
        return self._heads.embed_images(self.look(images))

    def encode_looked(self, features: np.ndarray) -> np.ndarray:
        """One unit vector float32 [d] for a whole film or clip, from :meth:`look` at frames evenly over it [n, f]."""
        return self._heads.embed_film(features)

    def encode_shots(
        self,
        features: np.ndarray,
        shot_of_frame: Sequence[int],
        shot_count: int,
        *,
        scene_of_shot: Sequence[int] | None = None,
    ) -> np.ndarray:
        """A film's shots from :meth:`look` at their keyframes [n, f]: unit vectors float32 [shots, d].

        With ``scene_of_shot`` every shot is seen in its scene (:func:`moodcut_scorer.scoring.embed_shots`).
        """
        return embed_shots(self._heads, features, shot_of_frame, shot_count, scene_of_shot=scene_of_shot)

    def hear(self, samples: np.ndarray, sample_rate: int) -> HeardMusic:
        """Run both music networks over mono float samples [n]."""
        with self._opening:
            if self._music is None:
                paths = model_file(self._directory, "music-mtt.onnx"), model_file(self._directory, "music-msd.onnx")
                self._music = MusicFeatures(*paths, self._runtime)
        return self._music(samples, sample_rate)

    def encode_heard(self, heard: HeardMusic, windows: np.ndarray | None = None) -> MusicEmbeddings:
        """Embeddings of windows [n, 2] in seconds; ``whole`` is always that of the evenly covered piece."""
        even = even_windows(heard.duration_seconds)
        covered = self._heads.embed_music(heard.pooled(even))
        whole = piece_embedding(covered)
        if windows is None:
            return MusicEmbeddings(windows=even, embeddings=covered, whole=whole)
        asked = self._heads.embed_music(heard.pooled(windows))
        return MusicEmbeddings(windows=windows, embeddings=asked, whole=whole)

    def encode_music(self, samples: np.ndarray, sample_rate: int) -> MusicEmbeddings:
        """A piece of music, mono float32 [n] -> windows of 12 s, their unit vectors [n, d], and the whole piece."""
        return self.encode_heard(self.hear(samples, sample_rate))

    def encode_units(self, heard: HeardMusic, units_seconds: np.ndarray) -> np.ndarray:
        """Unit vectors [n, d] of the music around each unit of the grid [n, 2]. Raises BadScoringError."""
        return self.encode_heard(heard, unit_windows(units_seconds, heard.duration_seconds)).embeddings

    def encode_text(self, texts: Sequence[str]) -> np.ndarray:
        """English texts -> unit vectors float32 [n, d]."""
        if not len(self._heads.text.centre):
            raise ModelMissingError(f"The model {self.name} knows its six moods alone; it has no text encoder.")
        with self._opening:
            if self._text is None:
                self._text = TextFeatures(*text_model_paths(self._text_directory), self._runtime)
        return self._heads.embed_text(self._text(texts))

    def mood_embedding(self, emotion: str) -> np.ndarray:
        """Stored prompt embedding [d] of one of the six emotions. Raises InvalidArgumentError for another word."""
        return np.asarray(self._heads.prompts[emotion_index(emotion)], dtype=np.float32)

    def classify_images(self, embeddings: np.ndarray) -> np.ndarray:
        """Calibrated posteriors float32 [n, 6] of embeddings of pictures or shots."""
        return self._heads.image_posteriors(embeddings)

    def classify_music(self, embeddings: np.ndarray) -> np.ndarray:
        """Calibrated posteriors float32 [n, 6] of embeddings of music."""
        return self._heads.music_posteriors(embeddings)

    def nearest_prompts(self, embeddings: np.ndarray) -> np.ndarray:
        """Posteriors float32 [n, 6] by the similarity to the six stored prompts."""
        return softmax(self._heads.logit_scale * (embeddings @ self._heads.prompts.T))


def load_model(name: str) -> SmallModel:
    """The default model by its name ``small``, or the model at a path: a directory of its files, or a heads' file.

    Raises ModelMissingError or ModelDamagedError.
    """
    if name == DEFAULT_MODEL:
        return SmallModel(directory=shipped_path(""))
    home = Path(name).expanduser()
    if not home.exists():
        raise ModelMissingError(
            f"There is no model {name!r}: say {DEFAULT_MODEL}, or name a directory with a model's files or a heads.npz."
        )
    return SmallModel(directory=home)
