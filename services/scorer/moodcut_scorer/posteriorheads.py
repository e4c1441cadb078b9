"""The heads that ship: each encoder's features to six posteriors, and posteriors as a joint space. Pure numpy.

A head standardises the features, maps them linearly to six logits, divides by a temperature fitted on clips it was not
trained on, and takes the softmax: the posterior p of the six emotions (F^i, F^m; method, Eq. 4).

The joint space holds posteriors. With c = (p - 1/6) / sqrt(5/6) a vector is c, then one value for each modality, all 0
but its own, which brings the length to 1. So vectors have length 1, and the cosine of two modalities is

    S = (P - 1/6) / (5/6),    P = sum over the emotions of p(e) q(e),

where P is the probability that both carry the same emotion if nothing but p and q is known: 0 is chance, 1 certainty.
Of all scores made from two calibrated posteriors that is the one that ranks by P.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from moodcut_scorer.emotions import EMOTIONS
from moodcut_scorer.errors import BadScoringError, ModelDamagedError
from moodcut_scorer.vectors import softmax, unit

MODALITIES = ("image", "music", "text")
# A film's head reads many frames at once; it shares the pictures' place in the joint space.
HEADS = ("image", "film", "music", "text")
DIMENSION = len(EMOTIONS) + len(MODALITIES)
_CHANCE = 1.0 / len(EMOTIONS)
_RADIUS = float(np.sqrt(1.0 - _CHANCE))
_SMALLEST = 1e-12


def embed_posteriors(posteriors: np.ndarray, modality: str) -> np.ndarray:
    """Posteriors [n, 6] of a modality -> unit vectors float32 [n, 9] of the joint space."""
    centred = (posteriors.astype(np.float64) - _CHANCE) / _RADIUS
    embedded = np.zeros((len(posteriors), DIMENSION))
    embedded[:, : len(EMOTIONS)] = centred
    rest = np.maximum(0.0, 1.0 - np.square(centred).sum(axis=1))
    embedded[:, len(EMOTIONS) + MODALITIES.index(modality)] = np.sqrt(rest)
    return unit(embedded)


def posteriors_of(embeddings: np.ndarray) -> np.ndarray:
    """Unit vectors [n, 9], also means of several, -> posteriors float32 [n, 6] in the order of EMOTIONS."""
    odds = np.maximum(embeddings[:, : len(EMOTIONS)].astype(np.float64) * _RADIUS + _CHANCE, 0.0)
    return np.asarray(odds / np.maximum(odds.sum(axis=1, keepdims=True), _SMALLEST), dtype=np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class PosteriorHead:
    """From features to posteriors: ``centre`` and ``scale`` [f], ``weight`` [f, 6], ``bias`` [6], ``temperature``."""

    centre: np.ndarray
    scale: np.ndarray
    weight: np.ndarray
    bias: np.ndarray
    temperature: float

    def logits(self, features: np.ndarray) -> np.ndarray:
        """Features [n, f] -> logits [n, 6] before the temperature. Raises BadScoringError for another width."""
        if features.ndim != 2 or features.shape[1] != len(self.centre):
            raise BadScoringError(f"Features must be [n, {len(self.centre)}]; these are {list(features.shape)}.")
        return np.asarray((features - self.centre) / self.scale @ self.weight + self.bias)

    def posteriors(self, features: np.ndarray) -> np.ndarray:
        """Features [n, f] -> calibrated probabilities float32 [n, 6]."""
        return softmax(self.logits(features) / self.temperature)


@dataclass(frozen=True, slots=True, kw_only=True)
class PosteriorHeads:
    """The heads, the six stored prompt embeddings [6, 9], and the factor of cosines that makes posteriors of them."""

    image: PosteriorHead
    film: PosteriorHead
    music: PosteriorHead
    text: PosteriorHead
    prompts: np.ndarray
    logit_scale: float

    @property
    def dimension(self) -> int:
        """d, the size of the joint space."""
        return DIMENSION

    def embed_images(self, features: np.ndarray) -> np.ndarray:
        """Features of frames [n, f] -> unit vectors [n, 9]; the mean of a shot's frames is the shot."""
        return embed_posteriors(self.image.posteriors(unit(features)), "image")

    def embed_film(self, features: np.ndarray) -> np.ndarray:
        """Features of frames evenly over a whole film or clip [n, f], n at least 1 -> one unit vector [9]."""
        return np.asarray(embed_posteriors(self.film.posteriors(film_features(features)[None]), "image")[0])

    def embed_music(self, features: np.ndarray) -> np.ndarray:
        """Features of windows of music [n, f] -> unit vectors [n, 9]."""
        return embed_posteriors(self.music.posteriors(features), "music")

    def embed_text(self, features: np.ndarray) -> np.ndarray:
        """Features of texts [n, f] -> unit vectors [n, 9]."""
        return embed_posteriors(self.text.posteriors(features), "text")

    def image_posteriors(self, embeddings: np.ndarray) -> np.ndarray:
        """Embeddings of pictures, shots or films [n, 9] -> probabilities [n, 6]."""
        return posteriors_of(embeddings)

    def music_posteriors(self, embeddings: np.ndarray) -> np.ndarray:
        """Embeddings of music [n, 9] -> probabilities [n, 6]."""
        return posteriors_of(embeddings)


def film_features(frames: np.ndarray) -> np.ndarray:
    """Mean and deviation [2 f] of the frames' features [n, f], each frame's brought to length 1 first."""
    frames = unit(frames)
    return np.asarray(np.concatenate([frames.mean(axis=0), frames.std(axis=0)]))


def posterior_arrays(heads: PosteriorHeads) -> dict[str, np.ndarray]:
    """All numbers of the heads by name, as an ``.npz`` file holds them."""
    arrays: dict[str, np.ndarray] = {
        "prompts": heads.prompts,
        "logit_scale": np.asarray(heads.logit_scale, dtype=np.float32),
    }
    for name in HEADS:
        head: PosteriorHead = getattr(heads, name)
        for field in PosteriorHead.__slots__:
            arrays[f"{name}.{field}"] = np.asarray(getattr(head, field), dtype=np.float32)
    return arrays


def posterior_heads(arrays: Mapping[str, np.ndarray]) -> PosteriorHeads:
    """The inverse of :func:`posterior_arrays`. Raises ModelDamagedError if names are missing or shapes disagree."""
    try:
        made = {name: _head(arrays, name) for name in HEADS}
        heads = PosteriorHeads(**made, prompts=arrays["prompts"], logit_scale=float(arrays["logit_scale"]))
    except (KeyError, TypeError) as error:
        raise ModelDamagedError(f"The heads' file lacks {error}; it may be of another version of moodcut.") from error
    for name in HEADS:
        head: PosteriorHead = getattr(heads, name)
        shapes = (head.weight.shape, head.bias.shape, head.scale.shape)
        wanted = ((len(head.centre), len(EMOTIONS)), (len(EMOTIONS),), head.centre.shape)
        if shapes != wanted or head.centre.ndim != 1 or not head.temperature > 0:
            raise ModelDamagedError(f"The {name} head's arrays do not fit together: {shapes}, expected {wanted}.")
    if len(heads.film.centre) != 2 * len(heads.image.centre):
        raise ModelDamagedError("The film head does not read mean and deviation of what the image head reads.")
    if heads.prompts.shape != (len(EMOTIONS), DIMENSION):
        wanted_prompts = [len(EMOTIONS), DIMENSION]
        raise ModelDamagedError(f"The heads' file holds prompts {list(heads.prompts.shape)}, not {wanted_prompts}.")
    return heads


def _head(arrays: Mapping[str, np.ndarray], name: str) -> PosteriorHead:
    return PosteriorHead(
        centre=arrays[f"{name}.centre"],
        scale=arrays[f"{name}.scale"],
        weight=arrays[f"{name}.weight"],
        bias=arrays[f"{name}.bias"],
        temperature=float(arrays[f"{name}.temperature"]),
    )
