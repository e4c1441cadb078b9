"""Files of the user: whole or not at all, and never their own input."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write that appears at ``path`` only when the block has ended well.

    A link stays one, and what it leads to is written; a device or a pipe is written straight into.
    """
    path = path.resolve()
    if path.exists() and not path.is_file():
        with path.open("wb") as target:
            yield target
        return
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with part.open("wb") as target:
            yield target
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def readable_name(path: Path) -> str:
    """The file's name as text that can be sent; bytes that are no Unicode become question marks."""
    return os.fsencode(path.name).decode("utf-8", "replace")


def check_writable(path: Path, *inputs: Path) -> None:
    """Make sure that ``path`` can be written and is none of ``inputs``, before any work is done.

    Raises FileExistsError (it is an input), NotADirectoryError or PermissionError with words for the user.
    """
    directory = path.absolute().parent
    if not directory.is_dir():
        raise NotADirectoryError(f"there is no directory {directory}")
    for each in inputs:
        if path.exists() and path.samefile(each):
            raise FileExistsError(f"the output {path} is the input {each}; choose another name")
    if not os.access(directory, os.W_OK) or (path.exists() and not os.access(path, os.W_OK)):
        raise PermissionError(f"{path} cannot be written; choose another place")
