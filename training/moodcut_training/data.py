"""Datasets as manifests: which files, which labels, and which files must not be separated.

A manifest is a CSV beside its files. Clips have the columns ``file``, ``emotion`` and ``group``; files of one group
were cut from the same source, so a split never divides a group.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from moodcut_scorer.emotions import EMOTIONS


class ManifestError(ValueError):
    """A manifest that cannot be used; the message names the line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """One labelled clip. ``emotion`` is an index into EMOTIONS."""

    path: Path
    emotion: int
    group: str


def read_clips(manifest: Path) -> list[Clip]:
    """Clips of a manifest in its order. Raises ManifestError for missing columns, files or unknown emotions."""
    with manifest.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        missing = {"file", "emotion", "group"} - set(reader.fieldnames or ())
        if missing:
            raise ManifestError(f"{manifest}: no column {', '.join(sorted(missing))}.")
        clips = []
        for row in reader:
            path = manifest.parent / row["file"]
            if row["emotion"] not in EMOTIONS:
                raise ManifestError(
                    f"{manifest}, line {reader.line_num}: {row['emotion']!r} is none of the six emotions."
                )
            if not path.is_file():
                raise ManifestError(f"{manifest}, line {reader.line_num}: {row['file']} is not there.")
            clips.append(Clip(path=path, emotion=EMOTIONS.index(row["emotion"]), group=row["group"] or row["file"]))
    if not clips:
        raise ManifestError(f"{manifest} lists no clips.")
    return clips


def grouped_folds(labels: Sequence[int], groups: Sequence[str], *, fold_count: int, seed: int) -> np.ndarray:
    """The fold int64 [n] of each item: groups stay whole, and every fold gets its share of every class.

    Groups are dealt out largest first (ties in random order), each to the fold that leaves the class counts most even.
    Raises ValueError if there are fewer groups than folds.
    """
    members: dict[str, list[int]] = defaultdict(list)
    for index, group in enumerate(groups):
        members[group].append(index)
    if len(members) < fold_count:
        raise ValueError(f"{len(members)} groups cannot make {fold_count} folds.")
    names = sorted(members)
    np.random.default_rng(seed).shuffle(names)
    names.sort(key=lambda name: -len(members[name]))
    class_count = max(labels) + 1
    totals = np.bincount(labels, minlength=class_count)
    counts = np.zeros((fold_count, class_count))
    fold_of = np.zeros(len(labels), dtype=np.int64)
    for name in names:
        added = np.bincount([labels[index] for index in members[name]], minlength=class_count)
        costs = []
        for fold in range(fold_count):
            tried = counts.copy()
            tried[fold] += added
            share = tried / np.maximum(totals, 1)
            costs.append((float(share.std(axis=0).sum()), float(tried[fold].sum()), fold))
        best = min(costs)[2]
        counts[best] += added
        fold_of[members[name]] = best
    return fold_of


def emotion_batches(labels: np.ndarray, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """One epoch of batches int64 [6]: one item of each emotion, in the order of EMOTIONS (method, section 2).

    The largest class is walked once; smaller ones are walked again in a new order until it ends. Raises ValueError if
    a class has no item.
    """
    by_class = [np.flatnonzero(labels == index) for index in range(len(EMOTIONS))]
    empty = [EMOTIONS[index] for index, items in enumerate(by_class) if not len(items)]
    if empty:
        raise ValueError(f"No clip of {', '.join(empty)} to train on.")
    length = max(len(items) for items in by_class)
    columns = []
    for items in by_class:
        rounds = [rng.permutation(items) for _ in range(-(-length // len(items)))]
        columns.append(np.concatenate(rounds)[:length])
    yield from np.stack(columns, axis=1)
