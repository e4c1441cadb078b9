"""A file read by ranges, with a count of what is read."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from moodcut_kit.media.source import RangeSource


@dataclass
class Counted:
    """A file read by ranges, and how many of its bytes were."""

    path: Path
    fetched: list[tuple[int, int]] = field(default_factory=list)

    @property
    def source(self) -> RangeSource:
        """As :mod:`moodcut_kit.media` opens it."""
        return RangeSource(str(self.path), self.path.stat().st_size, self._fetch)

    @property
    def fetched_byte_count(self) -> int:
        """All that was read, also what was read twice."""
        return sum(count for _, count in self.fetched)

    def _fetch(self, offset: int, count: int) -> bytes:
        self.fetched.append((offset, count))
        with self.path.open("rb") as file:
            file.seek(offset)
            return file.read(count)
