"""How many heaps the C library keeps for a server's threads."""

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
