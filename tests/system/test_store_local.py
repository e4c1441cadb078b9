"""What only the local store does: references, several processes, crashes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from moodcut_kit.store import open_store
from moodcut_kit.store.base import (
    MediaChangedError,
    ObjectExistsError,
    ObjectKeyError,
    ObjectNotFoundError,
    StoreUnavailableError,
    StoreUnfitError,
)
from moodcut_kit.store.local import LocalStore


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "store")


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "my film.mp4"
    path.write_bytes(b"moving pictures" * 1000)
    return path


def _start(program: str, *arguments: str | Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(program), *map(str, arguments)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_addresses(tmp_path: Path) -> None:
    for url in (str(tmp_path / "a b"), f"file://{tmp_path}/a%20b", f"file://localhost{tmp_path}/a%20b"):
        store = open_store(url)
        assert isinstance(store, LocalStore)
        assert store.directory == (tmp_path / "a b").resolve()


@pytest.mark.parametrize("url", ["", "http://x/y", "file://elsewhere/x", "gs://bucket"])
def test_addresses_that_are_none(url: str) -> None:
    with pytest.raises(StoreUnfitError, match="director"):
        open_store(url)


def test_a_file_cannot_be_the_store(film: Path) -> None:
    with pytest.raises(StoreUnfitError, match="my film"):
        open_store(str(film))


def test_a_name_cannot_continue_another(store: LocalStore) -> None:
    store.put("a/b", b"")
    with pytest.raises(ObjectKeyError, match="another object"):
        store.put("a/b/c", b"")
    with pytest.raises(ObjectKeyError, match="another object"):
        store.put("a", b"")
    assert [info.key for info in store.list("")] == ["a/b"]
    assert list(store.temporary.iterdir()) == []


def test_reference_is_read_where_it_lies(store: LocalStore, film: Path) -> None:
    etag = store.add_reference("p/me/media/1", film)
    assert store.get("p/me/media/1").data == film.read_bytes()
    assert store.get("p/me/media/1").etag == etag
    assert store.get_range("p/me/media/1", 7, 8) == b"pictures"
    info = store.stat("p/me/media/1")
    assert info is not None
    assert (info.byte_count, info.etag, info.is_reference) == (film.stat().st_size, etag, True)
    assert list(store.list("p/me/media/")) == [info]
    with store.open_path("p/me/media/1") as path:
        assert path == film
    with pytest.raises(ObjectExistsError):
        store.put("p/me/media/1", b"", if_absent=True)
    store.delete("p/me/media/1")
    assert store.stat("p/me/media/1") is None
    assert film.exists()


@pytest.mark.parametrize("change", ["grown", "touched", "gone"])
def test_a_film_that_changed_is_refused_by_name(store: LocalStore, film: Path, change: str) -> None:
    store.add_reference("m", film)
    if change == "grown":
        with film.open("ab") as file:
            file.write(b"more")
    elif change == "touched":
        os.utime(film, (1, 1))
    else:
        film.unlink()
    for read in (
        store.get,
        store.stat,
        lambda key: store.get_range(key, 0, 1),
        lambda key: store.open_path(key).__enter__(),
    ):
        with pytest.raises(MediaChangedError, match=r"my film\.mp4"):
            read("m")
    assert [info.key for info in store.list("")] == ["m"]


def test_a_film_that_changes_while_it_is_open(store: LocalStore, film: Path) -> None:
    store.add_reference("m", film)
    with pytest.raises(MediaChangedError), store.open_path("m") as path:
        path.write_bytes(b"other")


def test_a_moved_film_can_be_referenced_again(store: LocalStore, film: Path) -> None:
    store.add_reference("m", film)
    moved = film.rename(film.with_name("moved.mp4"))
    store.add_reference("m", moved)
    with store.open_path("m") as path:
        assert path == moved


def test_a_reference_leaves_content_alone_and_content_replaces_a_reference(store: LocalStore, film: Path) -> None:
    etag = store.put("m", b"content")
    assert store.add_reference("m", film) == etag
    assert store.get("m").data == b"content"
    store.delete("m")
    etag = store.add_reference("m", film)
    store.put("m", b"content", if_match=etag)
    assert store.get("m").data == b"content"
    assert len(list(store.list(""))) == 1


def test_reference_to_nothing(store: LocalStore, tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(ObjectNotFoundError, match=str(path)):
            store.add_reference("m", path)


def test_content_that_looks_like_a_reference_is_content(store: LocalStore, film: Path) -> None:
    store.add_reference("m", film)
    stored = (store.directory / "references" / "m").read_bytes()
    store.put("x", stored)
    assert store.get("x").data == stored


def test_the_etag_changes_even_if_all_happens_at_once(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("moodcut_kit.store.local.time.time_ns", lambda: 1_700_000_000_000_000_000)
    etags = {store.put("a", b"%d" % number) for number in range(9)}
    assert len(etags) == 9


def test_several_processes_lose_no_update(store: LocalStore) -> None:
    store.put("count", b"0")
    program = """
        import sys
        from moodcut_kit.store import open_store
        from moodcut_kit.store.base import ObjectChangedError
        store, done = open_store(sys.argv[1]), 0
        while done < 25:
            now = store.get("count")
            try:
                store.put("count", b"%d" % (int(now.data) + 1), if_match=now.etag)
            except ObjectChangedError:
                continue
            done += 1
    """
    children = [_start(program, store.directory) for _ in range(4)]
    for child in children:
        child.communicate()
    assert [child.returncode for child in children] == [0] * 4
    assert store.get("count").data == b"100"


def test_several_processes_write_and_delete_in_one_directory(store: LocalStore) -> None:
    program = """
        import sys
        from moodcut_kit.store import open_store
        store = open_store(sys.argv[1])
        for turn in range(60):
            store.put(f"queue/deep/{sys.argv[2]}", b"")
            store.delete(f"queue/deep/{sys.argv[2]}")
    """
    children = [_start(program, store.directory, str(number)) for number in range(4)]
    for child in children:
        child.communicate()
    assert [child.returncode for child in children] == [0] * 4
    assert list(store.list("")) == []


def test_a_killed_writer_leaves_no_lock_and_no_half_object(store: LocalStore) -> None:
    program = """
        import sys
        from pathlib import Path
        from moodcut_kit.store.local import LocalStore
        store = LocalStore(Path(sys.argv[1]))
        with store._locked("a"), (store.temporary / "half").open("wb") as file:
            file.write(b"half")
            file.flush()
            print("locked", flush=True)
            sys.stdin.read()
    """
    child = _start(program, store.directory)
    assert child.stdout is not None
    assert child.stdout.readline() == "locked\n"
    child.send_signal(signal.SIGKILL)
    child.communicate()
    store.put("a", b"whole", if_absent=True)
    assert [info.key for info in store.list("")] == ["a"]
    assert store.remove_unfinished(before=datetime.now(UTC) - timedelta(hours=1)) == []
    later = datetime.now(UTC) + timedelta(seconds=1)
    assert [info.key for info in store.remove_unfinished(before=later, dry_run=True)] == ["tmp/half"]
    assert [info.byte_count for info in store.remove_unfinished(before=later)] == [4]
    assert list(store.temporary.iterdir()) == []


def test_a_directory_that_vanished(store: LocalStore) -> None:
    store.temporary.rmdir()
    with pytest.raises(StoreUnavailableError, match="No such file"):
        store.put("a", b"")


def test_no_space_is_said_and_leaves_nothing(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("moodcut_kit.store.files.os.fsync", full)
    with pytest.raises(StoreUnavailableError, match="No space left"):
        store.put("a", b"x")
    assert list(store.temporary.iterdir()) == []
    assert store.stat("a") is None
