"""Media in an object store, ready to be opened."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from moodcut_kit.media.source import RangeSource, Source
from moodcut_kit.store.base import ObjectNotFoundError, ObjectStore


@contextmanager
def stored_media(store: ObjectStore, key: str) -> Iterator[Source]:
    """The object as a source while the context lasts: by path where the store keeps files, else by ranges.

    Raises ObjectNotFoundError, and MediaChangedError for a referenced film that is no longer what it was.
    """
    if store.keeps_files:
        with store.open_path(key) as path:
            yield path
        return
    info = store.stat(key)
    if info is None:
        raise ObjectNotFoundError(f"There is no object {key}.", key=key)
    yield RangeSource(key, info.byte_count, lambda offset, count: store.get_range(key, offset, count))
