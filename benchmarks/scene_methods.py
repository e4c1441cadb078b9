"""The ways of finding scenes that benchmarks/scenes.py compares, and the measures they are judged by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scene_films import Film, Scenes, at_boundaries
from scipy.sparse import diags
from sklearn.cluster import AgglomerativeClustering

from moodcut_segmenter.picture_features import COLOUR_COUNT
from moodcut_segmenter.scene_metrics import (
    average_precision,
    boundaries_of,
    boundary_f1,
    f_coverage_overflow,
    mean_iou,
    recall_within,
)
from moodcut_segmenter.scenes import SceneOptions, boundary_probabilities, group_scenes
from moodcut_segmenter.shot_features import feature_blocks

MEASURES = ("F1 +-1 shot", "F_co", "mIoU", "recall 3 s", "AP", "found/true")


@dataclass(frozen=True)
class Answer:
    """What a method found; ``probabilities`` of the boundaries where it has any."""

    scenes: Scenes
    probabilities: NDArray[np.floating] | None = None


Method = Callable[[Film, int | None], Answer]


def ours(options: SceneOptions, film: Film, count: int | None) -> Answer:
    blocks = feature_blocks(film.features.shape[1])
    scenes = group_scenes(film.features, film.seconds, blocks, scene_count=count, options=options)
    return Answer(scenes, boundary_probabilities(film.features, film.seconds, blocks, options=options))


def equal_lengths(film: Film, count: int | None) -> Answer:
    assert count is not None
    times = np.concatenate(([0.0], np.cumsum(film.seconds)))
    wanted = times[-1] * np.arange(1, count) / count
    return Answer(at_boundaries(np.abs(times[None, :] - wanted[:, None]).argmin(axis=1).tolist(), len(film.seconds)))


def colour_distances(film: Film) -> NDArray[np.float64]:
    """Distance (Hellinger) of the colour histograms of neighbouring shots."""
    return np.linalg.norm(np.diff(film.features[:, :COLOUR_COUNT], axis=0), axis=1) / np.sqrt(2)


def colour_threshold(threshold: float, film: Film, count: int | None) -> Answer:
    distances = colour_distances(film)
    chosen = np.flatnonzero(distances >= threshold) if count is None else np.argsort(-distances)[: count - 1]
    return Answer(at_boundaries((chosen + 1).tolist(), len(film.seconds)), distances)


def clustering(linkage: str, threshold: float, film: Film, count: int | None) -> Answer:
    """Agglomerative clustering of shots, only neighbours joined; each block scaled to its median distance."""
    rng = np.random.default_rng(0)
    pairs = rng.integers(0, len(film.features), (2, 4096))
    parts = []
    for block in feature_blocks(film.features.shape[1]):
        part = film.features[:, block.start : block.end]
        width = np.median(np.square(part[pairs[0]] - part[pairs[1]]).sum(axis=1)) or 1.0
        parts.append(part * np.sqrt(block.weight / width))
    size = len(film.seconds)
    chain = diags([np.ones(size - 1), np.ones(size - 1)], [-1, 1])
    model = AgglomerativeClustering(
        n_clusters=count,
        distance_threshold=threshold if count is None else None,
        connectivity=chain,
        linkage=linkage,
    )
    labels = model.fit_predict(np.concatenate(parts, axis=1))
    return Answer(at_boundaries((np.flatnonzero(np.diff(labels)) + 1).tolist(), size))


def judged(method: Method, films: Sequence[Film], *, given: bool) -> NDArray[np.float64]:
    """Means of MEASURES over the films."""
    rows = []
    for film in films:
        answer = method(film, len(film.scenes) if given else None)
        labels = np.zeros(len(film.seconds) - 1, np.bool_)
        labels[[start - 1 for start in boundaries_of(film.scenes)]] = True
        rows.append(
            (
                boundary_f1(answer.scenes, film.scenes),
                f_coverage_overflow(answer.scenes, film.scenes),
                mean_iou(answer.scenes, film.scenes, film.seconds),
                recall_within(answer.scenes, film.scenes, film.seconds),
                np.nan if answer.probabilities is None else average_precision(answer.probabilities, labels),
                len(answer.scenes) / len(film.scenes),
            )
        )
    return np.array(rows).mean(axis=0)


def best_threshold(of: Callable[[float], Method], values: Sequence[float], films: Sequence[Film]) -> float:
    """The value with the best F1 over films."""
    return max(values, key=lambda value: judged(of(value), films, given=False)[0])
