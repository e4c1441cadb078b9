"""What every call passes on its way in: admission, measurement, and translation of errors."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import grpc
from grpc_status import rpc_status
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from moodcut_kit.errors import MoodcutError, OverloadedError
from moodcut_kit.status import to_status

_log = logging.getLogger(__name__)
_BUCKETS_SECONDS = (0.005, 0.02, 0.1, 0.5, 2, 10, 30, 120, 600)
_FREE_PREFIXES = ("/grpc.health.", "/grpc.reflection.")

_Handler = Callable[[Any, grpc.ServicerContext], Any]


class CallMetrics:
    """Prometheus series of one server."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.calls = Counter("moodcut_calls", "Calls by method and gRPC code.", ["method", "code"], registry=registry)
        self.seconds = Histogram(
            "moodcut_call_seconds", "Duration of calls.", ["method"], registry=registry, buckets=_BUCKETS_SECONDS
        )
        self.active = Gauge("moodcut_calls_active", "Calls under way.", ["method"], registry=registry)


class CallInterceptor(grpc.ServerInterceptor):  # type: ignore[type-arg]
    """Admits a bounded number of calls, counts and times them, and answers errors as ``google.rpc.Status``.

    A call beyond the bound is answered RESOURCE_EXHAUSTED with a retry delay. Streams that only wait
    (``watch_methods``) have a bound of their own. An error that is not ours is logged with its traceback and
    answered INTERNAL without details.
    """

    def __init__(
        self, *, metrics: CallMetrics, max_active_calls: int, max_waiting_streams: int, watch_methods: frozenset[str]
    ) -> None:
        self._metrics = metrics
        self._active_places = threading.BoundedSemaphore(max_active_calls)
        self._waiting_places = threading.BoundedSemaphore(max_waiting_streams)
        self._watch_methods = watch_methods

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], grpc.RpcMethodHandler[Any, Any] | None],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        """Wrap the method's handler."""
        handler = continuation(handler_call_details)
        method: str = handler_call_details.method
        if handler is None or method.startswith(_FREE_PREFIXES):
            return handler
        streams_out = handler.response_streaming
        if handler.request_streaming:
            behaviour = handler.stream_stream if streams_out else handler.stream_unary
            factory = grpc.stream_stream_rpc_method_handler if streams_out else grpc.stream_unary_rpc_method_handler
        else:
            behaviour = handler.unary_stream if streams_out else handler.unary_unary
            factory = grpc.unary_stream_rpc_method_handler if streams_out else grpc.unary_unary_rpc_method_handler
        assert behaviour is not None
        wrapped = self._streaming(method, behaviour) if streams_out else self._unary(method, behaviour)
        return factory(
            wrapped,
            request_deserializer=handler.request_deserializer,
            response_serializer=handler.response_serializer,
        )

    def _unary(self, method: str, behaviour: _Handler) -> _Handler:
        def call(request: Any, context: grpc.ServicerContext) -> Any:
            with self._guard(method, context):
                return behaviour(request, context)

        return call

    def _streaming(self, method: str, behaviour: _Handler) -> _Handler:
        def call(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
            with self._guard(method, context):
                yield from behaviour(request, context)

        return call

    @contextmanager
    def _guard(self, method: str, context: grpc.ServicerContext) -> Iterator[None]:
        places = self._waiting_places if method in self._watch_methods else self._active_places
        started = time.monotonic()
        name = "OK"
        self._metrics.active.labels(method).inc()
        admitted = places.acquire(blocking=False)
        try:
            if not admitted:
                raise OverloadedError("the server is busy; try again later", retry_delay_seconds=1)
            yield
        except MoodcutError as error:
            name = error.code
            _log.info("%s: %s: %s", method, error.reason, error.message)
            context.abort_with_status(rpc_status.to_status(to_status(error)))
        except GeneratorExit:
            name = "CANCELLED"
            raise
        except Exception:
            if not context.is_active():
                name = "CANCELLED"
                raise
            aborted = context.code()  # type: ignore[attr-defined]
            if aborted is not None:
                name = aborted.name  # The servicer has ended the call itself.
                raise
            name = "INTERNAL"
            _log.exception("%s failed", method)
            context.abort_with_status(
                rpc_status.to_status(to_status(MoodcutError("internal error; the server's log has the details")))
            )
        finally:
            if admitted:
                places.release()
            self._metrics.active.labels(method).dec()
            self._metrics.calls.labels(method, name).inc()
            self._metrics.seconds.labels(method).observe(time.monotonic() - started)
