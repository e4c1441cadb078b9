"""The object store as moodcut sees it: one small interface with two homes.

Results are immutable and written once (``if_absent``); the few objects that change (a montage's state, its lease) are
changed by compare-and-swap (``if_match``). Keys are ``/``-separated names without empty, ``.`` or ``..`` parts.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from moodcut_kit.errors import AlreadyExistsError, MoodcutError, NotFoundError


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectInfo:
    """What a store knows of an object without reading it. ``etag`` changes whenever the content does."""

    key: str
    byte_count: int
    etag: str
    modified: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject:
    """An object's content together with the etag it had when it was read."""

    data: bytes
    etag: str


class ObjectNotFoundError(NotFoundError):
    """There is no object of that name."""

    reason = "OBJECT_NOT_FOUND"


class ObjectExistsError(AlreadyExistsError):
    """``if_absent`` was asked for, and the object exists."""

    reason = "OBJECT_EXISTS"


class ObjectChangedError(MoodcutError):
    """``if_match`` was asked for, and the object is gone or no longer has that etag."""

    code = "ABORTED"
    reason = "OBJECT_CHANGED"
    retryable = True


class ObjectStore(Protocol):
    """Where objects live. Safe to use from several threads."""

    def put(self, key: str, data: bytes, *, if_absent: bool = False, if_match: str | None = None) -> str:
        """Write a whole object at once and return its etag. A reader sees the old or the new content, never part.

        Raises ObjectExistsError (``if_absent``) or ObjectChangedError (``if_match``).
        """
        ...

    def put_file(self, key: str, path: Path, *, if_absent: bool = False) -> str:
        """Write a file's content as an object, without holding it in memory, and return its etag."""
        ...

    def get(self, key: str) -> StoredObject:
        """Read a whole object. Raises ObjectNotFoundError."""
        ...

    def get_range(self, key: str, offset: int, byte_count: int) -> bytes:
        """Read part of an object; fewer bytes where it ends before. Raises ObjectNotFoundError."""
        ...

    def stat(self, key: str) -> ObjectInfo | None:
        """What is known of an object, or None if there is none."""
        ...

    def list(self, prefix: str, *, start_after: str = "") -> Iterator[ObjectInfo]:
        """Objects whose key begins with ``prefix`` and sorts after ``start_after``, in order of key."""
        ...

    def delete(self, key: str) -> None:
        """Remove an object. Removing what is not there is no error."""
        ...

    def open_path(self, key: str) -> AbstractContextManager[Path]:
        """The object as a file to read while the context lasts. Raises ObjectNotFoundError."""
        ...

    def self_test(self) -> None:
        """Prove that conditional writes work; a store that ignores conditions raises FailedPreconditionError."""
        ...
