"""Which of several servers takes the next call. Pure: the time is given with every question.

The server with the fewest calls under way is next, and of those alike the one that was asked longest ago. A server
that failed is left alone for a while, longer each time; then it is given one call, and only when that succeeds, or has
been under way for so long that the server must be at work, is it a server like the others again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

FIRST_REST_SECONDS, LONGEST_REST_SECONDS = 0.2, 10.0
# gRPC gives up connecting after 20 s.
LONGEST_TRIAL_SECONDS = 30.0


@dataclass(slots=True)
class _Server:
    outstanding: int = 0
    busy_since_seconds: float = 0.0
    last_turn: int = 0
    rests_until_seconds: float = 0.0
    next_rest_seconds: float = FIRST_REST_SECONDS
    on_trial: bool = False
    gone: bool = False

    def takes_calls(self, now_seconds: float) -> bool:
        """Whether it may be asked now, as far as is known."""
        tried = self.on_trial and self.outstanding and now_seconds - self.busy_since_seconds < LONGEST_TRIAL_SECONDS
        return not self.gone and not tried and self.rests_until_seconds <= now_seconds


class Spread:
    """Servers by address, and what is known of each. Not for several threads at once."""

    def __init__(self, addresses: Iterable[str] = ()) -> None:
        self._servers: dict[str, _Server] = {}
        self._turn = 0
        self.replace(addresses)

    @property
    def addresses(self) -> tuple[str, ...]:
        """The servers there are."""
        return tuple(address for address, server in self._servers.items() if not server.gone)

    def __contains__(self, address: str) -> bool:
        """Whether there is such a server, or one that is gone still has calls under way."""
        return address in self._servers

    def replace(self, addresses: Iterable[str]) -> None:
        """These are the servers now; what is known of those that stay, or have calls under way, is kept."""
        known = self._servers
        self._servers = {address: known.get(address, _Server()) for address in addresses}
        for server in self._servers.values():
            server.gone = False
        for address in known.keys() - self._servers.keys():
            if known[address].outstanding:
                known[address].gone = True
                self._servers[address] = known[address]

    def choose(
        self, *, now_seconds: float, limit: int | None = None, own: Mapping[str, int] | None = None
    ) -> str | None:
        """The address for the next call, or None if every server rests or has enough to do.

        ``limit``: how many calls a server may have of the caller's ``own`` (address to calls under way).
        """
        counts = own or {}
        free = [
            (server.outstanding, server.last_turn, address)
            for address, server in self._servers.items()
            if server.takes_calls(now_seconds) and (limit is None or counts.get(address, 0) < limit)
        ]
        return min(free)[2] if free else None

    def began(self, address: str, *, now_seconds: float) -> None:
        """A call to ``address`` is under way."""
        if server := self._servers.get(address):
            self._turn += 1
            if not server.outstanding:
                server.busy_since_seconds = now_seconds
            server.outstanding += 1
            server.last_turn = self._turn

    def ended(self, address: str) -> None:
        """A call to ``address`` is under way no longer, however it ended."""
        if server := self._servers.get(address):
            server.outstanding = max(0, server.outstanding - 1)
            if server.gone and not server.outstanding:
                del self._servers[address]

    def worked(self, address: str) -> None:
        """A call to ``address`` succeeded."""
        if server := self._servers.get(address):
            server.on_trial, server.next_rest_seconds = False, FIRST_REST_SECONDS

    def full(self, address: str, *, now_seconds: float, delay_seconds: float) -> None:
        """``address`` has as many calls as it takes: leave it alone for ``delay_seconds``."""
        if server := self._servers.get(address):
            server.rests_until_seconds = max(server.rests_until_seconds, now_seconds + delay_seconds)

    def failed(self, address: str, *, began_seconds: float, now_seconds: float) -> None:
        """A call that began at ``began_seconds`` found ``address`` dead, or lost it.

        Calls that were all under way when a server died are one failure.
        """
        server = self._servers.get(address)
        if server is None or (server.on_trial and began_seconds < server.rests_until_seconds):
            return
        server.on_trial = True
        server.rests_until_seconds = now_seconds + server.next_rest_seconds
        server.next_rest_seconds = min(2 * server.next_rest_seconds, LONGEST_REST_SECONDS)

    def seconds_until_awake(self, *, now_seconds: float) -> float:
        """Seconds until the first resting server may be asked; 0 if one is awake."""
        rests = [each.rests_until_seconds - now_seconds for each in self._servers.values() if not each.gone]
        return max(0.0, min(rests, default=0.0))
