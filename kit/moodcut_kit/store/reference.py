"""A film that stays where it lies: what the local store writes down instead of its content."""

from __future__ import annotations

import json
import stat
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from moodcut_kit.store.base import MediaChangedError, ObjectInfo, ObjectNotFoundError


@dataclass(frozen=True, slots=True)
class Reference:
    """Where the file lies, and how large and how old it was when it was hashed."""

    file: str
    byte_count: int
    modified_ns: int

    @classmethod
    def to_file(cls, path: Path) -> Reference:
        """A reference to ``path`` as it is now. Raises ObjectNotFoundError if there is no such file."""
        path = path.expanduser().resolve()
        try:
            status = path.stat()
        except (FileNotFoundError, NotADirectoryError) as error:
            raise ObjectNotFoundError(f"There is no file {path}.", file=path) from error
        if not stat.S_ISREG(status.st_mode):
            raise ObjectNotFoundError(f"{path} is not a file.", file=path)
        return cls(str(path), status.st_size, status.st_mtime_ns)

    @classmethod
    def from_json(cls, data: bytes) -> Reference:
        """Inverse of :meth:`to_json`."""
        return cls(**json.loads(data))

    def to_json(self) -> bytes:
        """As stored."""
        return json.dumps(asdict(self)).encode()

    @property
    def path(self) -> Path:
        """Where the file lies."""
        return Path(self.file)

    @property
    def etag(self) -> str:
        """Changes whenever the file's size or time of change does."""
        return f"r{self.modified_ns:x}-{self.byte_count:x}"

    def info(self, key: str) -> ObjectInfo:
        """What the store says of it."""
        modified = datetime.fromtimestamp(self.modified_ns / 1e9, UTC)
        return ObjectInfo(key=key, byte_count=self.byte_count, etag=self.etag, modified=modified, is_reference=True)

    def check(self) -> None:
        """Raise MediaChangedError unless the file is still the one that was referenced."""
        try:
            now = Reference.to_file(self.path)
        except ObjectNotFoundError:
            message = f"{self.file} is no longer there. Put it back, or start again with the file where it is now."
            raise MediaChangedError(message, file=self.file) from None
        if (now.byte_count, now.modified_ns) != (self.byte_count, self.modified_ns):
            message = f"{self.file} has changed since it was first read. Start again with it as it is now."
            raise MediaChangedError(message, file=self.file)
