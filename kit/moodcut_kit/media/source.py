"""Where a media file's bytes come from: a file by path, or an object that is read by ranges."""

from __future__ import annotations

import io
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
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

    What ``fetch`` raises comes out of whatever reads the media. The last 16 blocks of 1 MiB are kept, for all who open
    it: a container's head and index are read again and again. Not for several threads at once.
    """

    name: str
    byte_count: int
    fetch: Fetch
    _blocks: OrderedDict[int, bytes] = field(default_factory=OrderedDict, init=False, repr=False)

    def __str__(self) -> str:
        return self.name

    def block(self, number: int, at_once: int) -> bytes:
        """A block of 1 MiB, fetched together with those that follow, ``at_once`` in all, if it is not here.

        Raises MediaCutShortError.
        """
        if number not in self._blocks:
            self._fetch(number, at_once)
        self._blocks.move_to_end(number)
        return self._blocks[number]

    def _fetch(self, number: int, count: int) -> None:
        start = number * BLOCK_BYTE_COUNT
        end = min(start + count * BLOCK_BYTE_COUNT, self.byte_count)
        data = self.fetch(start, end - start)
        if len(data) != end - start:
            raise MediaCutShortError(
                f"{self} ends at byte {start + len(data)}, though it had {self.byte_count} when it was opened. "
                "Upload it again.",
                file=self,
            )
        for at in range(0, len(data), BLOCK_BYTE_COUNT):
            self._blocks[number + at // BLOCK_BYTE_COUNT] = data[at : at + BLOCK_BYTE_COUNT]
        while len(self._blocks) > _KEPT_BLOCKS:
            self._blocks.popitem(last=False)


Source: TypeAlias = Path | RangeSource
"""A media file: what all of :mod:`moodcut_kit.media` opens."""


class RangeFile(io.RawIOBase):
    """A :class:`RangeSource` as a file to read.

    One block is fetched at a time where the reader jumps, up to four where it reads on: looking for a place costs
    little, and reading a film takes few requests.
    """

    def __init__(self, source: RangeSource) -> None:
        self._source = source
        self._at = 0
        self._block, self._at_once = -2, 1

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
            if number != self._block:
                following = number == self._block + 1
                self._at_once = min(self._at_once * 2, MAX_FETCH_BYTE_COUNT // BLOCK_BYTE_COUNT) if following else 1
                self._block = number
            piece = self._source.block(number, self._at_once)[offset : offset + wanted]
            pieces.append(piece)
            self._at += len(piece)
            wanted -= len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)
