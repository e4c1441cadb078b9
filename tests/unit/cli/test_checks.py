"""What `moodcut doctor` says of an installation."""

from __future__ import annotations

from pathlib import Path

import pytest

from moodcut import checks, installing
from moodcut.installing import install_command


def by_name(store: Path | str) -> dict[str, checks.Check]:
    return {check.name: check for check in checks.all_checks(str(store))}


def test_this_installation_is_whole(tmp_path: Path) -> None:
    found = by_name(tmp_path / "store")
    assert {"python", "solver", "segmenter", "scorer", "renderer", "director", "ffmpeg", "store"} <= set(found)
    for name in ("python", "solver", "segmenter", "scorer", "renderer", "director", "accelerators", "ffmpeg", "store"):
        assert found[name].ok, found[name]


def test_both_builds_of_onnxruntime_are_reported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(checks, "_version", lambda package: "1.0")
    check = by_name(tmp_path)["accelerators"]
    assert not check.ok
    assert "overwrite one another" in check.detail
    assert "pip uninstall" in check.mend


def test_what_is_missing_comes_with_the_command_that_mends_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(checks.importlib.util, "find_spec", lambda name: None if name == "ortools" else object())
    check = by_name(tmp_path)["solver"]
    assert not check.ok
    assert check.detail == "missing: ortools"
    assert check.mend == install_command("solver")


@pytest.mark.parametrize(
    ("source", "command"),
    [
        (None, "pip install 'moodcut[solver]'"),
        ('{"url": "file:///my%20src", "dir_info": {"editable": true}}', "pip install -e '/my src[solver]'"),
        ('{"url": "file:///dist/a.whl", "archive_info": {}}', "pip install '/dist/a.whl[solver]'"),
    ],
)
def test_an_extra_comes_from_where_moodcut_came_from(
    monkeypatch: pytest.MonkeyPatch, source: str | None, command: str
) -> None:
    class Distribution:
        def read_text(self, name: str) -> str | None:
            return source

    monkeypatch.setattr(installing.metadata, "distribution", lambda name: Distribution())
    assert install_command("solver") == command


def test_a_store_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert not by_name(tmp_path / "file")["store"].ok
    assert not by_name("s3://nowhere?endpoint=http://127.0.0.1:1")["store"].ok
