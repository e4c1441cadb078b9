"""Writes to S3 under a condition: signed requests that carry If-None-Match or If-Match.

The client library signs requests but has no argument for conditions, so it signs here and the request is ours. Small
objects are one PUT; large files go in parts, and the condition stands on the last request, which makes them one
object.
"""

from __future__ import annotations

import base64
import hashlib
import random
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from minio import Minio
from urllib3 import BaseHTTPResponse, PoolManager
from urllib3.exceptions import HTTPError, NewConnectionError

from moodcut_kit.store.base import StoreUnavailableError
from moodcut_kit.store.s3errors import condition_error, error_in, store_error, translated

PART_BYTE_COUNT = 64 << 20
_ATTEMPTS = 5
_FIRST_PAUSE_SECONDS = 0.1
_SIGNED_FOR = timedelta(hours=1)
_Method = Literal["PUT", "POST", "DELETE"]


@dataclass(frozen=True, slots=True)
class UnfinishedUpload:
    """An upload in parts that was neither completed nor dropped. ``name`` is the object's full name in the bucket."""

    name: str
    upload_id: str
    started: datetime


@dataclass(frozen=True, slots=True)
class _Answer:
    """``doubtful``: an earlier attempt may have been carried out although no answer arrived."""

    response: BaseHTTPResponse
    doubtful: bool


class S3Uploader:
    """Writes objects to one bucket; ``store`` is its name for messages. Safe for several threads."""

    def __init__(self, client: Minio, http: PoolManager, bucket: str, store: str) -> None:
        self._client = client
        self._http = http
        self._bucket = bucket
        self._store = store

    def put(self, name: str, data: bytes, *, key: str, if_absent: bool, if_match: str | None) -> str:
        """Write an object in one request. ``name`` is its full name in the bucket, ``key`` its name in messages."""
        digest = base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()
        headers = {"Content-MD5": digest, "Content-Type": "application/octet-stream"}
        if if_absent:
            headers["If-None-Match"] = "*"
        elif if_match is not None:
            headers["If-Match"] = f'"{if_match}"'
        answer = self._send("PUT", name, key=key, body=data, headers=headers)
        if answer.response.status == 412 or (answer.response.status == 404 and if_match is not None):
            etag = self._written_by_us(name, data) if answer.doubtful else None
            if etag is None:
                raise condition_error(key, if_absent=if_absent)
            return etag
        self._raise_for(answer.response, key)
        return _etag(answer.response.headers["etag"])

    def put_file(self, name: str, path: Path, *, key: str, if_absent: bool) -> str:
        """Write a file as an object, in parts if it is large; at most one part is in memory."""
        with path.open("rb") as file:
            first = file.read(PART_BYTE_COUNT)
            second = file.read(PART_BYTE_COUNT)
            if not second:
                return self.put(name, first, key=key, if_absent=if_absent, if_match=None)
            upload_id = self._start(name, key)
            try:
                etags: list[str] = []
                part = first
                while part:
                    etags.append(self._put_part(name, part, key, upload_id, len(etags) + 1))
                    part, second = second, file.read(PART_BYTE_COUNT) if second else b""
                return self._complete(name, key, upload_id, etags, if_absent=if_absent)
            except BaseException:
                self.abort(name, upload_id)
                raise

    def abort(self, name: str, upload_id: str) -> None:
        """Drop the parts of an unfinished upload; failing to do so is left to ``store gc``."""
        url = self._signed("DELETE", name, {"uploadId": upload_id})
        try:
            self._http.request("DELETE", url, retries=False)
        except HTTPError:
            return

    def unfinished(self, prefix: str) -> Iterator[UnfinishedUpload]:
        """Unfinished uploads of objects whose full name begins with ``prefix``."""
        key_marker, upload_id_marker = "", ""
        while True:
            with translated(self._store, "the list of uploads"):
                # The client can list uploads but has no public name for it.
                page = self._client._list_multipart_uploads(
                    self._bucket, prefix=prefix, key_marker=key_marker, upload_id_marker=upload_id_marker
                )
            for each in page.uploads:
                if each.object_name and each.upload_id and each.initiated_time:
                    yield UnfinishedUpload(each.object_name, each.upload_id, each.initiated_time)
            key_marker, upload_id_marker = page.next_key_marker or "", page.next_upload_id_marker or ""
            if not page.is_truncated or not key_marker:
                return

    def _start(self, name: str, key: str) -> str:
        answer = self._send("POST", name, key=key, query={"uploads": ""})
        self._raise_for(answer.response, key)
        return _text(answer.response.data, "UploadId")

    def _put_part(self, name: str, part: bytes, key: str, upload_id: str, number: int) -> str:
        digest = base64.b64encode(hashlib.md5(part, usedforsecurity=False).digest()).decode()
        query = {"uploadId": upload_id, "partNumber": str(number)}
        answer = self._send("PUT", name, key=key, body=part, headers={"Content-MD5": digest}, query=query)
        self._raise_for(answer.response, key)
        return _etag(answer.response.headers["etag"])

    def _complete(self, name: str, key: str, upload_id: str, etags: list[str], *, if_absent: bool) -> str:
        parts = "".join(
            f"<Part><PartNumber>{number}</PartNumber><ETag>{escape(etag)}</ETag></Part>"
            for number, etag in enumerate(etags, 1)
        )
        body = f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode()
        headers = {"If-None-Match": "*"} if if_absent else {}
        answer = self._send("POST", name, key=key, body=body, headers=headers, query={"uploadId": upload_id})
        if answer.response.status == 412:
            raise condition_error(key, if_absent=if_absent)
        self._raise_for(answer.response, key)
        return _etag(_text(answer.response.data, "ETag"))

    def _send(
        self,
        method: _Method,
        name: str,
        *,
        key: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> _Answer:
        """Send a request, again if the server is busy, another write is under way or the connection broke."""
        doubtful = False
        for attempt in range(_ATTEMPTS):
            last = attempt == _ATTEMPTS - 1
            url = self._signed(method, name, query)
            try:
                response = self._http.request(method, url, body=body, headers=headers, retries=False)
            except HTTPError as error:
                doubtful = doubtful or not isinstance(error, NewConnectionError)
                if last:
                    message = f"The store {self._store} cannot be reached: {error}."
                    raise StoreUnavailableError(message, store=self._store, key=key) from error
            else:
                busy = response.status >= 500 or response.status in (409, 429)
                if not busy or last:
                    return _Answer(response, doubtful)
                doubtful = doubtful or response.status >= 500
            time.sleep(_FIRST_PAUSE_SECONDS * 2**attempt * (0.5 + random.random()))
        raise AssertionError("the last attempt returns or raises")

    def _signed(self, method: _Method, name: str, query: Mapping[str, str] | None) -> str:
        with translated(self._store, name):
            return self._client.get_presigned_url(
                method, self._bucket, name, expires=_SIGNED_FOR, extra_query_params=dict(query) if query else None
            )

    def _written_by_us(self, name: str, data: bytes) -> str | None:
        """The object's etag, if its content is ``data``: then the attempt without an answer was carried out."""
        with translated(self._store, name):
            response = self._client.get_object(self._bucket, name)
            try:
                return _etag(response.headers["etag"]) if response.data == data else None
            finally:
                response.close()
                response.release_conn()

    def _raise_for(self, response: BaseHTTPResponse, key: str) -> None:
        # Completing an upload may answer 200 and say in the body that it failed.
        code, message = error_in(response.data)
        if response.status >= 300 or code:
            raise store_error(self._store, key, code or f"HTTP {response.status}", message)


def _etag(header: str) -> str:
    return header.strip().strip('"')


def _text(body: bytes, name: str) -> str:
    for element in ElementTree.fromstring(body).iter():
        if element.tag.rpartition("}")[2] == name:
            return element.text or ""
    raise StoreUnavailableError(f"The store's answer has no {name}.")
