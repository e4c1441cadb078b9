"""SHA-256 of files, remembered: a film is hashed once, not at every run."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from moodcut_kit.errors import FailedPreconditionError, NotFoundError

_WAIT_SECONDS = 10.0
_ROW_COUNT = 10_000
# A file may change without its time stamp changing if both happen within the clock's grain.
_SETTLED_NS = 2_000_000_000
_SCHEMA = """
CREATE TABLE IF NOT EXISTS hashes (
    path TEXT PRIMARY KEY, byte_count INTEGER, modified_ns INTEGER, inode INTEGER, sha256 TEXT, used_ns INTEGER
)
"""


class FileMissingError(NotFoundError):
    """There is no such file."""

    reason = "FILE_NOT_FOUND"


class FileUnsettledError(FailedPreconditionError):
    """The file changed while it was hashed."""

    reason = "FILE_CHANGING"


def file_sha256(path: Path, *, cache: Path) -> str:
    """Hexadecimal SHA-256 of a file's content.

    ``cache`` is a database (created with its directory if need be) that remembers hashes by the file's path, size, time
    of change and inode. Several processes may use it at once; one that cannot be used is done without. Raises
    FileMissingError, or FileUnsettledError if the file changes meanwhile.
    """
    path = path.expanduser().resolve()
    before = _state(path)
    known = _look_up(cache, path, before)
    if known is not None:
        return known
    started_ns = time.time_ns()
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    if _state(path) != before:
        raise FileUnsettledError(f"{path} changed while it was read. Wait until it is complete.", file=path)
    if started_ns - before[1] > _SETTLED_NS:
        _remember(cache, path, before, sha256)
    return sha256


def _state(path: Path) -> tuple[int, int, int]:
    """Size, time of change (nanoseconds) and inode."""
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise FileMissingError(f"There is no file {path}.", file=path) from error
    if not path.is_file():
        raise FileMissingError(f"{path} is not a file.", file=path)
    return status.st_size, status.st_mtime_ns, status.st_ino


def _look_up(cache: Path, path: Path, state: tuple[int, int, int]) -> str | None:
    query = "SELECT sha256 FROM hashes WHERE path = ? AND byte_count = ? AND modified_ns = ? AND inode = ?"
    try:
        with closing(_connect(cache)) as database, database:
            row = database.execute(query, (_name(path), *state)).fetchone()
            database.execute("UPDATE hashes SET used_ns = ? WHERE path = ?", (time.time_ns(), _name(path)))
    except (sqlite3.Error, OSError):
        return None
    return None if row is None else str(row[0])


def _remember(cache: Path, path: Path, state: tuple[int, int, int], sha256: str) -> None:
    forget = "DELETE FROM hashes WHERE path NOT IN (SELECT path FROM hashes ORDER BY used_ns DESC LIMIT ?)"
    try:
        with closing(_connect(cache)) as database, database:
            row = (_name(path), *state, sha256, time.time_ns())
            database.execute("INSERT OR REPLACE INTO hashes VALUES (?, ?, ?, ?, ?, ?)", row)
            database.execute(forget, (_ROW_COUNT,))
    except (sqlite3.Error, OSError):
        return


def _connect(cache: Path) -> sqlite3.Connection:
    cache.parent.mkdir(parents=True, exist_ok=True)
    database = sqlite3.connect(cache, timeout=_WAIT_SECONDS)
    try:
        database.execute(_SCHEMA)
    except sqlite3.DatabaseError as error:
        database.close()
        if "not a database" not in str(error) and "malformed" not in str(error):
            raise
        cache.unlink(missing_ok=True)
        database = sqlite3.connect(cache, timeout=_WAIT_SECONDS)
        database.execute(_SCHEMA)
    return database


def _name(path: Path) -> str:
    """The path as text that any database takes; a path need not be Unicode."""
    return os.fsencode(path).decode("latin-1")
