"""Trains the heads that ship: posteriors of pictures, films, music and texts from frozen features, calibrated.

Softmax regression, a convex problem with one solution: the same data give the same heads, whatever the seed. Music also
learns from songs with the emotions that listeners felt, a film's head reads how its frames differ, a shot's head learns
from means of three frames as it will meet them, and every temperature is fitted on clips that heads trained without
them judged.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from moodcut_scorer.emotions import EMOTIONS
from moodcut_scorer.evaluation.metrics import fit_temperature
from moodcut_scorer.evaluation.supervised import SoftmaxRegression, fit_softmax_regression
from moodcut_scorer.posteriorheads import PosteriorHead, PosteriorHeads, film_features
from moodcut_scorer.vectors import unit
from moodcut_training.data import grouped_folds
from moodcut_training.features import ClipFeatures

SHOT_FRAMES = 3
_LOGIT_SCALE = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PosteriorConfig:
    """How the heads are fitted.

    ``penalty``: of the regressions on encoder features (:func:`fit_softmax_regression`). ``text_penalty``: of that on
    the prompts. ``song_weight``: how much all songs weigh beside all clips, where there are songs. ``with_deviation``:
    let films read their frames' deviation. ``inner_folds``: into how many parts the groups are divided to fit
    temperatures.
    """

    penalty: float = 10.0
    text_penalty: float = 0.3
    song_weight: float = 0.5
    with_deviation: bool = True
    inner_folds: int = 4

    def __post_init__(self) -> None:
        """Raises ValueError naming the field that is out of range."""
        for field in ("penalty", "text_penalty", "song_weight"):
            if not getattr(self, field) > 0:
                raise ValueError(f"{field} is {getattr(self, field)}; it must be above 0.")
        if self.inner_folds < 2:
            raise ValueError(f"inner_folds is {self.inner_folds}; it must be at least 2.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Songs:
    """Songs beside the clips: ``windows`` [w, f] of all of them, and ``shares`` [w, 6], what each window's song is of
    each emotion (:mod:`moodcut_training.weaklabels`)."""

    windows: np.ndarray
    shares: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Training rows of one head: ``features`` [r, f], ``labels`` and the clip ``owner`` int64 [r]."""

    features: np.ndarray
    labels: np.ndarray
    owner: np.ndarray

    def of(self, clips: np.ndarray) -> Rows:
        """The rows of some clips."""
        taken = np.isin(self.owner, clips)
        return Rows(features=self.features[taken], labels=self.labels[taken], owner=self.owner[taken])

    def weights(self) -> np.ndarray:
        """Every clip weighs 1, however many rows it has."""
        return np.asarray(1.0 / np.bincount(self.owner)[self.owner])


def shot_rows(clips: Sequence[ClipFeatures], labels: np.ndarray) -> Rows:
    """Means of three frames that follow one another, each brought to length 1 as the head does it."""
    return _rows([_shots(clip.frames) for clip in clips], labels)


def film_rows(clips: Sequence[ClipFeatures], labels: np.ndarray, *, with_deviation: bool) -> Rows:
    """Mean and deviation of all frames, one row a clip; without deviation it is held at 0."""
    rows = [film_features(clip.frames)[None] if len(clip.frames) else np.zeros((0, 1)) for clip in clips]
    if not with_deviation:
        rows = [np.concatenate([row[:, : row.shape[1] // 2], 0 * row[:, row.shape[1] // 2 :]], axis=1) for row in rows]
    return _rows(rows, labels)


def window_rows(clips: Sequence[ClipFeatures], labels: np.ndarray) -> Rows:
    """Windows of music."""
    return _rows([clip.windows for clip in clips], labels)


def fit_heads(
    clips: Sequence[ClipFeatures],
    labels: np.ndarray,
    groups: Sequence[str],
    prompts: np.ndarray,
    config: PosteriorConfig,
    *,
    songs: Songs | None = None,
) -> PosteriorHeads:
    """Fit all heads and their temperatures.

    ``labels`` int64 [n] are indices into EMOTIONS, ``groups`` [n] name the sources; ``prompts`` float32 [6, k, 384] are
    text features, the first of each emotion being its fixed prompt. Without ``songs`` music learns from clips alone.
    Raises ValueError if there are fewer groups than inner folds.
    """

    def plain(rows: Rows) -> PosteriorHead:
        return _head(
            fit_softmax_regression(rows.features, rows.labels, penalty=config.penalty, sample_weight=rows.weights())
        )

    def heard(rows: Rows) -> PosteriorHead:
        if songs is None:
            return plain(rows)
        weights = rows.weights()
        each = np.full(len(songs.windows), config.song_weight * weights.sum() / len(songs.windows))
        fitted = fit_softmax_regression(
            np.concatenate([rows.features, songs.windows]),
            np.concatenate([np.eye(len(EMOTIONS))[rows.labels], songs.shares]),
            penalty=config.penalty,
            sample_weight=np.concatenate([weights, each]),
        )
        return _head(fitted)

    folds = grouped_folds(labels.tolist(), groups, fold_count=config.inner_folds, seed=0)
    made = {
        "image": _calibrated(shot_rows(clips, labels), plain, folds),
        "film": _calibrated(film_rows(clips, labels, with_deviation=config.with_deviation), plain, folds),
        "music": _calibrated(window_rows(clips, labels), heard, folds),
        "text": _text_head(prompts, config),
    }
    heads = PosteriorHeads(**made, prompts=np.zeros((len(EMOTIONS), 0)), logit_scale=_LOGIT_SCALE)
    return replace(heads, prompts=heads.embed_text(prompts[:, 0]))


def _calibrated(rows: Rows, fit: Callable[[Rows], PosteriorHead], folds: np.ndarray) -> PosteriorHead:
    """The head of all rows, its temperature from rows judged by heads that were fitted without their fold."""
    logits, labels = [], []
    for fold in range(folds.max() + 1):
        held = rows.of(np.flatnonzero(folds == fold))
        if len(held.labels):
            logits.append(fit(rows.of(np.flatnonzero(folds != fold))).logits(held.features))
            labels.append(held.labels)
    return replace(fit(rows), temperature=fit_temperature(np.concatenate(logits), np.concatenate(labels)))


def _text_head(prompts: np.ndarray, config: PosteriorConfig) -> PosteriorHead:
    """Each wording in turn is left out to fit the temperature."""
    count, wordings, width = prompts.shape
    rows = Rows(
        features=prompts.reshape(-1, width),
        labels=np.repeat(np.arange(count), wordings),
        owner=np.arange(count * wordings),
    )

    def fit(some: Rows) -> PosteriorHead:
        return _head(fit_softmax_regression(some.features, some.labels, penalty=config.text_penalty))

    return _calibrated(rows, fit, np.tile(np.arange(wordings), count))


def _shots(frames: np.ndarray) -> np.ndarray:
    frames, whole = unit(frames), len(frames) // SHOT_FRAMES * SHOT_FRAMES
    if not whole:
        return frames
    return np.asarray(frames[:whole].reshape(-1, SHOT_FRAMES, frames.shape[1]).mean(axis=1))


def _rows(by_clip: Sequence[np.ndarray], labels: np.ndarray) -> Rows:
    counts = [len(rows) for rows in by_clip]
    owner = np.repeat(np.arange(len(by_clip)), counts)
    return Rows(features=np.concatenate([rows for rows in by_clip if len(rows)]), labels=labels[owner], owner=owner)


def _head(fitted: SoftmaxRegression) -> PosteriorHead:
    return PosteriorHead(
        centre=fitted.centre, scale=fitted.scale, weight=fitted.weight, bias=fitted.bias, temperature=1.0
    )
