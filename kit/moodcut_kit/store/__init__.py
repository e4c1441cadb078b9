"""The object store: one interface, a local directory or S3 behind it."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from moodcut_kit.store.base import ObjectStore, StoreUnfitError

__all__ = ["ObjectStore", "open_store"]


def open_store(url: str) -> ObjectStore:
    """Open the store that ``url`` names.

    A directory's path or ``file:///DIRECTORY`` is a :class:`~moodcut_kit.store.local.LocalStore`, created if need be.
    ``s3://BUCKET/PREFIX?endpoint=http://HOST:PORT&region=REGION`` is a :class:`~moodcut_kit.store.s3.S3Store` (all but
    the bucket may be left out; :mod:`moodcut_kit.store.s3address` says which environment variables count). What a
    home needs is imported only when it is asked for. Raises StoreUnfitError (wrong address, no such bucket, no
    access) or StoreUnavailableError.
    """
    scheme, separator, _ = url.partition("://")
    if separator and scheme == "s3":
        try:
            from moodcut_kit.store.s3 import S3Store
            from moodcut_kit.store.s3address import S3Address
        except ImportError as error:
            message = f"A store in S3 needs the package {error.name}: pip install 'moodcut[s3]'."
            raise StoreUnfitError(message, url=url) from error
        return S3Store.connect(S3Address.from_url(url))
    if separator and scheme == "file":
        parts = urlsplit(url)
        if parts.netloc not in ("", "localhost") or not parts.path:
            raise StoreUnfitError(f"{url} names no directory of this machine: write file:///DIRECTORY.", url=url)
        url = unquote(parts.path)
    elif separator:
        message = f"{url} is no store: give a directory, file:///DIRECTORY or s3://BUCKET/PREFIX."
        raise StoreUnfitError(message, url=url)
    if not url:
        raise StoreUnfitError("The store's address is empty: give a directory or s3://BUCKET/PREFIX.", url=url)
    from moodcut_kit.store.local import LocalStore

    return LocalStore(Path(url))
