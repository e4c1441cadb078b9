"""What to judge: a CSV of labelled media files."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from moodcut_kit.errors import InvalidArgumentError
from moodcut_scorer.emotions import EMOTIONS

COLUMNS = ("file", "emotion", "group")


class ManifestError(InvalidArgumentError):
    """A manifest that cannot be used; the message names the line."""

    reason = "BAD_MANIFEST"


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One labelled file. ``emotion`` is an index into EMOTIONS; files of one ``group`` come from the same source."""

    path: Path
    name: str
    emotion: int
    group: str


def read_manifest(manifest: Path, *, media: Path | None = None, split: str | None = None) -> list[Item]:
    """Items of a CSV with the columns ``file``, ``emotion``, ``group`` and perhaps ``split``, in its order.

    Files are looked for in ``media``, by default the manifest's own folder; whether they exist is not asked here. An
    empty group is a group of its own. With ``split`` only rows of that split are taken. Raises ManifestError for a file
    that is no such CSV, an unknown emotion, or if no row is left.
    """
    folder = media if media is not None else manifest.parent
    try:
        with manifest.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            missing = set(COLUMNS[:2]) - set(reader.fieldnames or ())
            if missing:
                raise ManifestError(
                    f"{manifest} has no column {', '.join(sorted(missing))}; it needs {', '.join(COLUMNS)}."
                )
            if split is not None and "split" not in (reader.fieldnames or ()):
                raise ManifestError(f"{manifest} has no column split to take {split!r} from.")
            rows = [(reader.line_num, row) for row in reader if split is None or row["split"] == split]
    except OSError as error:
        raise ManifestError(f"The manifest {manifest} cannot be read: {error.strerror}.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise ManifestError(f"{manifest} is no CSV in UTF-8: {error}") from error
    if not rows:
        raise ManifestError(f"{manifest} lists no files" + (f" of the split {split!r}." if split else "."))
    return [_item(manifest, folder, line, row) for line, row in rows]


def _item(manifest: Path, folder: Path, line: int, row: dict[str, str]) -> Item:
    name, emotion = (row["file"] or "").strip(), (row["emotion"] or "").strip().lower()
    if not name:
        raise ManifestError(f"{manifest}, line {line}: no file is named.")
    if emotion not in EMOTIONS:
        raise ManifestError(f"{manifest}, line {line}: {emotion!r} is none of {', '.join(EMOTIONS)}.")
    group = (row.get("group") or "").strip()
    return Item(path=folder / name, name=name, emotion=EMOTIONS.index(emotion), group=group or f"file {name}")
