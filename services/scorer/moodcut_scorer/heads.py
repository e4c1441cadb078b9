"""Heads of a model trained as the paper trains: from features into a joint space, and six posteriors. Pure numpy.

``moodcut train`` exports such heads; those that ship are of another kind (:mod:`moodcut_scorer.posteriorheads`). Both
answer alike.

A head standardises the features, projects them linearly to d values and divides by their length (method, section 2:
f^m, f^t, f^i); a linear layer on top (F^i, F^m; Eq. 4) gives the six logits, divided by a temperature fitted on
held-out data so that the posteriors are calibrated.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from moodcut_scorer.emotions import EMOTIONS
from moodcut_scorer.errors import BadScoringError, ModelDamagedError, ModelMissingError
from moodcut_scorer.posteriorheads import MODALITIES, PosteriorHeads, posterior_heads
from moodcut_scorer.vectors import softmax, unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """One modality's way into the joint space.

    ``centre`` and ``scale`` [features], ``weight`` [features, d], ``bias`` [d]; ``class_weight`` [d, 6] and
    ``class_bias`` [6], ``temperature`` above 0.
    """

    centre: np.ndarray
    scale: np.ndarray
    weight: np.ndarray
    bias: np.ndarray
    class_weight: np.ndarray
    class_bias: np.ndarray
    temperature: float

    def embed(self, features: np.ndarray) -> np.ndarray:
        """Features [n, features] -> unit vectors float32 [n, d]. Raises BadScoringError for another width."""
        if features.ndim != 2 or features.shape[1] != len(self.centre):
            raise BadScoringError(f"Features must be [n, {len(self.centre)}]; these are {list(features.shape)}.")
        return unit((features - self.centre) / self.scale @ self.weight + self.bias)

    def posteriors(self, embeddings: np.ndarray) -> np.ndarray:
        """Unit vectors [n, d] -> probabilities float32 [n, 6] in the order of EMOTIONS."""
        return softmax((embeddings @ self.class_weight + self.class_bias) / self.temperature)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heads:
    """The three heads, the six stored prompt embeddings [6, d], and the similarity's scale and bias (s S + b)."""

    image: Head
    music: Head
    text: Head
    prompts: np.ndarray
    logit_scale: float
    logit_bias: float

    @property
    def dimension(self) -> int:
        """d, the size of the joint space."""
        return int(self.prompts.shape[1])

    def embed_images(self, features: np.ndarray) -> np.ndarray:
        """Features of frames [n, f] -> unit vectors [n, d]."""
        return self.image.embed(features)

    def embed_film(self, features: np.ndarray) -> np.ndarray:
        """Features of frames evenly over a film [n, f] -> one unit vector [d], the mean of the frames'."""
        return unit(self.image.embed(features).mean(axis=0))

    def embed_music(self, features: np.ndarray) -> np.ndarray:
        """Features of windows of music [n, f] -> unit vectors [n, d]."""
        return self.music.embed(features)

    def embed_text(self, features: np.ndarray) -> np.ndarray:
        """Features of texts [n, f] -> unit vectors [n, d]."""
        return self.text.embed(features)

    def image_posteriors(self, embeddings: np.ndarray) -> np.ndarray:
        """Embeddings of pictures, shots or films [n, d] -> probabilities [n, 6]."""
        return self.image.posteriors(embeddings)

    def music_posteriors(self, embeddings: np.ndarray) -> np.ndarray:
        """Embeddings of music [n, d] -> probabilities [n, 6]."""
        return self.music.posteriors(embeddings)


JointSpace = Heads | PosteriorHeads


def heads_to_arrays(heads: Heads) -> dict[str, np.ndarray]:
    """All numbers of the heads by name, as :func:`load_heads` reads them from an ``.npz`` file."""
    arrays: dict[str, np.ndarray] = {
        "prompts": heads.prompts,
        "logit_scale": np.asarray(heads.logit_scale, dtype=np.float32),
        "logit_bias": np.asarray(heads.logit_bias, dtype=np.float32),
    }
    for modality in MODALITIES:
        head: Head = getattr(heads, modality)
        for field in Head.__slots__:
            arrays[f"{modality}.{field}"] = np.asarray(getattr(head, field), dtype=np.float32)
    return arrays


def heads_from_arrays(arrays: Mapping[str, np.ndarray]) -> Heads:
    """The inverse of :func:`heads_to_arrays`. Raises ModelDamagedError if names are missing or shapes disagree."""
    try:
        made = {modality: _head(arrays, modality) for modality in MODALITIES}
        heads = Heads(
            **made,
            prompts=arrays["prompts"],
            logit_scale=float(arrays["logit_scale"]),
            logit_bias=float(arrays["logit_bias"]),
        )
    except KeyError as error:
        raise ModelDamagedError(f"The heads' file lacks {error}.") from error
    for modality in MODALITIES:
        head: Head = getattr(heads, modality)
        shapes = (head.weight.shape, head.bias.shape, head.class_weight.shape, head.class_bias.shape)
        wanted = ((len(head.centre), heads.dimension), (heads.dimension,), (heads.dimension, 6), (6,))
        if shapes != wanted or head.scale.shape != head.centre.shape or not head.temperature > 0:
            raise ModelDamagedError(f"The {modality} head's arrays do not fit together: {shapes}, expected {wanted}.")
    if heads.prompts.shape[0] != len(EMOTIONS):
        raise ModelDamagedError(f"The heads' file holds {heads.prompts.shape[0]} prompts, not {len(EMOTIONS)}.")
    return heads


def load_heads(path: Path) -> JointSpace:
    """Read heads of either kind from ``.npz``. Raises ModelMissingError or ModelDamagedError."""
    if not path.is_file():
        raise ModelMissingError(f"The heads {path.name} are not at {path.parent}. Reinstall moodcut[scorer].")
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ModelDamagedError(f"The heads {path} cannot be read: {error}") from error
    return posterior_heads(arrays) if any(name.startswith("film.") for name in arrays) else heads_from_arrays(arrays)


def _head(arrays: Mapping[str, np.ndarray], modality: str) -> Head:
    return Head(
        centre=arrays[f"{modality}.centre"],
        scale=arrays[f"{modality}.scale"],
        weight=arrays[f"{modality}.weight"],
        bias=arrays[f"{modality}.bias"],
        class_weight=arrays[f"{modality}.class_weight"],
        class_bias=arrays[f"{modality}.class_bias"],
        temperature=float(arrays[f"{modality}.temperature"]),
    )
