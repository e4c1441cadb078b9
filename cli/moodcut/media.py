"""Bring a user's files into a store: by reference where the store is local, as a copy where it is not."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import platformdirs

from moodcut.files import readable_name
from moodcut_kit.contract import LOCAL_PRINCIPAL, media_key
from moodcut_kit.hashing import file_sha256
from moodcut_kit.store import open_store
from moodcut_kit.store.base import ObjectExistsError, ObjectStore
from moodcut_kit.store.local import LocalStore
from moodcut_kit.v1 import montage_pb2


def default_store() -> str:
    """Where objects are kept unless the user says otherwise."""
    return str(platformdirs.user_cache_path("moodcut") / "store")


def open_user_store(url: str | None) -> ObjectStore:
    """The store the user named, or the default one."""
    return open_store(default_store() if url is None else url)


def register(store: ObjectStore, path: Path) -> montage_pb2.MediaRef:
    """Make a film or a piece of music known to ``store``."""
    sha256 = file_sha256(path, cache=platformdirs.user_cache_path("moodcut") / "hashes.sqlite")
    key = media_key(LOCAL_PRINCIPAL, sha256)
    if isinstance(store, LocalStore):
        store.add_reference(key, path)
    elif store.stat(key) is None:
        with suppress(ObjectExistsError):
            store.put_file(key, path, if_absent=True)
    return montage_pb2.MediaRef(sha256=sha256, name=readable_name(path))
