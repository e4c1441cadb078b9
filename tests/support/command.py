"""The `moodcut` command as a user runs it: real processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

COMMAND = [sys.executable, "-m", "moodcut"]


def run(*arguments: str | Path, expect: int = 0, environment: dict[str, str] | None = None) -> tuple[str, str]:
    """Run to its end; gives (stdout, stderr). Fails if the exit code is not the one expected."""
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
        env=os.environ | (environment or {}),
    )
    assert done.returncode == expect, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout, done.stderr


def run_json(*arguments: str | Path) -> dict[str, Any]:
    """Run with --json; stdout must be JSON and nothing else."""
    stdout, _ = run(*arguments, "--json")
    value = json.loads(stdout)
    assert isinstance(value, dict)
    return value


@contextmanager
def serving(service: str, *arguments: str | Path, log: Path) -> Iterator[str]:
    """A server in a process of its own; gives its address and ends it by SIGTERM, which must end well."""
    with server_process(service, *arguments, log=log) as (process, address):
        yield address
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0, log.read_text()


@contextmanager
def server_process(service: str, *arguments: str | Path, log: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A server in a process of its own, and its address; killed at the end, where it is not dead by then."""
    with log.open("w") as stderr:
        process = subprocess.Popen(
            [*COMMAND, "serve", service, "--address", "127.0.0.1:0", *map(str, arguments)],
            stderr=stderr,
            stdout=subprocess.DEVNULL,
        )
    try:
        yield process, _address(process, log)
    finally:
        process.kill()
        process.wait()


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    end = time.monotonic() + 120
    while time.monotonic() < end:
        for line in log.read_text().splitlines():
            if line.startswith("serving "):
                return line.rpartition(" ")[2]
        assert process.poll() is None, log.read_text()
        time.sleep(0.1)
    raise AssertionError(f"no server within 120 s: {log.read_text()}")


def only(values: Sequence[Any]) -> Any:
    """The one element there is."""
    assert len(values) == 1, values
    return values[0]
