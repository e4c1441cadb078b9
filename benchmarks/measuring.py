"""Median time and peak memory of a call in this process."""

from __future__ import annotations

import ctypes
import gc
import math
import os
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

_Result = TypeVar("_Result")


def machine() -> str:
    """What the figures were measured on."""
    return f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"


def median_seconds(call: Callable[[], _Result], repeats: int) -> tuple[_Result, float]:
    """The last result and the median time of ``repeats`` calls, after one that does not count."""
    call()
    seconds = []
    for _ in range(repeats):
        began = time.perf_counter()
        result = call()
        seconds.append(time.perf_counter() - began)
    return result, statistics.median(seconds)


def peak_megabytes(call: Callable[[], object]) -> float:
    """How far the process's memory rises above where it was before the call; nan where the system does not say."""
    gc.collect()
    try:
        # What earlier calls have freed goes back to the system, so that it does not hide what this one takes.
        ctypes.CDLL(None).malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5")
    except (AttributeError, OSError):
        return math.nan
    before = _status_kib("VmRSS")
    call()
    return max(0.0, (_status_kib("VmHWM") - before) * 1024 / 1e6)


def _status_kib(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))
