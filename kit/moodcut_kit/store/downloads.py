"""Objects fetched into local files, shared by all who read the same one at the same time."""

from __future__ import annotations

import shutil
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from moodcut_kit.store.base import ObjectInfo, StoreUnavailableError

_SPARE_BYTE_COUNT = 256 << 20


@dataclass(slots=True)
class _Entry:
    path: Path
    byte_count: int
    users: int = 0
    complete: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)


class Downloads:
    """A private temporary directory of fetched objects.

    ``idle_byte_count`` is how much may stay after use, for the next reader of the same object: the least recently used
    goes first. The directory goes with this object or with the process.
    """

    def __init__(self, *, idle_byte_count: int, directory: Path | None = None) -> None:
        self._directory = Path(tempfile.mkdtemp(prefix="moodcut-s3-", dir=directory))
        weakref.finalize(self, shutil.rmtree, self._directory, ignore_errors=True)
        self._idle_byte_count = idle_byte_count
        self._entries: dict[tuple[str, str], _Entry] = {}
        self._lock = threading.Lock()
        self._count = 0

    @contextmanager
    def file(self, info: ObjectInfo, fetch: Callable[[Path], None]) -> Iterator[Path]:
        """The object's content as a file; ``fetch`` writes it if it is not here yet.

        Raises StoreUnavailableError if the disk has no room for it.
        """
        entry = self._taken(info)
        try:
            with entry.lock:
                if not entry.complete:
                    self._make_room(info)
                    fetch(entry.path)
                    entry.complete = True
            yield entry.path
        finally:
            self._released((info.key, info.etag), entry)

    def _taken(self, info: ObjectInfo) -> _Entry:
        name = (info.key, info.etag)
        with self._lock:
            entry = self._entries.pop(name, None)
            if entry is None:
                self._count += 1
                entry = _Entry(self._directory / str(self._count), info.byte_count)
            # Put at the end again: the dictionary's order is the order of use.
            self._entries[name] = entry
            entry.users += 1
            return entry

    def _released(self, name: tuple[str, str], entry: _Entry) -> None:
        with self._lock:
            entry.users -= 1
            if not entry.users and not entry.complete:
                del self._entries[name]
                entry.path.unlink(missing_ok=True)
            self._evict(self._idle_byte_count)

    def _make_room(self, info: ObjectInfo) -> None:
        if self._free_byte_count() >= info.byte_count + _SPARE_BYTE_COUNT:
            return
        with self._lock:
            self._evict(0)
        free = self._free_byte_count()
        if free < info.byte_count + _SPARE_BYTE_COUNT:
            raise StoreUnavailableError(
                f"{info.key} has {info.byte_count} bytes, but {self._directory} has room for {free} only. "
                "Make room there, or set TMPDIR to a larger disk.",
                key=info.key,
            )

    def _free_byte_count(self) -> int:
        return shutil.disk_usage(self._directory).free

    def _evict(self, byte_count: int) -> None:
        """Remove what nobody uses, oldest first, until at most ``byte_count`` is idle. The lock is held."""
        idle = [(name, entry) for name, entry in self._entries.items() if not entry.users]
        total = sum(entry.byte_count for _, entry in idle)
        for name, entry in idle:
            if total <= byte_count:
                return
            total -= entry.byte_count
            del self._entries[name]
            entry.path.unlink(missing_ok=True)
