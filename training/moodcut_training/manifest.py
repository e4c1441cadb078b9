"""Which files, which emotions, which split. Files cut from one source share a group, and no group is ever divided.

A manifest is a CSV with the columns ``file`` (relative to the media folder), ``emotion`` (one of the six), ``group``
and, if wanted, ``split`` (train, validation or test). Without that column the split is drawn here, by group.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from moodcut_kit.modelcache import publish
from moodcut_scorer.emotions import EMOTIONS
from moodcut_training.errors import DatasetError

SPLITS: Final = ("train", "validation", "test")


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One labelled file. ``emotion`` is an index into EMOTIONS; ``split`` is one of SPLITS."""

    file: str
    path: Path
    emotion: int
    group: str
    split: str = "train"


def read_manifest(
    manifest: Path, media: Path | None = None, *, validation_share: float, test_share: float, seed: int
) -> list[Item]:
    """The items of a manifest in its order, each in a split.

    Raises DatasetError naming file and line: columns, groups, labels or files that are missing, a file listed twice, a
    group on two sides of the split, fewer groups than splits, or an emotion that the training split lacks.
    """
    items, with_split = _rows(manifest, media or manifest.parent)
    if with_split:
        _check_undivided(items, manifest)
    else:
        labels, groups = [each.emotion for each in items], [each.group for each in items]
        shares = (1 - validation_share - test_share, validation_share, test_share)
        _check_group_count(len(set(groups)), shares, manifest)
        drawn = split_groups(labels, groups, shares, seed=seed)
        items = [replace(each, split=SPLITS[part]) for each, part in zip(items, drawn.tolist(), strict=True)]
    lacking = [name for index, name in enumerate(EMOTIONS) if index not in {i.emotion for i in part_of(items, "train")}]
    if lacking:
        raise DatasetError(
            f"{manifest}: no clip of {', '.join(lacking)} is left to train on. A batch needs one of each emotion: give "
            "more groups, or hold out less (validation_share, test_share, or the column split).",
            file=manifest,
        )
    return items


def part_of(items: Iterable[Item], split: str) -> list[Item]:
    """The items of one split, in order."""
    return [each for each in items if each.split == split]


def manifest_digest(items: Iterable[Item]) -> str:
    """SHA-256 of what the items say, so that a run goes on only with the data it began with."""
    rows = "\n".join(f"{each.file}\t{each.emotion}\t{each.group}\t{each.split}" for each in items)
    return hashlib.sha256(rows.encode()).hexdigest()


def write_split(items: Iterable[Item], path: Path) -> Path:
    """Write the items as a manifest with the column ``split``; files are relative to the media folder, as given."""

    def write(target: Path) -> None:
        with target.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["file", "emotion", "group", "split"])
            writer.writerows([each.file, EMOTIONS[each.emotion], each.group, each.split] for each in items)

    return publish(path, write)


def split_groups(labels: Sequence[int], groups: Sequence[str], shares: Sequence[float], *, seed: int) -> np.ndarray:
    """The part int64 [n] of each item: whole groups, each part with about its share of every class.

    Groups are dealt out largest first (ties in random order), each to the part that then misses its shares least, in
    squares summed over classes; those that alone have a class come before all others, so that what is left for the
    smaller parts can be spared. A part of share 0 gets nothing; one that has a share gets a group as long as there are
    as many groups as parts.
    """
    members: dict[str, list[int]] = {}
    for index, group in enumerate(groups):
        members.setdefault(group, []).append(index)
    names = sorted(members)
    np.random.default_rng(seed).shuffle(names)
    sources: dict[int, set[str]] = {}
    for label, group in zip(labels, groups, strict=True):
        sources.setdefault(label, set()).add(group)
    alone = {next(iter(having)) for having in sources.values() if len(having) == 1}
    names.sort(key=lambda name: (name not in alone, -len(members[name])))
    class_count = max(labels) + 1
    totals = np.bincount(labels, minlength=class_count).astype(np.float64)
    weights = np.asarray(shares, dtype=np.float64)
    wanted = weights[:, None] / weights.sum() * totals
    have = np.zeros_like(wanted)
    part_of_item = np.zeros(len(labels), dtype=np.int64)
    for left, name in zip(range(len(names), 0, -1), names, strict=True):
        added = np.bincount([labels[index] for index in members[name]], minlength=class_count)
        able = np.flatnonzero(weights > 0)
        empty = [part for part in able if not have[part].any()]
        choice = empty if len(empty) >= left else able
        errors = [
            float((np.square(have[part] + added - wanted[part]) - np.square(have[part] - wanted[part])).sum())
            for part in choice
        ]
        best = int(choice[int(np.argmin(errors))])
        have[best] += added
        part_of_item[members[name]] = best
    return part_of_item


def _rows(manifest: Path, media: Path) -> tuple[list[Item], bool]:
    try:
        file = manifest.open(newline="", encoding="utf-8-sig")
    except OSError as error:
        raise DatasetError(f"The manifest {manifest} cannot be read: {error.strerror}.", file=manifest) from error
    with file:
        reader = csv.DictReader(file)
        try:
            columns = set(reader.fieldnames or ())
            _check_columns(columns, manifest)
            items = []
            lines: dict[Path, int] = {}
            for row in reader:
                where = f"{manifest}, line {reader.line_num}"
                items.append(_item(row, where, media))
                first = lines.setdefault(items[-1].path.resolve(), reader.line_num)
                if first != reader.line_num:
                    raise DatasetError(f"{where}: {items[-1].file} stands in line {first} already.", file=manifest)
        except (csv.Error, UnicodeDecodeError) as error:
            raise DatasetError(f"{manifest} is no CSV in UTF-8: {error}", file=manifest) from error
    if not items:
        raise DatasetError(f"{manifest} lists no files.", file=manifest)
    return items, "split" in columns


def _check_columns(columns: set[str], manifest: Path) -> None:
    missing = sorted({"file", "emotion", "group"} - columns)
    if not missing:
        return
    why = (
        " Files cut from the same film or song share a group, so that none is on both sides of the split; accuracy is "
        "flattered otherwise. If every file stands alone, repeat its name there."
        if "group" in missing
        else ""
    )
    raise DatasetError(f"{manifest}: no column {', '.join(missing)}.{why}", file=manifest)


def _item(row: dict[str, str | None], where: str, media: Path) -> Item:
    name, emotion, group = ((row[column] or "").strip() for column in ("file", "emotion", "group"))
    split = (row.get("split") or "").strip()
    if emotion not in EMOTIONS:
        raise DatasetError(f"{where}: the emotion {emotion!r} is none of {', '.join(EMOTIONS)}.")
    if not group:
        raise DatasetError(f"{where}: {name} has no group. Give it the name of what it was cut from, or its own.")
    if "split" in row and split not in SPLITS:
        raise DatasetError(f"{where}: the split {split!r} is none of {', '.join(SPLITS)}.")
    path = media / name
    if not name or not path.is_file():
        raise DatasetError(f"{where}: there is no file {path}.")
    return Item(file=name, path=path, emotion=EMOTIONS.index(emotion), group=group, split=split or "train")


def _check_group_count(group_count: int, shares: Sequence[float], manifest: Path) -> None:
    asked = [name for name, share in zip(SPLITS, shares, strict=True) if share > 0]
    if group_count < len(asked):
        raise DatasetError(
            f"{manifest}: {', '.join(asked)} need a group each, for no group is divided, and the number of groups is "
            f"{group_count}. Tell more groups apart, or hold nothing out: validation_share = 0, test_share = 0.",
            file=manifest,
        )


def _check_undivided(items: Sequence[Item], manifest: Path) -> None:
    sides: dict[str, Item] = {}
    for each in items:
        first = sides.setdefault(each.group, each)
        if first.split != each.split:
            raise DatasetError(
                f"{manifest}: the group {each.group!r} is divided: {first.file} is in {first.split}, {each.file} in "
                f"{each.split}. A group must lie on one side.",
                file=manifest,
            )
