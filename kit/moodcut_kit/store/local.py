"""Objects as files under a directory. Safe for several threads and processes on one machine.

Layout::

    objects/KEY       content, written beside and moved into place
    references/KEY    JSON naming a film that stays where it lies
    locks/00 .. ff    one lock file for every 256th key; the kernel frees the lock of a process that dies
    tmp/              what is being written; what a crash leaves here, ``store gc`` removes

Content and references are apart so that nobody can upload a reference.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from heapq import merge
from itertools import groupby
from pathlib import Path
from typing import BinaryIO

from moodcut_kit.store.base import (
    ObjectChangedError,
    ObjectExistsError,
    ObjectInfo,
    ObjectNotFoundError,
    StoredObject,
    StoreUnfitError,
    check_key,
    check_prefix,
)
from moodcut_kit.store.conditions import prove_conditions
from moodcut_kit.store.files import flush, os_errors, remove_empty, status_of
from moodcut_kit.store.reference import Reference
from moodcut_kit.store.walk import walk_sorted

_COPY_BYTE_COUNT = 4 << 20
_ATTEMPTS = 8


class LocalStore:
    """An :class:`~moodcut_kit.store.base.ObjectStore` in a local directory, which is created if need be.

    It can also name films where they lie (:meth:`add_reference`). Needs a file system with ``flock`` and time stamps
    finer than a millisecond: any usual local one. Raises StoreUnfitError if the directory cannot be made.
    """

    keeps_files = True

    def __init__(self, directory: Path) -> None:
        self.directory = directory.expanduser().resolve()
        self._objects = self.directory / "objects"
        self._references = self.directory / "references"
        self._locks = self.directory / "locks"
        self.temporary = self.directory / "tmp"
        try:
            for each in (self._objects, self._references, self._locks, self.temporary):
                each.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            message = f"There can be no store in {self.directory}: {error.strerror or error} ({error.filename})."
            raise StoreUnfitError(message, store=self.directory) from error

    def put(self, key: str, data: bytes, *, if_absent: bool = False, if_match: str | None = None) -> str:
        """See :meth:`ObjectStore.put <moodcut_kit.store.base.ObjectStore.put>`."""
        if if_absent and if_match is not None:
            raise ValueError("if_absent and if_match exclude one another")
        check_key(key)
        return self._write(key, lambda file: file.write(data), if_absent=if_absent, if_match=if_match)

    def put_file(self, key: str, path: Path, *, if_absent: bool = False) -> str:
        """See :meth:`ObjectStore.put_file <moodcut_kit.store.base.ObjectStore.put_file>`."""
        check_key(key)

        with path.open("rb") as source:

            def copy(file: BinaryIO) -> None:
                shutil.copyfileobj(source, file, _COPY_BYTE_COUNT)

            return self._write(key, copy, if_absent=if_absent, if_match=None)

    def add_reference(self, key: str, path: Path) -> str:
        """Let ``key`` name the file ``path`` where it lies, and return the etag.

        The file's size and time of change are remembered; once they differ, reading the object raises
        MediaChangedError. A reference that is there already is replaced; an object with content stays as it is. The
        caller vouches that the file has the content ``key`` stands for. Raises ObjectNotFoundError if there is no
        such file.
        """
        check_key(key)
        reference = Reference.to_file(path)
        with self._locked(key), os_errors(f"{key} cannot be written"):
            present = status_of(self._objects / key)
            if present is not None:
                return _etag(present)
            with self._temporary_file() as (temporary, file):
                file.write(reference.to_json())
                flush(file)
                self._move(temporary, self._references / key)
        return reference.etag

    def get(self, key: str) -> StoredObject:
        """See :meth:`ObjectStore.get <moodcut_kit.store.base.ObjectStore.get>`."""
        with self._opened(key) as (file, etag):
            return StoredObject(data=file.read(), etag=etag)

    def get_range(self, key: str, offset: int, byte_count: int) -> bytes:
        """See :meth:`ObjectStore.get_range <moodcut_kit.store.base.ObjectStore.get_range>`."""
        if offset < 0 or byte_count < 0:
            raise ValueError("offset and byte_count must not be negative")
        with self._opened(key) as (file, _):
            file.seek(offset)
            return file.read(byte_count)

    def stat(self, key: str) -> ObjectInfo | None:
        """See :meth:`ObjectStore.stat <moodcut_kit.store.base.ObjectStore.stat>`."""
        check_key(key)
        with os_errors(f"{key} cannot be read"):
            status = status_of(self._objects / key)
            if status is not None:
                return _info(key, status)
            reference = self._reference(key)
        if reference is None:
            return None
        reference.check()
        return reference.info(key)

    def list(self, prefix: str, *, start_after: str = "") -> Iterator[ObjectInfo]:
        """See :meth:`ObjectStore.list <moodcut_kit.store.base.ObjectStore.list>`.

        References are listed as they were added, whether the film has changed or not.
        """
        check_prefix(prefix)
        content = ((key, True) for key in walk_sorted(self._objects, prefix, start_after))
        references = ((key, False) for key in walk_sorted(self._references, prefix, start_after))
        for key, found in groupby(merge(content, references), key=lambda pair: pair[0]):
            if any(is_content for _, is_content in found):
                status = status_of(self._objects / key)
                if status is not None:
                    yield _info(key, status)
            else:
                reference = self._reference(key)
                if reference is not None:
                    yield reference.info(key)

    def delete(self, key: str) -> None:
        """See :meth:`ObjectStore.delete <moodcut_kit.store.base.ObjectStore.delete>`. A referenced film stays."""
        check_key(key)
        with self._locked(key), os_errors(f"{key} cannot be deleted"):
            for root in (self._objects, self._references):
                path = root / key
                if path.is_dir():
                    continue
                with suppress(NotADirectoryError):
                    path.unlink(missing_ok=True)
                remove_empty(path.parent, root)

    @contextmanager
    def open_path(self, key: str) -> Iterator[Path]:
        """See :meth:`ObjectStore.open_path <moodcut_kit.store.base.ObjectStore.open_path>`.

        The file is the store's own, or the film where it lies: read it, never change it. A film that changes meanwhile
        raises MediaChangedError when the context ends.
        """
        check_key(key)
        path = self._objects / key
        if path.is_file():
            yield path
            return
        reference = self._reference(key)
        if reference is None:
            raise _not_found(key)
        reference.check()
        yield reference.path
        reference.check()

    def remove_unfinished(self, *, before: datetime, dry_run: bool = False) -> Sequence[ObjectInfo]:
        """See :meth:`ObjectStore.remove_unfinished <moodcut_kit.store.base.ObjectStore.remove_unfinished>`."""
        removed = []
        with os_errors("Unfinished files cannot be removed"):
            for path in sorted(self.temporary.iterdir()):
                status = status_of(path)
                if status is None or datetime.fromtimestamp(status.st_mtime, UTC) >= before:
                    continue
                if not dry_run:
                    path.unlink(missing_ok=True)
                removed.append(_info(f"tmp/{path.name}", status))
        return removed

    def self_test(self) -> None:
        """See :meth:`ObjectStore.self_test <moodcut_kit.store.base.ObjectStore.self_test>`."""
        prove_conditions(self, str(self.directory))

    def _write(self, key: str, fill: Callable[[BinaryIO], object], *, if_absent: bool, if_match: str | None) -> str:
        path = self._objects / key
        with os_errors(f"{key} cannot be written"), self._temporary_file() as (temporary, file):
            fill(file)
            flush(file)
            with self._locked(key):
                present = self._present(key)
                if if_absent and present is not None:
                    raise ObjectExistsError(f"There is an object {key} already.", key=key)
                if if_match is not None and (present is None or present[0] != if_match):
                    raise ObjectChangedError(f"{key} has been changed or removed by somebody else.", key=key)
                # A time stamp that only ever grows makes the etag differ even if inode and size come again.
                changed = max(time.time_ns(), present[1] + 1 if present is not None else 0)
                os.utime(temporary, ns=(changed, changed))
                self._move(temporary, path)
                (self._references / key).unlink(missing_ok=True)
            return _etag(os.fstat(file.fileno()))

    def _present(self, key: str) -> tuple[str, int] | None:
        """Etag and time of change (nanoseconds) of what is there under ``key``."""
        status = status_of(self._objects / key)
        if status is not None:
            return _etag(status), status.st_mtime_ns
        reference = self._reference(key)
        return None if reference is None else (reference.etag, reference.modified_ns)

    def _move(self, temporary: Path, path: Path) -> None:
        for attempt in range(_ATTEMPTS):
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                os.replace(temporary, path)
            except (FileExistsError, FileNotFoundError):
                # Somebody deleted the last object beside it, and the emptied directory with it; mkdir says "exists" if
                # that happens while it looks what is there. A name that is really in the way stays there.
                if attempt == _ATTEMPTS - 1:
                    raise
                continue
            break
        try:
            directory = os.open(path.parent, os.O_RDONLY)
        except FileNotFoundError:
            return  # Somebody has deleted the object already.
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    @contextmanager
    def _opened(self, key: str) -> Iterator[tuple[BinaryIO, str]]:
        check_key(key)
        with os_errors(f"{key} cannot be read"):
            try:
                with (self._objects / key).open("rb") as file:
                    yield file, _etag(os.fstat(file.fileno()))
                    return
            except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
                pass
            reference = self._reference(key)
            if reference is None:
                raise _not_found(key)
            reference.check()
            with reference.path.open("rb") as file:
                yield file, reference.etag

    def _reference(self, key: str) -> Reference | None:
        try:
            return Reference.from_json((self._references / key).read_bytes())
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None

    @contextmanager
    def _temporary_file(self) -> Iterator[tuple[Path, BinaryIO]]:
        path = self.temporary / f"{os.getpid()}-{secrets.token_hex(8)}"
        with path.open("xb") as file:
            try:
                yield path, file
            finally:
                path.unlink(missing_ok=True)

    @contextmanager
    def _locked(self, key: str) -> Iterator[None]:
        """Exclude all other writers of ``key``, in this process and others. Not re-entrant."""
        name = hashlib.sha256(key.encode()).hexdigest()[:2]
        handle = os.open(self._locks / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            # flock belongs to the open file, so threads exclude one another too.
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)


def _etag(status: os.stat_result) -> str:
    return f"{status.st_mtime_ns:x}-{status.st_ino:x}-{status.st_size:x}"


def _info(key: str, status: os.stat_result) -> ObjectInfo:
    modified = datetime.fromtimestamp(status.st_mtime, UTC)
    return ObjectInfo(key=key, byte_count=status.st_size, etag=_etag(status), modified=modified)


def _not_found(key: str) -> ObjectNotFoundError:
    return ObjectNotFoundError(f"There is no object {key}.", key=key)
