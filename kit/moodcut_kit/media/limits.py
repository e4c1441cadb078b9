"""How much of the machine the decoding process may take, and how it is held to that."""

from __future__ import annotations

import fcntl
import os
import re
import resource
import select
import signal
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from moodcut_kit.media.errors import DecoderLimitsError

_VARIABLES = {
    "MOODCUT_DECODER_MEMORY_BYTES": "max_memory_byte_count",
    "MOODCUT_DECODER_CPU_SECONDS": "max_cpu_seconds",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessLimits:
    """``max_memory_byte_count`` bounds the address space, which is more than what is in use: libraries, and stacks of
    threads. ``max_cpu_seconds`` counts the time of all threads. Both are for one piece of work on one file."""

    max_memory_byte_count: int = 4 << 30
    max_cpu_seconds: int = 4 * 3600
    max_open_file_count: int = 64

    def __post_init__(self) -> None:
        for name in ("max_memory_byte_count", "max_cpu_seconds", "max_open_file_count"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1")

    def apply(self) -> None:
        """Hold this process to the limits from now on; it can write no file and leaves no core dump either.

        What the system does not know is left out.
        """
        _limit("RLIMIT_AS", self.max_memory_byte_count)
        _limit("RLIMIT_CPU", self.max_cpu_seconds)
        _limit("RLIMIT_NOFILE", self.max_open_file_count)
        _limit("RLIMIT_FSIZE", 0)
        _limit("RLIMIT_CORE", 0)

    def memory_is_short(self) -> bool:
        """Whether this process has come within a sixteenth of its limit, as far as the system says.

        A decoder that gets no memory calls the file broken and goes on: what it gave cannot be trusted.
        """
        try:
            status = Path("/proc/self/status").read_bytes()
        except OSError:
            return False
        found = re.search(rb"^VmPeak:\s+(\d+) kB$", status, re.MULTILINE)
        return found is not None and int(found[1]) << 10 > self.max_memory_byte_count // 16 * 15


DEFAULT_PROCESS_LIMITS = ProcessLimits()


def limits_from_environment(environment: Mapping[str, str] = os.environ) -> ProcessLimits:
    """The usual limits, or those of ``$MOODCUT_DECODER_MEMORY_BYTES`` and ``$MOODCUT_DECODER_CPU_SECONDS``.

    Raises DecoderLimitsError if one is no positive number.
    """
    limits = DEFAULT_PROCESS_LIMITS
    for variable, name in _VARIABLES.items():
        text = environment.get(variable, "")
        if text and (not text.isdecimal() or int(text) < 1):
            raise DecoderLimitsError(f"{variable} is {text!r}; it must be a positive number.", variable=variable)
        if text:
            limits = replace(limits, **{name: int(text)})
    return limits


def end_with(pipe: int) -> None:
    """Let the system end this process as soon as the other end of ``pipe``, on which nothing comes, is closed.

    The signal needs no thread of this process to be willing. Where pipes send none (not on Linux), the process ends
    when it next writes to its parent.
    """
    signal.signal(signal.SIGIO, signal.SIG_DFL)
    fcntl.fcntl(pipe, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(pipe, fcntl.F_SETFL, fcntl.fcntl(pipe, fcntl.F_GETFL) | getattr(os, "O_ASYNC", 0))
    if select.select([pipe], [], [], 0)[0]:
        raise SystemExit("the parent is gone")


def _limit(name: str, value: int) -> None:
    kind = getattr(resource, name, None)
    if kind is None:
        return
    _, hard = resource.getrlimit(kind)
    # The hard limit on processor time kills without a word: the soft one, whose signal says what it is, comes first.
    ceiling = value + 5 if name == "RLIMIT_CPU" else value
    if hard != resource.RLIM_INFINITY:
        ceiling = min(ceiling, hard)
    with suppress(ValueError, OSError):
        resource.setrlimit(kind, (min(value, ceiling), ceiling))
