"""What the C library's heaps give back."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

# The last block lies at the heap's end, so that nothing is given back by itself.
_PROGRAM = """
import resource
from moodcut_kit.server.heaps import return_unused, share_heaps

def resident_mb():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 1e6

share_heaps()
blocks = [bytes(2000) for _ in range(50_000)]
del blocks[:-1]
before = resident_mb()
return_unused()
print(before - resident_mb())
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux's /proc")
def test_memory_that_nothing_uses_is_given_back() -> None:
    done = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=True)
    assert float(done.stdout) > 50
