"""Which files a model's heads learned from, so that an evaluation can say which of its clips they have met.

The list lies beside the heads: one SHA-256 a line, in order, of each file as it was. A clip cut or encoded anew is not
recognised.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from moodcut_kit.modelcache import publish, sha256_of


def training_list_path(heads: Path) -> Path:
    """Where the list of the heads' file ``heads`` lies."""
    return heads.with_name(f"{heads.stem}-trained-on.txt")


def write_training_list(heads: Path, files: Iterable[Path]) -> Path:
    """Write the list of the files that ``heads`` learned from. Equal files give equal bytes."""
    lines = "".join(f"{digest}\n" for digest in sorted({sha256_of(path) for path in files}))

    def write(target: Path) -> None:
        target.write_text(lines, encoding="ascii")

    return publish(training_list_path(heads), write)


def read_training_list(heads: Path) -> frozenset[str] | None:
    """SHA-256 of the files that ``heads`` learned from; None if there is no list."""
    path = training_list_path(heads)
    return frozenset(path.read_text(encoding="ascii").split()) if path.is_file() else None
