"""Compiles the solver's loops with numba where that is possible.

Compiled code is cached on disk, for compiling takes seconds and a fresh process must answer at once: beside the source
where that can be written, else in a private directory of the user's cache, else (an image with a read-only root) in one
under the system's temporary directory. Without numba, or where nothing can be written at all, :data:`COMPILED` is false
and callers take their numpy path instead.

``NUMBA_CACHE_DIR`` (numba's own) names the cache directory; ``MOODCUT_SOLVER_COMPILED=0`` turns compiling off;
``MOODCUT_SOLVER_SEED_CACHE`` names a directory, filled when an image is built, whose files are copied into the cache.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

try:
    import numba
except ImportError:
    numba = None


def _private_directory(path: Path) -> bool:
    """Make ``path`` if needed; true if it is ours alone and can be written (cached code is executed when loaded)."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = path.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o022:
            return False
        with tempfile.TemporaryFile(dir=path):
            return True
    except OSError:
        return False


def _seed(target: Path) -> None:
    """Copy a cache that an image brings along; files that are there already stay."""
    source = os.environ.get("MOODCUT_SOLVER_SEED_CACHE")
    if not source or not Path(source).is_dir():
        return
    for path in Path(source).rglob("*.nb[ic]"):
        copy = target / path.relative_to(source)
        if not copy.exists():
            copy.parent.mkdir(parents=True, exist_ok=True)
            partial = copy.with_suffix(f".{os.getpid()}.partial")
            shutil.copyfile(path, partial)
            partial.replace(copy)


def _cache_directory() -> str | None:
    """Directory for numba's cache; empty if numba's own choice works; None if nothing can be written."""
    if "MOODCUT_SOLVER_SEED_CACHE" not in os.environ:
        named = os.environ.get("NUMBA_CACHE_DIR")
        if named:
            return "" if _writable(named) else None
        if _writable(str(Path(__file__).parent / "__pycache__")):
            return ""
    user = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()) / "moodcut" / "numba"
    temporary = Path(tempfile.gettempdir()) / f"moodcut-numba-{os.getuid()}"
    named = os.environ.get("NUMBA_CACHE_DIR")
    for candidate in (Path(named),) if named else (user, temporary):
        if _private_directory(candidate):
            _seed(candidate)
            return str(candidate)
    return None


def _writable(directory: str) -> bool:
    try:
        Path(directory).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            return True
    except OSError:
        return False


_CACHE = None if numba is None or os.environ.get("MOODCUT_SOLVER_COMPILED") == "0" else _cache_directory()

COMPILED: bool = _CACHE is not None
"""Whether the loops run compiled in this process."""


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile ``function`` (nopython, without the interpreter lock) if :data:`COMPILED`; else return it as it is."""
    if not COMPILED:
        return function
    config = numba.config
    before = getattr(config, "CACHE_DIR", "")
    try:
        if _CACHE:
            config.CACHE_DIR = _CACHE
        compiled_function: Callable[..., Any] = numba.njit(cache=True, nogil=True)(function)
    finally:
        config.CACHE_DIR = before
    return compiled_function


@compiled
def _nothing() -> int:
    return 0


# numba imports a good part of itself when a compiled function is first called: that belongs to the import of the
# solver, not to its first answer.
_nothing()
