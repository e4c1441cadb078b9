"""Where a media file's bytes come from: a file by path, or an object that is read by ranges."""

from __future__ import annotations

import io
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from moodcut_kit.media.errors import MediaCutShortError

BLOCK_BYTE_COUNT = 1 << 20
MAX_FETCH_BYTE_COUNT = 4 * BLOCK_BYTE_COUNT
_KEPT_BLOCKS = 16

Fetch: TypeAlias = Callable[[int, int], bytes]
"""Reads so many bytes (second) from an offset (first); fewer where the object ends before."""


@dataclass(frozen=True, slots=True, eq=False)
class RangeSource:
    """An object of ``byte_count`` bytes that is read by ranges. ``name`` is what errors call it.

    ``fetch`` may be called from any one thread at a time; what it raises comes out of whatever reads the media.
    """

    name: str
    byte_count: int
    fetch: Fetch

    def __str__(self) -> str:
        return self.name


Source: TypeAlias = Path | RangeSource
"""A media file: what all of :mod:`moodcut_kit.media` opens."""


class RangeFile(io.RawIOBase):
    """A :class:`RangeSource` as a file to read.

    Keeps the last 16 blocks of 1 MiB. One block is fetched at a time where the reader jumps, up to four where it reads
    on: looking for a place costs little, and reading a film takes few requests.
    """

    def __init__(self, source: RangeSource) -> None:
        self._source = source
        self._blocks: OrderedDict[int, bytes] = OrderedDict()
        self._at = 0
        self._following, self._at_once = -1, 1

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always."""
        return True

    def tell(self) -> int:
        """The position of the next byte."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to ``offset`` from the start, the position or the end, and return the position."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._source.byte_count}[whence]
        if start + offset < 0:
            raise ValueError("a position must not be negative")
        self._at = start + offset
        return self._at

    def read(self, size: int = -1) -> bytes:
        """Exactly ``size`` bytes, or what there is to the end. Raises MediaCutShortError and what fetching raises."""
        left = max(0, self._source.byte_count - self._at)
        wanted = left if size < 0 else min(size, left)
        pieces: list[bytes] = []
        while wanted:
            number, offset = divmod(self._at, BLOCK_BYTE_COUNT)
            piece = self._block(number)[offset : offset + wanted]
            pieces.append(piece)
            self._at += len(piece)
            wanted -= len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _block(self, number: int) -> bytes:
        if number not in self._blocks:
            self._at_once = (
                min(self._at_once * 2, MAX_FETCH_BYTE_COUNT // BLOCK_BYTE_COUNT) if number == self._following else 1
            )
            self._fetch(number, self._at_once)
        self._blocks.move_to_end(number)
        return self._blocks[number]

    def _fetch(self, number: int, count: int) -> None:
        start = number * BLOCK_BYTE_COUNT
        end = min(start + count * BLOCK_BYTE_COUNT, self._source.byte_count)
        data = self._source.fetch(start, end - start)
        if len(data) != end - start:
            raise MediaCutShortError(
                f"{self._source} ends at byte {start + len(data)}, though it had {self._source.byte_count} when it was "
                "opened. Upload it again.",
                file=self._source,
            )
        for at in range(0, len(data), BLOCK_BYTE_COUNT):
            self._blocks[number + at // BLOCK_BYTE_COUNT] = data[at : at + BLOCK_BYTE_COUNT]
        self._following = number + count
        while len(self._blocks) > _KEPT_BLOCKS:
            self._blocks.popitem(last=False)
