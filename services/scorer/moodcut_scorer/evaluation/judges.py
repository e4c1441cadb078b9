"""Who answers: the model, by classifier and by nearest prompt, and the baselines, from the same media in one pass.

A judge keeps little of each file (``take``) and answers when all were seen (``answers``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from moodcut_scorer.emotions import EMOTIONS
from moodcut_scorer.evaluation import affect
from moodcut_scorer.evaluation.figures import Answers
from moodcut_scorer.evaluation.media import Media
from moodcut_scorer.evaluation.supervised import SoftmaxRegression, fit_softmax_regression
from moodcut_scorer.mel import SAMPLE_RATE
from moodcut_scorer.model import SmallModel

Kept = tuple[np.ndarray | None, np.ndarray | None]
_SMALLEST = 1e-9


class Judge(Protocol):
    """Looks at one file after another, then answers for all of them."""

    def take(self, media: Media) -> Kept:
        """What is needed of one file: a row of its picture and a row of its sound, None where there is none."""
        ...

    def answers(self, kept: Sequence[Kept]) -> list[Answers]:
        """Answers for the files in the order taken; one entry for each way of answering."""
        ...


class ModelJudge:
    """A scoring model: a clip's frames as those of a whole film, its music as the whole piece."""

    def __init__(self, model: SmallModel, name: str) -> None:
        self._model, self._name = model, name

    def take(self, media: Media) -> Kept:
        """The clip and the piece in the joint space."""
        looked, heard = media.once("looked", lambda: looks(self._model, media)), None
        if media.samples is not None:
            samples = media.samples
            heard = media.once("heard", lambda: self._model.hear(samples, SAMPLE_RATE))
        picture = None if looked is None else self._model.encode_looked(looked)
        return picture, None if heard is None else self._model.encode_heard(heard).whole

    def answers(self, kept: Sequence[Kept]) -> list[Answers]:
        """By classifier, then by nearest prompt."""
        model = self._model
        pictures, sounds = (column(kept, side) for side in (0, 1))
        similarity = sounds @ pictures.T
        by_class = _rows(model.classify_images, pictures), _rows(model.classify_music, sounds)
        by_prompt = _rows(model.nearest_prompts, pictures), _rows(model.nearest_prompts, sounds)
        both = together(*by_class)
        return [
            Answers(
                name=self._name,
                visual=by_class[0],
                audio=by_class[1],
                joint=both,
                similarity=similarity,
                calibrated=True,
            ),
            Answers(
                name=f"{self._name}, nearest prompt",
                visual=by_prompt[0],
                audio=by_prompt[1],
                joint=_rows(model.nearest_prompts, unit_rows(pictures + sounds)),
            ),
        ]


class AffectJudge:
    """Valdez and Mehrabian's colours, and loudness, tempo and mode: valence and arousal without learning."""

    def take(self, media: Media) -> Kept:
        """Brightness and saturation; loudness, tempo and mode."""
        picture = affect.colour(media.frames) if media.frames else None
        return picture, None if media.samples is None else affect.sound(media.samples)

    def answers(self, kept: Sequence[Kept]) -> list[Answers]:
        """The nearest places; music and pictures by their distance."""
        seen = affect.affect_of_colour(column(kept, 0, width=2))
        heard = affect.affect_of_sound(column(kept, 1, width=3))
        apart = np.square(heard[:, None] - seen[None]).sum(axis=2)
        return [
            Answers(
                name="colour affect; loudness, tempo and mode",
                visual=affect.place_scores(seen),
                audio=affect.place_scores(heard),
                joint=affect.place_scores(affect.standardised((seen + heard) / 2)),
                similarity=-apart,
            )
        ]


class SupervisedJudge:
    """Classifiers of picture and of sound learned from labels alone, as Pandeya et al. (2021) do, on frozen features.

    Mean and deviation of the frames' features, and of the whole music's. Like any pair of classifiers they compare
    music and picture by the probability of the same emotion.
    """

    def __init__(self, model: SmallModel) -> None:
        self._model = model
        self._fitted: list[SoftmaxRegression | None] = []

    def take(self, media: Media) -> Kept:
        """Features of the whole clip."""
        looked, heard = media.once("looked", lambda: looks(self._model, media)), None
        if media.samples is not None:
            samples = media.samples
            heard = media.once("heard", lambda: self._model.hear(samples, SAMPLE_RATE))
        picture = None if looked is None else np.concatenate([looked.mean(axis=0), looked.std(axis=0)])
        sound = None if heard is None else heard.pooled(np.array([[0.0, heard.duration_seconds]]))[0]
        return picture, sound

    def learn(self, kept: Sequence[Kept], labels: np.ndarray) -> None:
        """Fit both classifiers to labelled files; where none has a picture, or a sound, there is no such classifier."""
        self._fitted = []
        for side in (0, 1):
            rows = [row for row in range(len(kept)) if kept[row][side] is not None]
            features = [np.asarray(kept[row][side]) for row in rows]
            self._fitted.append(fit_softmax_regression(np.stack(features), labels[rows]) if rows else None)

    def answers(self, kept: Sequence[Kept]) -> list[Answers]:
        """Posteriors of what :meth:`learn` has fitted."""
        visual, audio = (
            np.full((len(kept), len(EMOTIONS)), np.nan)
            if fitted is None
            else _rows(fitted.probabilities, column(kept, side))
            for side, fitted in enumerate(self._fitted)
        )
        return [
            Answers(
                name="supervised classifiers",
                visual=visual,
                audio=audio,
                joint=together(visual, audio),
                similarity=audio @ visual.T,
                calibrated=True,
            )
        ]


def looks(model: SmallModel, media: Media) -> np.ndarray | None:
    """The image encoder's features [frames, f] of a file, None without a picture."""
    return model.look(media.frames) if media.frames else None


def column(kept: Sequence[Kept], side: int, *, width: int = 1) -> np.ndarray:
    """Rows of all files' pictures (``side`` 0) or sounds (1), NaN where there are none."""
    rows = [each[side] for each in kept]
    width = max([width, *(len(row) for row in rows if row is not None)])
    return np.stack([np.full(width, np.nan) if row is None else np.asarray(row, dtype=np.float64) for row in rows])


def together(visual: np.ndarray, audio: np.ndarray) -> np.ndarray:
    """Posteriors [n, 6] of picture and sound as independent evidence: their product, normalised."""
    product = np.maximum(visual, _SMALLEST) * np.maximum(audio, _SMALLEST)
    return np.asarray(product / product.sum(axis=1, keepdims=True))


def unit_rows(vectors: np.ndarray) -> np.ndarray:
    """Rows of length 1; NaN rows stay NaN."""
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), _SMALLEST))


def _rows(answer: object, vectors: np.ndarray) -> np.ndarray:
    """``answer`` of the rows without NaN, [n, 6]; the others stay NaN."""
    found = np.full((len(vectors), len(EMOTIONS)), np.nan)
    there = ~np.isnan(vectors).any(axis=1)
    if there.any():
        found[there] = answer(vectors[there].astype(np.float32))  # type: ignore[operator]
    return found
