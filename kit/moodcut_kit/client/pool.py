"""Calls spread over several servers of one service; a call whose server fails is made elsewhere at once."""

from __future__ import annotations

import queue
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import grpc

from moodcut_kit.client.addresses import backends
from moodcut_kit.client.calls import Caller, UnaryMethod
from moodcut_kit.client.channel import connect
from moodcut_kit.client.spread import Spread
from moodcut_kit.errors import CancelledError
from moodcut_kit.status import RemoteError, from_rpc_error

_Stub = TypeVar("_Stub")
_Request = TypeVar("_Request")
_Response = TypeVar("_Response")

_POLL_SECONDS = 0.2
_LOOK_UP_SECONDS = 10.0
# An attempt that ran longer was lost under way; a call that was lost so often is not made again.
_LOST_SECONDS, _MOST_LOSSES = 1.0, 5

Observe = Callable[[Collection[int], Mapping[int, float]], None]
"""Told which calls have succeeded, and for how many seconds each of the others has been under way."""


@dataclass(frozen=True, slots=True, eq=False)
class _Attempt(Generic[_Response]):
    number: int
    address: str
    call: grpc.CallFuture[_Response]
    began_seconds: float


class Pool(Generic[_Stub]):
    """The servers at ``addresses``. Films and jobs share one, so that each sees what the others keep busy.

    ``calls_per_server``: how many of the calls of one :meth:`call_all` a server has at once.
    """

    def __init__(
        self, addresses: Sequence[str], make_stub: Callable[[grpc.Channel], _Stub], *, calls_per_server: int = 2
    ) -> None:
        if not addresses or calls_per_server < 1:
            raise ValueError("a pool needs at least one address and one call a server")
        self._addresses, self._make_stub, self._calls_per_server = tuple(addresses), make_stub, calls_per_server
        self._guard = threading.Lock()
        self._spread = Spread()
        self._channels: dict[str, grpc.Channel] = {}
        self._stubs: dict[str, _Stub] = {}
        self._looked_up_seconds = float("-inf")

    def close(self) -> None:
        """Close the channels."""
        with self._guard:
            for channel in self._channels.values():
                channel.close()
            self._channels.clear()
            self._stubs.clear()

    def call(
        self,
        method: Callable[[_Stub], UnaryMethod[_Request, _Response]],
        request: _Request,
        *,
        caller: Caller,
        timeout_seconds: float,
    ) -> _Response:
        """One answer from any of the servers. Raises as :meth:`call_all` does."""
        return self._run(method, [request], caller, timeout_seconds, None, lambda done, running: None)[0]

    def call_all(
        self,
        method: Callable[[_Stub], UnaryMethod[_Request, _Response]],
        requests: Sequence[_Request],
        *,
        caller: Caller,
        timeout_seconds: float,
        observe: Observe = lambda done, running: None,
    ) -> list[_Response]:
        """The answers to ``requests``, in their order, made side by side on all servers.

        A server that is dead or full is passed over for a while and its calls go to the others. Raises RemoteError for
        an answer that no other server would change, and when nothing has succeeded for the caller's patience (it names
        the addresses); CancelledError. The calls that are still under way are then cancelled.
        """
        return self._run(method, requests, caller, timeout_seconds, self._calls_per_server, observe)

    def _run(
        self,
        method: Callable[[_Stub], UnaryMethod[_Request, _Response]],
        requests: Sequence[_Request],
        caller: Caller,
        timeout_seconds: float,
        limit: int | None,
        observe: Observe,
    ) -> list[_Response]:
        waiting, answers = deque(range(len(requests))), dict[int, _Response]()
        running: dict[int, _Attempt[_Response]] = {}
        ended: queue.SimpleQueue[int] = queue.SimpleQueue()
        trouble = _Trouble(caller.patience_seconds)
        try:
            while waiting or running:
                self._look_up()
                while waiting and not caller.cancelled.is_set():
                    number = waiting[0]
                    attempt = self._start(method, requests[number], number, running, timeout_seconds, limit, ended)
                    if attempt is None:
                        break
                    running[waiting.popleft()] = attempt
                if not running:
                    trouble.raise_if_it_lasts(*self._outlook())
                number = _next(ended)
                if caller.cancelled.is_set():
                    raise CancelledError("the calls were cancelled")
                if number >= 0:
                    attempt = running.pop(number)
                    self._release(attempt.address)
                    answer = self._settle(attempt, trouble)
                    if answer is None:
                        waiting.appendleft(number)
                    else:
                        answers[number] = answer
                now_seconds = time.monotonic()
                observe(answers.keys(), {key: now_seconds - each.began_seconds for key, each in running.items()})
        finally:
            for attempt in running.values():
                attempt.call.cancel()  # type: ignore[no-untyped-call]
                self._release(attempt.address)
        return [answers[number] for number in range(len(requests))]

    def _start(
        self,
        method: Callable[[_Stub], UnaryMethod[_Request, _Response]],
        request: _Request,
        number: int,
        running: Mapping[int, _Attempt[_Response]],
        timeout_seconds: float,
        limit: int | None,
        ended: queue.SimpleQueue[int],
    ) -> _Attempt[_Response] | None:
        """Begin a call on the server whose turn it is; None if none can take it now."""
        own = Counter(each.address for each in running.values())
        now_seconds = time.monotonic()
        with self._guard:
            address = self._spread.choose(now_seconds=now_seconds, limit=limit, own=own)
            if address is None:
                return None
            stub = self._stub(address)
            self._spread.began(address, now_seconds=now_seconds)
        try:
            call = method(stub).future(request, timeout=timeout_seconds)
        except BaseException:
            self._release(address)
            raise
        call.add_done_callback(lambda _: ended.put(number))
        return _Attempt(number, address, call, now_seconds)

    def _settle(self, attempt: _Attempt[_Response], trouble: _Trouble) -> _Response | None:
        """The answer of a call that has ended, or None if it is to be made again. Raises what is final."""
        now_seconds = time.monotonic()
        try:
            answer = attempt.call.result()
        except (grpc.RpcError, grpc.FutureCancelledError) as error:
            remote = _as_remote(error)
            trouble.note(attempt, remote, now_seconds)
            with self._guard:
                if remote.code == "RESOURCE_EXHAUSTED":
                    delay_seconds = float(remote.metadata.get("retry_delay_seconds", 1.0))
                    self._spread.full(attempt.address, now_seconds=now_seconds, delay_seconds=delay_seconds)
                else:
                    self._spread.failed(attempt.address, began_seconds=attempt.began_seconds, now_seconds=now_seconds)
            return None
        with self._guard:
            self._spread.worked(attempt.address)
        trouble.clear()
        return answer

    def _release(self, address: str) -> None:
        """A call to ``address`` is under way no longer."""
        with self._guard:
            self._spread.ended(address)
            self._close_vanished()

    def _look_up(self) -> None:
        """Ask now and then which machines the names stand for."""
        now_seconds = time.monotonic()
        with self._guard:
            if now_seconds - self._looked_up_seconds < _LOOK_UP_SECONDS:
                return
            self._looked_up_seconds = now_seconds
        found = backends(self._addresses)
        with self._guard:
            self._spread.replace(found)
            self._close_vanished()

    def _close_vanished(self) -> None:
        """Close the channels of servers that are gone and have no call under way. With the guard held."""
        for address in [address for address in self._channels if address not in self._spread]:
            self._channels.pop(address).close()
            del self._stubs[address]

    def _outlook(self) -> tuple[tuple[str, ...], float]:
        """The servers there are, and the seconds until one of them is awake."""
        with self._guard:
            return self._spread.addresses, self._spread.seconds_until_awake(now_seconds=time.monotonic())

    def _stub(self, address: str) -> _Stub:
        if address not in self._stubs:
            channel = connect(address)
            self._stubs[address] = self._make_stub(channel)
            self._channels[address] = channel
        return self._stubs[address]


class _Trouble:
    """What went wrong since a call last succeeded, and when that is too much."""

    def __init__(self, patience_seconds: float) -> None:
        self._patience_seconds = patience_seconds
        self._since_seconds: float | None = None
        self._last: dict[str, RemoteError] = {}
        self._losses: Counter[int] = Counter()

    def note(self, attempt: _Attempt[_Response], error: RemoteError, now_seconds: float) -> None:
        """A call failed. Raises the error if calling again would not help."""
        if not error.retryable and error.code != "CANCELLED":
            raise error
        self._last[attempt.address] = error
        lost = error.code != "RESOURCE_EXHAUSTED" and now_seconds - attempt.began_seconds > _LOST_SECONDS
        self._losses[attempt.number] += lost
        # A server that had begun to work was there until now.
        if lost or self._since_seconds is None:
            self._since_seconds = now_seconds
        if self._losses[attempt.number] >= _MOST_LOSSES:
            raise self._summary((), f"a call was lost under way {_MOST_LOSSES} times")

    def clear(self) -> None:
        """A call succeeded."""
        self._since_seconds = None
        self._last.clear()

    def raise_if_it_lasts(self, addresses: Sequence[str], awake_in_seconds: float) -> None:
        """No call is under way: raise unless patience lasts until one of ``addresses`` may be asked again.

        Without a failure of its own a call waits as long as it may: others' failures say nothing of how it would go.
        """
        now_seconds = time.monotonic()
        if self._since_seconds is None:
            self._since_seconds = now_seconds
        failing_seconds = now_seconds - self._since_seconds
        still_seconds = awake_in_seconds if self._last else 0.0
        if failing_seconds + still_seconds > self._patience_seconds:
            raise self._summary(addresses, f"no server has answered for {failing_seconds:.0f} s")

    def _summary(self, addresses: Sequence[str], what: str) -> RemoteError:
        """``what``, with the last error of each server; those of ``addresses`` without one took no call."""
        taken = dict.fromkeys(addresses, "it failed or was full, and takes no call yet")
        taken.update({address: error.message for address, error in self._last.items()})
        told = "; ".join(f"{address}: {message}" for address, message in sorted(taken.items()))
        codes = {error.code for error in self._last.values()}
        reasons = {error.reason for error in self._last.values()}
        code = "RESOURCE_EXHAUSTED" if "RESOURCE_EXHAUSTED" in codes else "UNAVAILABLE"
        return RemoteError(
            f"{what} ({told})",
            code=code,
            reason=reasons.pop() if len(reasons) == 1 else code,
            metadata={"addresses": ", ".join(sorted(taken))},
        )


def _next(ended: queue.SimpleQueue[int]) -> int:
    """Number of a call that has ended, or -1 after a moment."""
    try:
        return ended.get(timeout=_POLL_SECONDS)
    except queue.Empty:
        return -1


def _as_remote(error: grpc.RpcError | grpc.FutureCancelledError) -> RemoteError:
    if isinstance(error, grpc.FutureCancelledError):
        return RemoteError("the server ended the call", code="CANCELLED", reason="CANCELLED", metadata={})
    return from_rpc_error(error)
