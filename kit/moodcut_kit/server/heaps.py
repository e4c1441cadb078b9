"""What the C library keeps of a server's memory."""

from __future__ import annotations

import ctypes
from contextlib import suppress

_M_ARENA_MAX = -8
_HEAP_COUNT = 2


def share_heaps() -> None:
    """Let all threads share two heaps, where the C library is glibc; elsewhere nothing.

    By default threads get up to eight heaps a core, and each keeps what the largest work on it took: a server whose
    calls come and go on many threads would seem to grow for hours.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _HEAP_COUNT)


def return_unused() -> None:
    """Give back to the system what the heaps hold and nothing uses, where the C library is glibc; elsewhere nothing.

    For the end of work that took much: takes milliseconds.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
