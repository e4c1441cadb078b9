from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from moodcut_kit import hashing
from moodcut_kit.hashing import FileMissingError, FileUnsettledError, file_sha256

_OLD = 1_600_000_000


def _settled(path: Path, content: bytes, seconds: int = _OLD) -> Path:
    path.write_bytes(content)
    os.utime(path, (seconds, seconds))
    return path


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "hashes.db"


@pytest.fixture
def count(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One entry per file that is really read."""
    calls: list[int] = []
    digest = hashlib.file_digest

    def counted(file: object, name: str) -> object:
        calls.append(1)
        return digest(file, name)  # type: ignore[arg-type]

    monkeypatch.setattr(hashing.hashlib, "file_digest", counted)
    return calls


def test_second_time_is_remembered(tmp_path: Path, cache: Path, count: list[int]) -> None:
    film = _settled(tmp_path / "film", b"x" * 3_000_000)
    expected = hashlib.sha256(film.read_bytes()).hexdigest()
    assert file_sha256(film, cache=cache) == expected
    assert file_sha256(film, cache=cache) == expected
    assert len(count) == 1


@pytest.mark.parametrize("change", ["size", "time", "inode"])
def test_any_change_is_noticed(tmp_path: Path, cache: Path, count: list[int], change: str) -> None:
    film = _settled(tmp_path / "film", b"one")
    file_sha256(film, cache=cache)
    if change == "size":
        _settled(film, b"longer")
    elif change == "time":
        _settled(film, b"two", _OLD + 1)
    else:
        _settled(tmp_path / "other", b"two").replace(film)
    assert file_sha256(film, cache=cache) == hashlib.sha256(film.read_bytes()).hexdigest()
    assert len(count) == 2


def test_a_file_written_just_now_is_not_remembered(tmp_path: Path, cache: Path, count: list[int]) -> None:
    film = tmp_path / "film"
    film.write_bytes(b"new")
    file_sha256(film, cache=cache)
    file_sha256(film, cache=cache)
    assert len(count) == 2


def test_a_broken_cache_is_replaced(tmp_path: Path, cache: Path, count: list[int]) -> None:
    film = _settled(tmp_path / "film", b"one")
    cache.parent.mkdir()
    cache.write_bytes(b"this is no database" * 100)
    file_sha256(film, cache=cache)
    file_sha256(film, cache=cache)
    assert len(count) == 1


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    film = _settled(tmp_path / "film", b"one")
    (tmp_path / "file").write_bytes(b"")
    assert file_sha256(film, cache=tmp_path / "file" / "hashes.db") == hashlib.sha256(b"one").hexdigest()


def test_missing_file(tmp_path: Path, cache: Path) -> None:
    with pytest.raises(FileMissingError, match="none"):
        file_sha256(tmp_path / "none", cache=cache)
    with pytest.raises(FileMissingError, match="not a file"):
        file_sha256(tmp_path, cache=cache)


def test_a_file_that_changes_meanwhile(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    film = _settled(tmp_path / "film", b"one")
    digest = hashlib.file_digest

    def growing(file: object, name: str) -> object:
        with film.open("ab") as more:
            more.write(b"more")
        return digest(file, name)  # type: ignore[arg-type]

    monkeypatch.setattr(hashing.hashlib, "file_digest", growing)
    with pytest.raises(FileUnsettledError, match="changed while"):
        file_sha256(film, cache=cache)


def test_several_processes_at_once(tmp_path: Path, cache: Path) -> None:
    for number in range(4):
        _settled(tmp_path / f"film{number}", b"%d" % number * 1000)
    program = (
        "import sys; from pathlib import Path; from moodcut_kit.hashing import file_sha256\n"
        "for turn in range(20):\n"
        "    for number in range(4):\n"
        "        print(file_sha256(Path(sys.argv[1]) / f'film{number}', cache=Path(sys.argv[2])))"
    )
    command = [sys.executable, "-W", "error", "-c", program, str(tmp_path), str(cache)]
    children = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    expected = [hashlib.sha256(b"%d" % number * 1000).hexdigest() for number in range(4)] * 20
    for child in children:
        out, err = child.communicate()
        assert (err, out.split()) == ("", expected)
