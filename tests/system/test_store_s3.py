"""What only the S3 store does: files in parts, addresses, keys, a server that is not what it should be."""

from __future__ import annotations

import hashlib
import http.server
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from moodcut_kit.store import ObjectStore, open_store, s3upload
from moodcut_kit.store.base import ObjectExistsError, StoredObject, StoreUnavailableError, StoreUnfitError
from moodcut_kit.store.conditions import prove_conditions
from moodcut_kit.store.local import LocalStore
from moodcut_kit.store.s3 import S3Store

if TYPE_CHECKING:
    from tests.conftest import S3Server


@pytest.fixture
def store(s3_server: S3Server) -> S3Store:
    found = open_store(s3_server.url(s3_server.make_bucket(), "pre"))
    assert isinstance(found, S3Store)
    return found


@pytest.fixture
def large(tmp_path: Path) -> Path:
    path = tmp_path / "large"
    block = bytes(range(256)) * 4096
    path.write_bytes(b"".join(bytes([number]) + block for number in range(13)))
    return path


def test_a_large_file_goes_in_parts(store: S3Store, large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3upload, "PART_BYTE_COUNT", 5 << 20)
    etag = store.put_file("big", large, if_absent=True)
    assert etag.endswith("-3")
    info = store.stat("big")
    assert info is not None
    assert (info.byte_count, info.etag) == (large.stat().st_size, etag)
    with store.open_path("big") as path:
        assert hashlib.sha256(path.read_bytes()).digest() == hashlib.sha256(large.read_bytes()).digest()
    assert store.get_range("big", (5 << 20) - 3, 6) == large.read_bytes()[(5 << 20) - 3 : (5 << 20) + 3]
    with pytest.raises(ObjectExistsError):
        store.put_file("big", large, if_absent=True)
    assert store.remove_unfinished(before=datetime.now(UTC) + timedelta(minutes=1)) == []


def test_unfinished_uploads_are_found_and_dropped(store: S3Store) -> None:
    uploader = store._uploader
    uploader._put_part("pre/left", b"x", "left", uploader._start("pre/left", "left"), 1)
    uploader._start("elsewhere/left", "left")
    later = datetime.now(UTC) + timedelta(minutes=1)
    assert store.remove_unfinished(before=datetime.now(UTC) - timedelta(hours=1)) == []
    assert [info.key for info in store.remove_unfinished(before=later, dry_run=True)] == ["left"]
    assert [info.key for info in store.remove_unfinished(before=later)] == ["left"]
    assert store.remove_unfinished(before=later) == []
    assert len(list(uploader.unfinished(""))) == 1


def test_listing_goes_over_pages(store: S3Store, s3_server: S3Server) -> None:
    from concurrent.futures import ThreadPoolExecutor

    keys = [f"n/{number:04d}" for number in range(1100)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: store.put(key, b""), keys))
    assert [info.key for info in store.list("n/")] == keys
    assert [info.key for info in store.list("n/", start_after="n/1050")] == keys[1051:]


def test_fetched_files_are_shared_kept_and_evicted(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOODCUT_S3_CACHE_BYTES", "150")
    store = open_store(s3_server.url(s3_server.make_bucket()))
    for key in "abc":
        store.put(key, key.encode() * 100)
    with store.open_path("a") as first, store.open_path("a") as again:
        assert first == again
    with store.open_path("a") as later:
        assert later == first
    with store.open_path("b"), store.open_path("c") as other:
        assert first.exists()
    assert not first.exists()
    assert other.exists()
    store.put("c", b"new")
    with store.open_path("c") as path:
        assert path.read_bytes() == b"new"
    directory = path.parent
    del store
    assert not directory.exists()


def test_a_disk_without_room_is_said(store: S3Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.put("a", b"x" * 1000)
    monkeypatch.setattr("moodcut_kit.store.downloads.Downloads._free_byte_count", lambda _: 10)
    with pytest.raises(StoreUnavailableError, match="TMPDIR"), store.open_path("a"):
        pass


def test_missing_bucket(s3_server: S3Server) -> None:
    with pytest.raises(StoreUnfitError, match="no bucket"):
        open_store(s3_server.url("no-such-bucket"))


def test_wrong_key(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket = s3_server.make_bucket()
    store = open_store(s3_server.url(bucket))
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(StoreUnfitError, match="lets nobody in"):
        open_store(s3_server.url(bucket))
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(StoreUnfitError, match="AWS_ACCESS_KEY_ID"):
        open_store(s3_server.url(bucket))
    store.put("a", b"the store that was open goes on")


def test_nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    with pytest.raises(StoreUnavailableError, match="cannot be reached"):
        open_store("s3://bucket?endpoint=http://127.0.0.1:9")


class _Flaky(http.server.BaseHTTPRequestHandler):
    """Carries out the first write but breaks the connection before it answers; then it knows the object."""

    written: bytes | None = None
    busy = 2

    def do_PUT(self) -> None:
        data = self.rfile.read(int(self.headers["content-length"]))
        if type(self).busy:
            type(self).busy -= 1
            self._answer(503)
        elif type(self).written is None:
            type(self).written = data
            self.close_connection = True
        else:
            self._answer(412)

    def do_GET(self) -> None:
        self._answer(200, type(self).written or b"")

    def do_HEAD(self) -> None:
        self._answer(200)

    def _answer(self, status: int, body: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.send_header("etag", '"e"')
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def flaky(monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectStore]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    monkeypatch.setattr(_Flaky, "written", None)
    monkeypatch.setattr(_Flaky, "busy", 2)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Flaky) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield open_store(f"s3://bucket?endpoint=http://127.0.0.1:{server.server_port}")
        server.shutdown()
        thread.join()


def test_a_write_whose_answer_was_lost_is_recognised_as_ours(flaky: ObjectStore) -> None:
    assert flaky.put("a", b"mine", if_absent=True) == "e"
    assert _Flaky.written == b"mine"


def test_a_write_whose_answer_was_lost_but_somebody_else_won(flaky: ObjectStore) -> None:
    _Flaky.written = b"theirs"
    with pytest.raises(ObjectExistsError):
        flaky.put("a", b"mine", if_absent=True)


class _Forgetful:
    """A store that ignores conditions, as old servers do; or one that refuses them all."""

    def __init__(self, store: LocalStore, ignores: str) -> None:
        self._store = store
        self._ignores = ignores

    def put(self, key: str, data: bytes, *, if_absent: bool = False, if_match: str | None = None) -> str:
        if self._ignores == "if_absent":
            return self._store.put(key, data, if_match=if_match)
        if self._ignores == "if_match":
            return self._store.put(key, data, if_absent=if_absent)
        raise ObjectExistsError("refused")

    def get(self, key: str) -> StoredObject:
        return self._store.get(key)

    def delete(self, key: str) -> None:
        self._store.delete(key)


@pytest.mark.parametrize("ignores", ["if_absent", "if_match", "all"])
def test_a_store_that_ignores_conditions_is_refused(tmp_path: Path, ignores: str) -> None:
    local = LocalStore(tmp_path)
    with pytest.raises(StoreUnfitError, match="does not honour write conditions"):
        prove_conditions(_Forgetful(local, ignores), "old")  # type: ignore[arg-type]
    assert list(local.list("")) == []
