"""How a solver service runs. Nothing here changes an answer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SolverSettings:
    """``warm_up``: compile, or load compiled code, before the service says it is ready, not at the first call."""

    warm_up: bool = False
