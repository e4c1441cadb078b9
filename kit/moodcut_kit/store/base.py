"""The object store as moodcut sees it: one small interface with two homes.

Results are immutable and written once (``if_absent``); the few objects that change (a montage's state, its lease) are
changed by compare-and-swap (``if_match``). A key is ``/``-separated names of ASCII letters, digits and ``. _ - = + @``
(:func:`check_key`); no key may continue another one (with ``a/b`` there cannot be an object ``a``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from moodcut_kit.errors import (
    AlreadyExistsError,
    FailedPreconditionError,
    InvalidArgumentError,
    MoodcutError,
    NotFoundError,
    UnavailableError,
)

_PART = r"(?!\.{1,2}(?:/|$))[A-Za-z0-9._=+@-]{1,200}"
_KEY = re.compile(rf"{_PART}(?:/{_PART})*")
_PREFIX = re.compile(rf"(?:{_PART}/)*(?:{_PART})?")
_MAX_KEY_LENGTH = 900


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectInfo:
    """What a store knows of an object without reading it.

    ``etag`` changes whenever the content does. ``is_reference``: the content lies outside of the store, which holds
    only its place.
    """

    key: str
    byte_count: int
    etag: str
    modified: datetime
    is_reference: bool = False


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


class ObjectKeyError(InvalidArgumentError):
    """The name cannot be an object's."""

    reason = "OBJECT_KEY_INVALID"


class StoreUnavailableError(UnavailableError):
    """The store cannot be reached, or cannot write: no space, no permission."""

    reason = "STORE_UNAVAILABLE"


class StoreUnfitError(FailedPreconditionError):
    """The store's address is wrong, it lets nobody in, or it does not honour write conditions."""

    reason = "STORE_UNFIT"


class MediaChangedError(FailedPreconditionError):
    """A film that is referenced where it lies is gone, or no longer the file it was."""

    reason = "MEDIA_CHANGED"


def check_key(key: str) -> str:
    """``key``, if it can be an object's name; otherwise ObjectKeyError."""
    if len(key) > _MAX_KEY_LENGTH or not _KEY.fullmatch(key):
        raise ObjectKeyError(
            f"{key!r} is no object name: use parts of letters, digits and . _ - = + @ (at most 200 each, "
            f"{_MAX_KEY_LENGTH} in all), separated by single slashes; no part may be . or ..",
            key=key,
        )
    return key


def check_prefix(prefix: str) -> str:
    """``prefix``, if object names can begin with it; otherwise ObjectKeyError."""
    if len(prefix) > _MAX_KEY_LENGTH or not _PREFIX.fullmatch(prefix):
        raise ObjectKeyError(f"No object name begins with {prefix!r}.", key=prefix)
    return prefix


class ObjectStore(Protocol):
    """Where objects live. Safe to use from several threads.

    ``keeps_files``: objects are files of this machine, so that opening one by path costs nothing.
    """

    keeps_files: bool

    def put(self, key: str, data: bytes, *, if_absent: bool = False, if_match: str | None = None) -> str:
        """Write a whole object at once and return its etag. A reader sees the old or the new content, never part.

        Raises ObjectExistsError (``if_absent``), ObjectChangedError (``if_match``) or StoreUnavailableError; after the
        last one the object may have been written or not. ValueError if both conditions are given.
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
        """What is known of an object, or None if there is none.

        A referenced film that has changed raises MediaChangedError, here and in what reads it.
        """
        ...

    def list(self, prefix: str, *, start_after: str = "") -> Iterator[ObjectInfo]:
        """Objects whose key begins with ``prefix`` and sorts after ``start_after``, in order of key (by code point)."""
        ...

    def delete(self, key: str) -> None:
        """Remove an object. Removing what is not there is no error."""
        ...

    def open_path(self, key: str) -> AbstractContextManager[Path]:
        """The object as a file to read (not to change) while the context lasts. Raises ObjectNotFoundError."""
        ...

    def remove_unfinished(self, *, before: datetime, dry_run: bool = False) -> Sequence[ObjectInfo]:
        """Remove writes that were begun but never finished and have not moved since ``before``.

        Returns what was removed, or with ``dry_run`` would be; ``key`` is a name for a person, ``byte_count`` 0 where
        the store does not say.
        """
        ...

    def self_test(self) -> None:
        """Prove that conditional writes work; a store that ignores conditions raises StoreUnfitError."""
        ...
