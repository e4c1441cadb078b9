"""Trains the heads that ship: posteriors of pictures, films, music and texts from frozen features, calibrated.

Softmax regression, a convex problem with one solution: the same data give the same heads, whatever the seed. Music also
reads the emotions that listeners felt (songs), a film's head reads how its frames differ, a shot's head learns from
means of three frames as it will meet them, and every temperature is fitted on clips that heads trained without them
judged.
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
    the prompts. ``with_songs``: let music read the felt emotions, found by ridge regression with ``song_penalty`` and
    weighed with ``felt_penalty``. ``with_deviation``: let films read their frames' deviation. ``inner_folds``: into how
    many parts the groups are divided to fit temperatures.
    """

    penalty: float = 10.0
    text_penalty: float = 0.3
    with_songs: bool = True
    song_penalty: float = 5e3
    felt_penalty: float = 0.1
    with_deviation: bool = True
    inner_folds: int = 4

    def __post_init__(self) -> None:
        """Raises ValueError naming the field that is out of range."""
        for field in ("penalty", "text_penalty", "song_penalty", "felt_penalty"):
            if not getattr(self, field) > 0:
                raise ValueError(f"{field} is {getattr(self, field)}; it must be above 0.")
        if self.inner_folds < 2:
            raise ValueError(f"inner_folds is {self.inner_folds}; it must be at least 2.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Songs:
    """Songs with felt emotions: ``windows`` [w, f] of all songs, and ``felt`` [w, k], shares of each window's song."""

    windows: np.ndarray
    felt: np.ndarray


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


def felt_emotions(songs: Songs, penalty: float) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Ridge regression from windows to felt emotions.

    Returns a function from the centre and scale, stacked as [2, f], with which other features were standardised to the
    linear map of those: weight [f, k] and bias [k].
    """
    centre, scale = songs.windows.mean(axis=0), songs.windows.std(axis=0) + 1e-3
    standard = ((songs.windows - centre) / scale).astype(np.float64)
    mean = songs.felt.mean(axis=0)
    gram = standard.T @ standard + penalty * np.eye(standard.shape[1])
    weight = np.linalg.solve(gram, standard.T @ (songs.felt - mean))

    def for_features(other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        own = weight * (other[1] / scale)[:, None]
        return own, (other[0] - centre) / scale @ weight + mean

    return for_features


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
    text features, the first of each emotion being its fixed prompt. ``songs`` are needed if the config is with songs.
    Raises ValueError if they are missing, or if there are fewer groups than inner folds.
    """
    if config.with_songs and songs is None:
        raise ValueError("with_songs needs songs; give them, or set with_songs to False.")
    felt = felt_emotions(songs, config.song_penalty) if config.with_songs and songs is not None else None

    def plain(rows: Rows) -> PosteriorHead:
        fitted = fit_softmax_regression(
            rows.features, rows.labels, penalty=config.penalty, sample_weight=rows.weights()
        )
        return _head(fitted)

    def heard(rows: Rows) -> PosteriorHead:
        head = plain(rows)
        if felt is None:
            return head
        weight, bias = felt(np.stack([head.centre, head.scale]).astype(np.float64))
        read = (rows.features - head.centre) / head.scale @ weight + bias
        known = fit_softmax_regression(read, rows.labels, penalty=config.felt_penalty, sample_weight=rows.weights())
        return replace(
            head,
            weight=(head.weight + weight @ (known.weight / known.scale[:, None])).astype(np.float32),
            bias=(head.bias + (bias - known.centre) / known.scale @ known.weight + known.bias).astype(np.float32),
        )

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
