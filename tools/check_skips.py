"""Fail if a test was skipped for a reason that is not on the list.

Usage: check_skips.py PYTEST_OUTPUT ALLOWED_SKIPS. Each line of ALLOWED_SKIPS that is neither empty nor begins with `#`
is a reason, as pytest prints it with -ra, that may be skipped for.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

_SKIP = re.compile(r"^SKIPPED \[\d+\] \S+?(?::\d+)?: (?P<reason>.*)$")


def unlisted(output: str, allowed: set[str]) -> list[str]:
    """Reasons of skips in pytest's ``output`` that are not ``allowed``."""
    reasons = (match["reason"].strip() for match in map(_SKIP.match, output.splitlines()) if match)
    return sorted({reason for reason in reasons if reason not in allowed})


def main() -> int:
    """Check a log."""
    output, allowed = (Path(argument).read_text() for argument in sys.argv[1:3])
    listed = {line.strip() for line in allowed.splitlines() if line.strip() and not line.startswith("#")}
    found = unlisted(output, listed)
    for reason in found:
        print(f"a test was skipped for a reason that is not in {sys.argv[2]}: {reason}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
