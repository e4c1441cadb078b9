"""Small steps on files that the local store is made of."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from moodcut_kit.store.base import ObjectKeyError, StoreUnavailableError


def flush(file: BinaryIO) -> None:
    """Bring what was written to the disk."""
    file.flush()
    os.fsync(file.fileno())


def status_of(path: Path) -> os.stat_result | None:
    """A file's status; None if there is none, or a directory."""
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return None if stat.S_ISDIR(status.st_mode) else status


def remove_empty(directory: Path, root: Path) -> None:
    """Remove directories that have become empty, so that no name stays taken."""
    while directory != root and root in directory.parents:
        try:
            directory.rmdir()
        except FileNotFoundError:
            pass
        except OSError:
            return
        directory = directory.parent


@contextmanager
def os_errors(what: str) -> Iterator[None]:
    """Turn errors of the file system into the store's: ObjectKeyError for a name in the way, else unavailable."""
    try:
        yield
    except (NotADirectoryError, IsADirectoryError, FileExistsError) as error:
        raise ObjectKeyError(f"{what}: another object's name is part of it ({error.filename}).") from error
    except OSError as error:
        raise StoreUnavailableError(f"{what}: {error.strerror or error} ({error.filename}).") from error
