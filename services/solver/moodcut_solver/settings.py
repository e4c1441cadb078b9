"""How a solver service runs. Nothing here changes an answer."""

from __future__ import annotations

import os
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class SolverSettings:
    """``warm_up``: compile, or load compiled code, before the service says it is ready, not at the first call.

    ``parallel``: problems worked on at once; more wait for their turn.
    """

    warm_up: bool = False
    parallel: int = field(default_factory=lambda: os.cpu_count() or 1)
