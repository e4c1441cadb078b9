"""Files of the user are written whole, and links and devices stay what they are."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from moodcut.files import whole_file


def test_a_file_appears_only_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "out.txt"
    path.write_text("before")

    def fail() -> None:
        with whole_file(path) as target:
            target.write(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert path.read_text() == "before"
    with whole_file(path) as target:
        target.write(b"whole")
    assert path.read_text() == "whole"
    assert os.listdir(tmp_path) == ["out.txt"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("before")
    link = tmp_path / "link"
    link.symlink_to("real")
    with whole_file(link) as target:
        target.write(b"after")
    assert link.is_symlink()
    assert (tmp_path / "real").read_text() == "after"


def test_a_pipe_stays_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    with whole_file(pipe) as target:
        target.write(b"through")
    reader.join(5)
    assert read == [b"through"]
    assert pipe.is_fifo()
