"""Files under a directory as keys in order, without reading more directories than needed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path


def walk_sorted(root: Path, prefix: str, start_after: str = "") -> Iterator[str]:
    """``/``-separated names, relative to ``root``, of the files beneath it that begin with ``prefix`` and sort after
    ``start_after``, in order of code points. What vanishes meanwhile is left out.
    """
    directory = prefix.rpartition("/")[0]
    yield from _walk(root, f"{directory}/" if directory else "", prefix, start_after)


def _walk(root: Path, directory: str, prefix: str, start_after: str) -> Iterator[str]:
    try:
        with os.scandir(root / directory) as entries:
            # A directory sorts with its slash: "a-b" comes before "a/b", which comes before "a0".
            names = sorted(f"{entry.name}/" if entry.is_dir(follow_symlinks=False) else entry.name for entry in entries)
    except (FileNotFoundError, NotADirectoryError):
        return
    for name in names:
        key = directory + name
        if not key.startswith(prefix) and not prefix.startswith(key):
            continue
        if not name.endswith("/"):
            if key.startswith(prefix) and key > start_after:
                yield key
        elif key > start_after or start_after.startswith(key):
            yield from _walk(root, key, prefix, start_after)
