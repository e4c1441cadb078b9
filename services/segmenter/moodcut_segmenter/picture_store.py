"""JPEG pictures of a film by frame, on disk: a long film has more of them than belongs in memory."""

from __future__ import annotations

import os
import tempfile
import weakref
from collections.abc import Iterable, Iterator, Mapping


class PictureStore(Mapping[int, bytes]):
    """JPEG files by frame number, in an unnamed temporary file that goes with the last mapping that uses it.

    Reading is for several threads at once, adding for one.
    """

    def __init__(self) -> None:
        self._file = _TemporaryFile()
        self._places: dict[int, tuple[int, int]] = {}

    def add(self, pictures: Iterable[tuple[int, bytes]]) -> None:
        """Take pictures in, by frame."""
        for frame, data in pictures:
            self._places[frame] = (self._file.append(data), len(data))

    def only(self, frames: Iterable[int]) -> PictureStore:
        """Those of some frames; the same file."""
        chosen = PictureStore.__new__(PictureStore)
        chosen._file = self._file
        chosen._places = {frame: self._places[frame] for frame in frames if frame in self._places}
        return chosen

    def byte_count_of(self, frame: int) -> int:
        """How long a picture is, without reading it."""
        return self._places[frame][1]

    def __getitem__(self, frame: int) -> bytes:
        offset, count = self._places[frame]
        return os.pread(self._file.handle, count, offset)

    def __iter__(self) -> Iterator[int]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


class _TemporaryFile:
    """A file without a name."""

    def __init__(self) -> None:
        self.handle, name = tempfile.mkstemp(prefix="moodcut-pictures-")
        os.unlink(name)
        weakref.finalize(self, os.close, self.handle)
        self._end = 0

    def append(self, data: bytes) -> int:
        """Write at the end; returns where."""
        at, rest = self._end, memoryview(data)
        while rest:
            written = os.pwrite(self.handle, rest, self._end)
            self._end += written
            rest = rest[written:]
        return at
