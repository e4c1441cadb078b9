"""What the cross-validation compares: each method learns from some clips and answers for others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from moodcut_scorer.emotions import EMOTIONS
from moodcut_scorer.evaluation import affect
from moodcut_scorer.evaluation.figures import Answers
from moodcut_scorer.evaluation.judges import together
from moodcut_scorer.evaluation.supervised import fit_softmax_regression
from moodcut_scorer.posteriorheads import PosteriorHeads, film_features, posteriors_of
from moodcut_scorer.scoring import piece_embedding
from moodcut_scorer.vectors import softmax, unit
from moodcut_training.features import ClipFeatures
from moodcut_training.posteriors import SHOT_FRAMES, PosteriorConfig, Songs, fit_heads


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """Clips with labels int64 [n] and names of their groups [n]."""

    clips: list[ClipFeatures]
    labels: np.ndarray
    groups: np.ndarray

    def of(self, rows: np.ndarray) -> Labelled:
        """Some of them."""
        return Labelled(clips=[self.clips[row] for row in rows], labels=self.labels[rows], groups=self.groups[rows])


# Learns from the first, and answers for the second, whose labels it must not look at; one entry per way of answering.
Method = Callable[[Labelled, Labelled], list[Answers]]


def posterior_method(name: str, prompts: np.ndarray, songs: Songs | None, config: PosteriorConfig) -> Method:
    """The heads that ship, by classifier and by nearest prompt."""

    def answer(train: Labelled, test: Labelled) -> list[Answers]:
        heads = fit_heads(train.clips, train.labels, train.groups.tolist(), prompts, config, songs=songs)
        return answers_of_heads(heads, test.clips, name=name)

    return answer


def answers_of_heads(heads: PosteriorHeads, clips: Sequence[ClipFeatures], *, name: str) -> list[Answers]:
    """What the scorer would say of clips: by classifier, and by nearest prompt."""
    pictures = filled([heads.embed_film(clip.frames) if len(clip.frames) else None for clip in clips])
    sounds = filled([piece_embedding(heads.embed_music(c.windows)) if len(c.windows) else None for c in clips])
    visual, audio = (_posteriors(vectors) for vectors in (pictures, sounds))
    prompted = [softmax(heads.logit_scale * (each @ heads.prompts.T)) for each in (pictures, sounds, pictures + sounds)]
    return [
        Answers(
            name=name,
            visual=visual,
            audio=audio,
            joint=together(visual, audio),
            similarity=sounds @ pictures.T,
            calibrated=True,
        ),
        Answers(name=f"{name}, nearest prompt", visual=prompted[0], audio=prompted[1], joint=prompted[2]),
    ]


def shot_posteriors(heads: PosteriorHeads, clip: ClipFeatures) -> np.ndarray:
    """Posteriors [s, 6] of a clip's shots, each the unit mean of three frames that follow one another."""
    whole = len(clip.frames) // SHOT_FRAMES * SHOT_FRAMES
    embedded = heads.embed_images(clip.frames[:whole]).reshape(-1, SHOT_FRAMES, heads.dimension)
    return posteriors_of(unit(embedded.mean(axis=1)))


def supervised_method(train: Labelled, test: Labelled) -> list[Answers]:
    """One classifier a modality, learned from labels alone, as in Pandeya et al.; the linear probe of the clip."""
    found = []
    for features in (_films, _pieces):
        known, asked = features(train.clips), features(test.clips)
        there = ~np.isnan(known).any(axis=1)
        fitted = fit_softmax_regression(known[there], train.labels[there])
        found.append(fitted.probabilities(asked).astype(np.float64))
    visual, audio = (np.where(np.isnan(each).any(axis=1, keepdims=True), np.nan, each) for each in found)
    return [
        Answers(
            name="one classifier a modality (linear probes)",
            visual=visual,
            audio=audio,
            joint=together(visual, audio),
            similarity=audio @ visual.T,
            calibrated=True,
        )
    ]


def affect_method(train: Labelled, test: Labelled) -> list[Answers]:
    """Valdez and Mehrabian's colours; loudness, tempo and mode. Learns nothing."""
    seen = affect.affect_of_colour(np.stack([clip.colour for clip in test.clips]))
    heard = affect.affect_of_sound(np.stack([clip.sound for clip in test.clips]))
    return [
        Answers(
            name="colour affect; loudness, tempo and mode",
            visual=affect.place_scores(seen),
            audio=affect.place_scores(heard),
            joint=affect.place_scores(affect.standardised((seen + heard) / 2)),
            similarity=-np.square(heard[:, None] - seen[None]).sum(axis=2),
        )
    ]


def majority_method(train: Labelled, test: Labelled) -> list[Answers]:
    """The most frequent emotion of the training clips, always."""
    scores = np.eye(len(EMOTIONS))[np.bincount(train.labels, minlength=len(EMOTIONS)).argmax()]
    seen = np.array([len(clip.frames) > 0 for clip in test.clips])[:, None]
    heard = np.array([len(clip.windows) > 0 for clip in test.clips])[:, None]
    visual, audio, both = (np.where(there, scores, np.nan) for there in (seen, heard, seen & heard))
    return [Answers(name="majority", visual=visual, audio=audio, joint=both)]


def chance_method(train: Labelled, test: Labelled) -> list[Answers]:
    """Answers drawn at random."""
    rng = np.random.default_rng(len(train.clips) + 1000 * int(test.labels.sum()))
    drawn = rng.random((len(test.clips), len(EMOTIONS)))
    seen = np.array([len(clip.frames) > 0 for clip in test.clips])[:, None]
    heard = np.array([len(clip.windows) > 0 for clip in test.clips])[:, None]
    visual, audio, both = (np.where(there, drawn, np.nan) for there in (seen, heard, seen & heard))
    similarity = rng.random((len(test.clips), len(test.clips)))
    return [Answers(name="chance", visual=visual, audio=audio[:, ::-1], joint=both, similarity=similarity)]


def filled(rows: Sequence[np.ndarray | None]) -> np.ndarray:
    """Rows stacked, NaN where there is none."""
    width = next((len(row) for row in rows if row is not None), 1)
    return np.stack([np.full(width, np.nan) if row is None else row.astype(np.float64) for row in rows])


def _posteriors(vectors: np.ndarray) -> np.ndarray:
    found = np.full((len(vectors), len(EMOTIONS)), np.nan)
    there = ~np.isnan(vectors).any(axis=1)
    found[there] = posteriors_of(vectors[there])
    return found


def _films(clips: Sequence[ClipFeatures]) -> np.ndarray:
    return filled([film_features(clip.frames) if len(clip.frames) else None for clip in clips])


def _pieces(clips: Sequence[ClipFeatures]) -> np.ndarray:
    return filled([clip.windows.mean(axis=0) if len(clip.windows) else None for clip in clips])
