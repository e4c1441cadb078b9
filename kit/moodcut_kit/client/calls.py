"""Calls that can be cancelled and that try again when that can help."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from typing import Protocol, TypeVar

import grpc

from moodcut_kit.errors import CancelledError
from moodcut_kit.status import RemoteError, from_rpc_error

_Request = TypeVar("_Request", contravariant=True)
_Response = TypeVar("_Response")
_POLL_SECONDS = 0.2
_FIRST_DELAY_SECONDS, _MAX_DELAY_SECONDS = 0.2, 5.0
# An attempt that ran longer than this had begun to work.
_LONG_ATTEMPT_SECONDS = 30.0


class UnaryMethod(Protocol[_Request, _Response]):
    """A method of a stub that answers once."""

    def future(self, request: _Request, timeout: float | None = None) -> grpc.CallFuture[_Response]:
        """Begin the call."""
        ...


class StreamMethod(Protocol[_Request, _Response]):
    """A method of a stub that answers with a stream."""

    def __call__(self, request: _Request, timeout: float | None = None) -> grpc.CallIterator[_Response]:
        """Begin the call."""
        ...


class Caller:
    """Makes calls until one succeeds, fails for good, is cancelled, or has failed for ``patience_seconds``.

    Patience counts from the first failure in a row, however long the call ran before. A call that the other side ends
    as cancelled, as a server does when it stops, is tried again like one that could not be reached.

    ``cancelled`` is polled while a call runs; when it is set the call is cancelled and CancelledError is raised.
    """

    def __init__(self, *, cancelled: threading.Event, patience_seconds: float = 120.0) -> None:
        self.cancelled = cancelled
        self.patience_seconds = patience_seconds
        self._jitter = random.Random()

    def unary(
        self, method: UnaryMethod[_Request, _Response], request: _Request, *, timeout_seconds: float
    ) -> _Response:
        """One answer. Raises RemoteError or CancelledError."""

        def attempt() -> _Response:
            call = method.future(request, timeout=timeout_seconds)
            while True:
                if self.cancelled.is_set():
                    call.cancel()  # type: ignore[no-untyped-call]
                    raise CancelledError("the call was cancelled")
                try:
                    return call.result(timeout=_POLL_SECONDS)
                except grpc.FutureTimeoutError:
                    continue

        return self.retry(attempt)

    def stream(
        self,
        method: StreamMethod[_Request, _Response],
        request: _Request,
        *,
        timeout_seconds: float,
        on_message: Callable[[_Response], None],
    ) -> None:
        """A stream's messages, each given to ``on_message``; a repeated attempt begins the stream anew."""

        def attempt() -> None:
            call = method(request, timeout=timeout_seconds)
            with _cancel_when(self.cancelled, call):
                for message in call:
                    failing.clear()
                    on_message(message)

        failing = _Failing()
        self.retry(attempt, failing)

    def retry(self, attempt: Callable[[], _Response], failing: _Failing | None = None) -> _Response:
        """The answer of ``attempt``, made again and again as this caller's patience allows. Raises as the calls do."""
        failing = failing or _Failing()
        while True:
            started_seconds = time.monotonic()
            try:
                return attempt()
            except grpc.RpcError as error:
                if self.cancelled.is_set():
                    raise CancelledError("the call was cancelled") from error
                remote = from_rpc_error(error)
                delay_seconds = failing.next_delay_seconds(started_seconds)
                passing = remote.retryable or remote.code == "CANCELLED"
                if not passing or failing.for_seconds() + delay_seconds > self.patience_seconds:
                    raise remote from error
                asked = float(remote.metadata.get("retry_delay_seconds", 0))
            if self.cancelled.wait(max(asked, delay_seconds) * self._jitter.uniform(0.8, 1.2)):
                raise CancelledError("the call was cancelled")


class _Failing:
    """How long a call has failed in a row, and how long to wait before the next attempt."""

    def __init__(self) -> None:
        self._since_seconds: float | None = None
        self._delay_seconds = _FIRST_DELAY_SECONDS

    def clear(self) -> None:
        """It works again."""
        self._since_seconds, self._delay_seconds = None, _FIRST_DELAY_SECONDS

    def next_delay_seconds(self, started_seconds: float) -> float:
        """Note a failure of an attempt; one that ran for long before it failed begins a new row."""
        now_seconds = time.monotonic()
        if self._since_seconds is None or now_seconds - started_seconds > _LONG_ATTEMPT_SECONDS:
            self._since_seconds, self._delay_seconds = now_seconds, _FIRST_DELAY_SECONDS
        delay_seconds = self._delay_seconds
        self._delay_seconds = min(delay_seconds * 2, _MAX_DELAY_SECONDS)
        return delay_seconds

    def for_seconds(self) -> float:
        """Seconds since the first failure in this row."""
        return 0.0 if self._since_seconds is None else time.monotonic() - self._since_seconds


class _cancel_when:  # noqa: N801
    """Cancels a stream as soon as an event is set, for the time of a ``with`` block."""

    def __init__(self, cancelled: threading.Event, call: grpc.Call) -> None:
        self._cancelled, self._call = cancelled, call
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self) -> None:
        while not self._done.wait(_POLL_SECONDS):
            if self._cancelled.is_set():
                self._call.cancel()  # type: ignore[no-untyped-call]
                return

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *exc: object) -> None:
        self._done.set()
        self._thread.join()


__all__ = ["Caller", "RemoteError"]
