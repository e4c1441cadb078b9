"""Start a gRPC server with health, reflection, metrics, bounded admission and a graceful end."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import FrameType

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from prometheus_client import CollectorRegistry, start_http_server

from moodcut_kit.errors import UnavailableError
from moodcut_kit.server.heaps import share_heaps
from moodcut_kit.server.interceptors import CallInterceptor, CallMetrics

_log = logging.getLogger(__name__)
MAX_MESSAGE_BYTES = 32 * 1024 * 1024
KEEPALIVE_SECONDS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """How a server listens. Port 0 takes a free one; ``metrics_port`` None serves no metrics.

    Metrics are served on the same host as the calls (on loopback for a Unix socket). ``private_address`` is listened on
    too: services that share a process find one another there.
    """

    address: str = "127.0.0.1:0"
    private_address: str | None = None
    max_active_calls: int = 32
    max_waiting_streams: int = 64
    metrics_port: int | None = None
    grace_seconds: float = 20.0
    max_connection_age_seconds: int = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One service to host: its full gRPC name, how to add it to a server, and what to do at the end.

    ``watch_methods`` are full method names of streams that only wait.
    """

    name: str
    add_to_server: Callable[[grpc.Server], None]
    start: Callable[[], None] = lambda: None
    stop: Callable[[], None] = lambda: None
    watch_methods: frozenset[str] = frozenset()


class RunningServer:
    """A server that listens. Use as a context manager, or call :meth:`stop`."""

    def __init__(
        self, server: grpc.Server, address: str, services: Sequence[Service], settings: ServerSettings
    ) -> None:
        self.address = address
        self._server = server
        self._services = services
        self._settings = settings
        self._health: health.HealthServicer | None = None
        self._close_metrics: Callable[[], None] = lambda: None
        self._stopped = False
        self.metrics_port: int | None = None

    def __enter__(self) -> RunningServer:
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop(grace_seconds=1.0)

    def stop(self, *, grace_seconds: float | None = None) -> None:
        """Drain: say not serving, stop taking work, give calls under way ``grace_seconds``, then end them.

        Stopping twice is stopping once.
        """
        if self._stopped:
            return
        self._stopped = True
        if self._health is not None:
            self._health.enter_graceful_shutdown()
        for service in self._services:
            service.stop()
        grace = self._settings.grace_seconds if grace_seconds is None else grace_seconds
        self._server.stop(grace).wait()
        self._close_metrics()

    def _serve_metrics(self, port: int, registry: CollectorRegistry) -> None:
        unix = self.address.startswith("unix:")
        host = "127.0.0.1" if unix else self.address.rpartition(":")[0].strip("[]")
        server, thread = start_http_server(port, addr=host, registry=registry)
        self.metrics_port = server.server_port

        def close() -> None:
            server.shutdown()
            server.server_close()
            thread.join()

        self._close_metrics = close

    def serve_until_signal(self) -> None:
        """Block until SIGTERM or SIGINT, then drain."""
        ended = threading.Event()

        def end(_signal: int, _frame: FrameType | None) -> None:
            ended.set()

        signal.signal(signal.SIGTERM, end)
        signal.signal(signal.SIGINT, end)
        ended.wait()
        _log.info("draining")
        self.stop()


def start_server(services: Sequence[Service], settings: ServerSettings) -> RunningServer:
    """Start hosting ``services``. Raises UnavailableError if the address cannot be bound."""
    share_heaps()
    registry = CollectorRegistry()
    watch_methods = frozenset[str]().union(*(service.watch_methods for service in services))
    interceptor = CallInterceptor(
        metrics=CallMetrics(registry),
        max_active_calls=settings.max_active_calls,
        max_waiting_streams=settings.max_waiting_streams,
        watch_methods=watch_methods,
    )
    server = grpc.server(
        # A few threads more than calls are admitted, to answer health checks and to refuse.
        ThreadPoolExecutor(settings.max_active_calls + settings.max_waiting_streams + 8, thread_name_prefix="rpc"),
        interceptors=[interceptor],
        options=[
            ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
            ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
            ("grpc.so_reuseport", 0),
            ("grpc.max_metadata_size", 64 * 1024),
            ("grpc.keepalive_time_ms", KEEPALIVE_SECONDS * 1000),
            ("grpc.http2.min_ping_interval_without_data_ms", KEEPALIVE_SECONDS * 500),
            ("grpc.max_connection_age_ms", settings.max_connection_age_seconds * 1000),
            ("grpc.max_connection_age_grace_ms", 600_000),
        ],
    )
    for service in services:
        service.add_to_server(server)
    checker = health.HealthServicer(experimental_non_blocking=True)
    health_pb2_grpc.add_HealthServicer_to_server(checker, server)
    names = [service.name for service in services]
    reflection.enable_server_reflection([*names, health.SERVICE_NAME, reflection.SERVICE_NAME], server)
    try:
        port = server.add_insecure_port(settings.address)
        if settings.private_address is not None:
            server.add_insecure_port(settings.private_address)
    except RuntimeError as error:
        raise UnavailableError(f"cannot listen on {settings.address}: {error}", address=settings.address) from error
    unix = settings.address.startswith("unix:")
    address = settings.address if unix else f"{settings.address.rpartition(':')[0]}:{port}"
    running = RunningServer(server, address, services, settings)
    running._health = checker
    if settings.metrics_port is not None:
        running._serve_metrics(settings.metrics_port, registry)
    server.start()
    for service in services:
        service.start()
    for name in ("", *names):
        checker.set(name, health_pb2.HealthCheckResponse.SERVING)
    _log.info("serving %s on %s", ", ".join(names), address)
    return running
