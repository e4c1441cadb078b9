"""Objects in S3, or any store that speaks its protocol and honours conditional writes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from minio import Minio
from minio.error import S3Error
from urllib3 import BaseHTTPResponse, PoolManager, Retry, Timeout

from moodcut_kit.store.base import (
    ObjectChangedError,
    ObjectInfo,
    ObjectNotFoundError,
    StoredObject,
    StoreUnfitError,
    check_key,
    check_prefix,
)
from moodcut_kit.store.conditions import prove_conditions
from moodcut_kit.store.downloads import Downloads
from moodcut_kit.store.s3address import S3Address, credentials_from
from moodcut_kit.store.s3errors import RangeBeyondEndError, translated
from moodcut_kit.store.s3upload import S3Uploader

_IDLE_VARIABLE = "MOODCUT_S3_CACHE_BYTES"
_DEFAULT_IDLE_BYTE_COUNT = 8 << 30
_CHUNK_BYTE_COUNT = 1 << 20
_CONNECTIONS = 32


class S3Store:
    """An :class:`~moodcut_kit.store.base.ObjectStore` in one bucket, under a prefix.

    Files asked for by path are fetched into a private temporary directory; up to ``$MOODCUT_S3_CACHE_BYTES`` (8 GiB)
    of them stay there for the next reader until the process ends.
    """

    keeps_files = False

    def __init__(self, client: Minio, http: PoolManager, address: S3Address, *, idle_byte_count: int) -> None:
        self.address = address
        self._client = client
        self._name = str(address)
        self._uploader = S3Uploader(client, http, address.bucket, self._name)
        self._downloads = Downloads(idle_byte_count=idle_byte_count)

    @classmethod
    def connect(cls, address: S3Address) -> S3Store:
        """A store at ``address`` with the environment's keys.

        Raises StoreUnfitError (no keys, no access, no bucket) or StoreUnavailableError.
        """
        retries = Retry(total=4, backoff_factor=0.2, status_forcelist=[500, 502, 503, 504])
        timeout = Timeout(connect=5.0, read=60.0)
        http = PoolManager(num_pools=4, maxsize=_CONNECTIONS, retries=retries, timeout=timeout)
        try:
            client = Minio(
                address.endpoint,
                secure=address.secure,
                region=address.region,
                credentials=credentials_from(),
                http_client=http,
            )
        except ValueError as error:
            raise StoreUnfitError(f"{address} cannot be used: {error}.") from error
        with translated(str(address)):
            found = client.bucket_exists(address.bucket)
        if not found:
            raise StoreUnfitError(f"There is no bucket for {address}. Create it, or correct the address.")
        idle = os.environ.get(_IDLE_VARIABLE, str(_DEFAULT_IDLE_BYTE_COUNT))
        if not idle.isdecimal():
            raise StoreUnfitError(f"{_IDLE_VARIABLE} is {idle!r}; it must be a number of bytes.")
        return cls(client, http, address, idle_byte_count=int(idle))

    def put(self, key: str, data: bytes, *, if_absent: bool = False, if_match: str | None = None) -> str:
        """See :meth:`ObjectStore.put <moodcut_kit.store.base.ObjectStore.put>`."""
        if if_absent and if_match is not None:
            raise ValueError("if_absent and if_match exclude one another")
        return self._uploader.put(self._full(key), data, key=key, if_absent=if_absent, if_match=if_match)

    def put_file(self, key: str, path: Path, *, if_absent: bool = False) -> str:
        """See :meth:`ObjectStore.put_file <moodcut_kit.store.base.ObjectStore.put_file>`."""
        return self._uploader.put_file(self._full(key), path, key=key, if_absent=if_absent)

    def get(self, key: str) -> StoredObject:
        """See :meth:`ObjectStore.get <moodcut_kit.store.base.ObjectStore.get>`."""
        with self._reading(key) as response:
            return StoredObject(data=response.data, etag=_etag(response))

    def get_range(self, key: str, offset: int, byte_count: int) -> bytes:
        """See :meth:`ObjectStore.get_range <moodcut_kit.store.base.ObjectStore.get_range>`."""
        if offset < 0 or byte_count < 0:
            raise ValueError("offset and byte_count must not be negative")
        # S3 has no ranges of no bytes: ask for one and throw it away, to learn whether the object is there.
        try:
            with self._reading(key, offset, max(1, byte_count)) as response:
                return response.data[:byte_count]
        except RangeBeyondEndError:
            return b""

    def stat(self, key: str) -> ObjectInfo | None:
        """See :meth:`ObjectStore.stat <moodcut_kit.store.base.ObjectStore.stat>`."""
        name = self._full(key)
        with translated(self._name, key):
            try:
                found = self._client.stat_object(self.address.bucket, name)
            except S3Error as error:
                if error.code == "NoSuchKey":
                    return None
                raise
        return _info(key, found.size, found.etag, found.last_modified)

    def list(self, prefix: str, *, start_after: str = "") -> Iterator[ObjectInfo]:
        """See :meth:`ObjectStore.list <moodcut_kit.store.base.ObjectStore.list>`.

        Everything under ``prefix`` is read before the first is given out: servers disagree about the order of names
        with a hyphen beside names with a slash.
        """
        check_prefix(prefix)
        full = self.address.prefix + prefix
        with translated(self._name, prefix):
            found = [
                _info(each.object_name.removeprefix(self.address.prefix), each.size, each.etag, each.last_modified)
                for each in self._client.list_objects(self.address.bucket, prefix=full, recursive=True)
                if each.object_name is not None and not each.is_dir
            ]
        yield from sorted((info for info in found if info.key > start_after), key=lambda info: info.key)

    def delete(self, key: str) -> None:
        """See :meth:`ObjectStore.delete <moodcut_kit.store.base.ObjectStore.delete>`."""
        name = self._full(key)
        with translated(self._name, key):
            self._client.remove_object(self.address.bucket, name)

    @contextmanager
    def open_path(self, key: str) -> Iterator[Path]:
        """See :meth:`ObjectStore.open_path <moodcut_kit.store.base.ObjectStore.open_path>`."""
        info = self.stat(key)
        if info is None:
            raise ObjectNotFoundError(f"There is no object {key}.", key=key)
        with self._downloads.file(info, lambda path: self._fetch(info, path)) as path:
            yield path

    def remove_unfinished(self, *, before: datetime, dry_run: bool = False) -> Sequence[ObjectInfo]:
        """See :meth:`ObjectStore.remove_unfinished <moodcut_kit.store.base.ObjectStore.remove_unfinished>`.

        These are uploads in parts, which S3 keeps, unseen, until they are dropped.
        """
        removed = []
        for upload in self._uploader.unfinished(self.address.prefix):
            if upload.started >= before:
                continue
            if not dry_run:
                self._uploader.abort(upload.name, upload.upload_id)
            key = upload.name.removeprefix(self.address.prefix)
            removed.append(ObjectInfo(key=key, byte_count=0, etag=upload.upload_id, modified=upload.started))
        return removed

    def self_test(self) -> None:
        """See :meth:`ObjectStore.self_test <moodcut_kit.store.base.ObjectStore.self_test>`."""
        prove_conditions(self, self._name)

    def _fetch(self, info: ObjectInfo, path: Path) -> None:
        with self._reading(info.key) as response, path.open("wb") as file:
            if _etag(response) != info.etag:
                raise ObjectChangedError(f"{info.key} was changed while it was opened.", key=info.key)
            for chunk in response.stream(_CHUNK_BYTE_COUNT):
                file.write(chunk)

    @contextmanager
    def _reading(self, key: str, offset: int = 0, byte_count: int = 0) -> Iterator[BaseHTTPResponse]:
        """A response whose body is the object, or ``byte_count`` bytes of it if that is not 0."""
        name = self._full(key)
        with translated(self._name, key):
            response = self._client.get_object(self.address.bucket, name, offset=offset, length=byte_count)
            try:
                yield response
            finally:
                response.close()
                response.release_conn()

    def _full(self, key: str) -> str:
        return self.address.prefix + check_key(key)


def _etag(response: BaseHTTPResponse) -> str:
    return response.headers["etag"].strip('"')


def _info(key: str, byte_count: int | None, etag: str | None, modified: datetime | None) -> ObjectInfo:
    return ObjectInfo(
        key=key,
        byte_count=byte_count or 0,
        etag=(etag or "").strip('"'),
        modified=modified or datetime.fromtimestamp(0, UTC),
    )
