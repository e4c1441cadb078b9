"""One contract, two homes: everything here runs against a local directory and against a real S3 server."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from moodcut_kit.store import ObjectStore, open_store
from moodcut_kit.store.base import (
    ObjectChangedError,
    ObjectExistsError,
    ObjectKeyError,
    ObjectNotFoundError,
)

_RACERS = 16


@pytest.fixture(params=["local", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    if request.param == "local":
        return open_store(str(tmp_path / "store"))
    server = request.getfixturevalue("s3_server")
    return open_store(server.url(server.make_bucket(), "some/prefix"))


def _race(act: Callable[[int], Any]) -> list[Any]:
    """Results or errors of ``act(0)`` to ``act(15)``, all let go at the same moment."""
    barrier = threading.Barrier(_RACERS)

    def run(number: int) -> Any:
        barrier.wait()
        try:
            return act(number)
        except (ObjectExistsError, ObjectChangedError) as error:
            return error

    with ThreadPoolExecutor(_RACERS) as pool:
        return list(pool.map(run, range(_RACERS)))


def test_what_is_put_is_got(store: ObjectStore) -> None:
    etag = store.put("p/a/x", b"one")
    found = store.get("p/a/x")
    assert (found.data, found.etag) == (b"one", etag)
    info = store.stat("p/a/x")
    assert info is not None
    assert (info.key, info.byte_count, info.etag) == ("p/a/x", 3, etag)
    assert info.modified.tzinfo is not None


def test_empty_object(store: ObjectStore) -> None:
    store.put("empty", b"")
    assert store.get("empty").data == b""
    assert store.get_range("empty", 0, 10) == b""
    with store.open_path("empty") as path:
        assert path.read_bytes() == b""


def test_put_replaces_and_changes_the_etag(store: ObjectStore) -> None:
    first = store.put("a", b"one")
    second = store.put("a", b"two")
    assert first != second
    assert store.get("a").data == b"two"


def test_missing_object(store: ObjectStore) -> None:
    assert store.stat("no/such") is None
    for read in (store.get, lambda key: store.get_range(key, 0, 1), lambda key: store.open_path(key).__enter__()):
        with pytest.raises(ObjectNotFoundError, match="no/such"):
            read("no/such")


def test_delete(store: ObjectStore) -> None:
    store.put("a/b/c", b"1")
    store.delete("a/b/c")
    store.delete("a/b/c")
    store.delete("never/was")
    assert store.stat("a/b/c") is None
    store.put("a/b", b"the name is free again")
    assert [info.key for info in store.list("")] == ["a/b"]


def test_if_absent(store: ObjectStore) -> None:
    store.put("a", b"one", if_absent=True)
    with pytest.raises(ObjectExistsError, match="a already"):
        store.put("a", b"two", if_absent=True)
    assert store.get("a").data == b"one"


def test_if_match(store: ObjectStore) -> None:
    first = store.put("a", b"one")
    second = store.put("a", b"two", if_match=first)
    with pytest.raises(ObjectChangedError):
        store.put("a", b"three", if_match=first)
    assert store.get("a").etag == second
    store.delete("a")
    with pytest.raises(ObjectChangedError):
        store.put("a", b"four", if_match=second)
    assert store.stat("a") is None


def test_both_conditions_are_refused(store: ObjectStore) -> None:
    with pytest.raises(ValueError, match="exclude"):
        store.put("a", b"", if_absent=True, if_match="x")


def test_one_of_many_wins_if_absent(store: ObjectStore) -> None:
    results = _race(lambda number: store.put("race", b"%d" % number, if_absent=True))
    winners = [number for number, result in enumerate(results) if isinstance(result, str)]
    assert len(winners) == 1
    assert store.get("race").data == b"%d" % winners[0]
    assert store.get("race").etag == results[winners[0]]


def test_one_of_many_wins_if_match(store: ObjectStore) -> None:
    etag = store.put("race", b"start")
    results = _race(lambda number: store.put("race", b"%d" % number, if_match=etag))
    winners = [number for number, result in enumerate(results) if isinstance(result, str)]
    assert len(winners) == 1
    assert store.get("race").data == b"%d" % winners[0]


def test_compare_and_swap_loses_no_update(store: ObjectStore) -> None:
    store.put("count", b"0")

    def add_three(_: int) -> None:
        done = 0
        while done < 3:
            now = store.get("count")
            try:
                store.put("count", b"%d" % (int(now.data) + 1), if_match=now.etag)
            except ObjectChangedError:
                continue
            done += 1

    _race(add_three)
    assert store.get("count").data == b"%d" % (3 * _RACERS)


def test_readers_see_whole_objects(store: ObjectStore) -> None:
    versions = {bytes([value]) * 300_000 for value in range(8)}
    store.put("big", min(versions))
    ended = threading.Event()

    def read() -> set[bytes]:
        seen = set()
        while not ended.is_set():
            seen.add(store.get("big").data)
        return seen

    with ThreadPoolExecutor(2) as pool:
        readers = [pool.submit(read) for _ in range(2)]
        for version in sorted(versions) * 3:
            store.put("big", version)
        ended.set()
        assert set.union(*(reader.result() for reader in readers)) <= versions


def test_ranges(store: ObjectStore) -> None:
    data = bytes(range(256)) * 40
    store.put("r", data)
    for offset, count in ((0, 1), (0, len(data)), (100, 300), (len(data) - 5, 5), (len(data) - 5, 500)):
        assert store.get_range("r", offset, count) == data[offset : offset + count]
    assert store.get_range("r", len(data), 10) == b""
    assert store.get_range("r", len(data) + 10, 10) == b""
    assert store.get_range("r", 3, 0) == b""
    with pytest.raises(ValueError, match="negative"):
        store.get_range("r", -1, 3)


def test_put_file_and_open_path(store: ObjectStore, tmp_path: Path) -> None:
    source = tmp_path / "film"
    source.write_bytes(bytes(range(256)) * 12_000)
    etag = store.put_file("p/a/film", source, if_absent=True)
    with pytest.raises(ObjectExistsError):
        store.put_file("p/a/film", source, if_absent=True)
    info = store.stat("p/a/film")
    assert info is not None
    assert (info.byte_count, info.etag) == (source.stat().st_size, etag)
    with store.open_path("p/a/film") as first, store.open_path("p/a/film") as second:
        assert first.read_bytes() == second.read_bytes() == source.read_bytes()
    source.write_bytes(b"changed later")
    with store.open_path("p/a/film") as path:
        assert path.stat().st_size == info.byte_count
    store.put_file("p/a/film", source)
    with store.open_path("p/a/film") as path:
        assert path.read_bytes() == b"changed later"


def test_put_file_leaves_nothing_behind_when_the_file_is_missing(store: ObjectStore, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        store.put_file("a", tmp_path / "none")
    assert list(store.list("")) == []


def test_list_order_prefix_and_start(store: ObjectStore) -> None:
    keys = ["a-b/x", "a/b", "a/b-c/d", "a/b2", "a0", "b/1", "b/2", "b10/1", "B/x", "a.b", "a=1", "a@2"]
    for key in keys:
        store.put(key, b"")
    assert [info.key for info in store.list("")] == sorted(keys)
    for prefix in ("a", "a/", "a/b", "a/b-c/", "b", "b/", "zzz", "B"):
        expected = sorted(key for key in keys if key.startswith(prefix))
        assert [info.key for info in store.list(prefix)] == expected
        for start in (*keys, "a/", "a/b-", "b1", ""):
            after = [key for key in expected if key > start]
            assert [info.key for info in store.list(prefix, start_after=start)] == after


def test_list_agrees_with_stat(store: ObjectStore) -> None:
    store.put("x/1", b"12345")
    assert list(store.list("x/")) == [store.stat("x/1")] or store.list("x/").__next__().etag == store.get("x/1").etag


@pytest.mark.parametrize(
    "key",
    [
        "",
        "/a",
        "a/",
        "a//b",
        "a/../b",
        "..",
        "a/.",
        "a b",
        "ä",
        "a\nb",
        "a\x00",
        "a\\b",
        "a?b",
        "%2e",
        "x" * 1000,
        "é/ü",
    ],
)
def test_keys_that_are_refused(store: ObjectStore, key: str) -> None:
    for act in (store.get, store.stat, store.delete, lambda name: store.put(name, b"")):
        with pytest.raises(ObjectKeyError):
            act(key)
    with pytest.raises(ObjectKeyError):
        store.put_file(key, Path(__file__))


@pytest.mark.parametrize("key", ["a", "A.b_c-d=e+f@g/..h/i..", "queue/2024-01-01T00.00.00Z-x", ".hidden/x", "x" * 200])
def test_keys_that_are_accepted(store: ObjectStore, key: str) -> None:
    store.put(key, key.encode())
    assert store.get(key).data == key.encode()
    assert [info.key for info in store.list("")] == [key]


def test_self_test_passes_and_leaves_nothing(store: ObjectStore) -> None:
    store.self_test()
    assert list(store.list("")) == []
