"""How a director runs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectorSettings:
    """Addresses of the other services, and how jobs are worked on.

    A film is analysed on all segmenters, ``ranges_per_segmenter`` ranges of it at a time on each.
    ``lease_seconds``: how long a job stays with a worker that no longer speaks. ``job_limit``: jobs worked on at once
    by this replica, and ``match_limit`` matches beside them. ``attempt_limit``: how often a job may fail in a way that
    can pass before it is given up, ``retry_seconds`` apart and longer each time. ``own_only``: leave alone what was not
    asked for through this director.
    """

    segmenter_addresses: tuple[str, ...]
    scorer_address: str
    solver_address: str
    renderer_address: str
    lease_seconds: float = 10.0
    poll_seconds: float = 1.0
    watch_seconds: float = 0.2
    job_limit: int = 2
    match_limit: int = 2
    attempt_limit: int = 5
    retry_seconds: float = 2.0
    ranges_per_segmenter: int = 2
    solve_time_limit_seconds: float = 20.0
    patience_seconds: float = 60.0
    own_only: bool = False
