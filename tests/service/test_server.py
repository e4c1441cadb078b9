"""What every moodcut server does, whatever it hosts."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from moodcut_kit.client import Caller, connect
from moodcut_kit.errors import CancelledError, FailedPreconditionError, MoodcutError, UnavailableError
from moodcut_kit.server import ServerSettings, Service, start_server
from moodcut_kit.status import from_rpc_error
from moodcut_kit.v1 import renderer_pb2, renderer_pb2_grpc, solver_pb2, solver_pb2_grpc

WATCH = "/moodcut.v1.RendererService/RenderMontage"


class OddError(FailedPreconditionError):
    reason = "ODD"


class Servicer(solver_pb2_grpc.SolverServiceServicer, renderer_pb2_grpc.RendererServiceServicer):
    """Does what a test tells it to."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.entered, self.go_on = threading.Event(), threading.Event()
        self.go_on.set()

    def Solve(  # noqa: N802
        self, request: solver_pb2.SolveRequest, context: grpc.ServicerContext
    ) -> solver_pb2.SolveResponse:
        self.entered.set()
        self.go_on.wait(20)
        if self.error is not None:
            raise self.error
        return solver_pb2.SolveResponse(objective=1.5)

    def RenderMontage(  # noqa: N802
        self, request: renderer_pb2.RenderMontageRequest, context: grpc.ServicerContext
    ) -> Iterator[renderer_pb2.RenderMontageResponse]:
        yield renderer_pb2.RenderMontageResponse(frames_done=1)
        self.entered.set()
        self.go_on.wait(20)
        if self.error is not None:
            raise self.error


@pytest.fixture
def servicer() -> Servicer:
    return Servicer()


@pytest.fixture
def address(servicer: Servicer, tmp_path: Path) -> Iterator[str]:
    def add(server: grpc.Server) -> None:
        solver_pb2_grpc.add_SolverServiceServicer_to_server(servicer, server)
        renderer_pb2_grpc.add_RendererServiceServicer_to_server(servicer, server)

    service = Service(name="moodcut.v1.SolverService", add_to_server=add, watch_methods=frozenset({WATCH}))
    settings = ServerSettings(address=f"unix:{tmp_path}/s", max_active_calls=2, max_waiting_streams=6)
    with start_server([service], settings) as running:
        yield running.address


@pytest.fixture
def channel(address: str) -> Iterator[grpc.Channel]:
    with connect(address) as channel:
        yield channel


def solve(channel: grpc.Channel) -> solver_pb2.SolveResponse:
    return solver_pb2_grpc.SolverServiceStub(channel).Solve(solver_pb2.SolveRequest())


def test_our_errors_arrive_with_reason_and_values(servicer: Servicer, channel: grpc.Channel) -> None:
    servicer.error = OddError("that is odd", place="here")
    with pytest.raises(grpc.RpcError) as caught:
        solve(channel)
    error = from_rpc_error(caught.value)
    assert (error.code, error.reason, error.message) == ("FAILED_PRECONDITION", "ODD", "that is odd")
    assert error.metadata == {"place": "here"}
    assert not error.retryable


def test_errors_within_a_stream_arrive_too(servicer: Servicer, channel: grpc.Channel) -> None:
    servicer.error = OddError("odd in the middle")
    seen = []
    with pytest.raises(MoodcutError, match="odd in the middle"):
        Caller(cancelled=threading.Event()).stream(
            renderer_pb2_grpc.RendererServiceStub(channel).RenderMontage,
            renderer_pb2.RenderMontageRequest(),
            timeout_seconds=20,
            on_message=seen.append,
        )
    assert len(seen) == 1


def test_what_we_did_not_foresee_tells_nothing_to_the_caller(
    servicer: Servicer, channel: grpc.Channel, caplog: pytest.LogCaptureFixture
) -> None:
    servicer.error = RuntimeError("secret path /etc/x")
    with caplog.at_level(logging.CRITICAL), pytest.raises(grpc.RpcError) as caught:
        solve(channel)
    error = from_rpc_error(caught.value)
    assert error.code == "INTERNAL"
    assert "secret" not in error.message


def test_more_calls_than_admitted_are_told_to_come_back(servicer: Servicer, channel: grpc.Channel) -> None:
    servicer.go_on.clear()
    stub = solver_pb2_grpc.SolverServiceStub(channel)
    futures = [stub.Solve.future(solver_pb2.SolveRequest()) for _ in range(3)]
    done = threading.Event()
    for future in futures:
        future.add_done_callback(lambda _: done.set())
    assert done.wait(20)
    refused = [future for future in futures if future.done()]
    assert len(refused) == 1
    error = from_rpc_error(refused[0].exception())
    assert (error.code, error.reason, error.retryable) == ("RESOURCE_EXHAUSTED", "OVERLOADED", True)
    assert float(error.metadata["retry_delay_seconds"]) > 0
    servicer.go_on.set()
    assert all(future.result(timeout=20).objective == 1.5 for future in futures if future not in refused)


def test_waiting_streams_take_no_place(servicer: Servicer, channel: grpc.Channel) -> None:
    servicer.go_on.clear()
    stub = renderer_pb2_grpc.RendererServiceStub(channel)
    streams = [stub.RenderMontage(renderer_pb2.RenderMontageRequest()) for _ in range(4)]
    assert all(next(stream).frames_done == 1 for stream in streams)
    servicer.go_on.set()
    assert solve(channel).objective == 1.5


def test_streams_that_wait_have_a_bound_of_their_own(servicer: Servicer, channel: grpc.Channel) -> None:
    servicer.go_on.clear()
    stub = renderer_pb2_grpc.RendererServiceStub(channel)
    streams = [stub.RenderMontage(renderer_pb2.RenderMontageRequest()) for _ in range(6)]
    assert all(next(stream).frames_done == 1 for stream in streams)
    with pytest.raises(grpc.RpcError) as caught:
        next(stub.RenderMontage(renderer_pb2.RenderMontageRequest()))
    assert from_rpc_error(caught.value).reason == "OVERLOADED"
    status = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest()).status
    assert status == health_pb2.HealthCheckResponse.SERVING
    servicer.go_on.set()
    assert all(not list(stream) for stream in streams)


def test_long_and_odd_messages_arrive(servicer: Servicer, channel: grpc.Channel) -> None:
    servicer.error = OddError("x" * 20_000 + "\udcff", place="y" * 20_000)
    with pytest.raises(grpc.RpcError) as caught:
        solve(channel)
    error = from_rpc_error(caught.value)
    assert error.reason == "ODD"
    assert error.message.startswith("xxx")
    servicer.error = OddError("no \udcff Unicode")
    with pytest.raises(grpc.RpcError) as caught:
        solve(channel)
    assert from_rpc_error(caught.value).message == "no ? Unicode"


def test_a_cancelled_call_ends_at_once(servicer: Servicer, channel: grpc.Channel) -> None:
    servicer.go_on.clear()
    cancelled = threading.Event()
    threading.Timer(0.2, cancelled.set).start()
    with pytest.raises(CancelledError):
        Caller(cancelled=cancelled).unary(
            solver_pb2_grpc.SolverServiceStub(channel).Solve, solver_pb2.SolveRequest(), timeout_seconds=60
        )
    servicer.go_on.set()


def test_health_and_reflection(channel: grpc.Channel) -> None:
    health = health_pb2_grpc.HealthStub(channel)
    for name in ("", "moodcut.v1.SolverService"):
        status = health.Check(health_pb2.HealthCheckRequest(service=name)).status
        assert status == health_pb2.HealthCheckResponse.SERVING
    listing = reflection_pb2.ServerReflectionRequest(list_services="")
    answer = next(reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(iter([listing])))
    assert "moodcut.v1.SolverService" in {each.name for each in answer.list_services_response.service}


def test_metrics_count_calls_by_code(servicer: Servicer, tmp_path: Path) -> None:
    service = Service(
        name="moodcut.v1.SolverService",
        add_to_server=lambda server: solver_pb2_grpc.add_SolverServiceServicer_to_server(servicer, server),
    )
    settings = ServerSettings(address=f"unix:{tmp_path}/m", metrics_port=0)
    with start_server([service], settings) as running, connect(running.address) as channel:
        solve(channel)
        servicer.error = OddError("odd")
        with pytest.raises(grpc.RpcError):
            solve(channel)
        with urlopen(f"http://127.0.0.1:{running.metrics_port}/metrics", timeout=10) as response:
            text = response.read().decode()
    for code in ("OK", "FAILED_PRECONDITION"):
        assert f'moodcut_calls_total{{code="{code}",method="/moodcut.v1.SolverService/Solve"}} 1.0' in text


def test_a_draining_server_finishes_what_it_has_begun(servicer: Servicer, tmp_path: Path) -> None:
    servicer.go_on.clear()
    service = Service(
        name="moodcut.v1.SolverService",
        add_to_server=lambda server: solver_pb2_grpc.add_SolverServiceServicer_to_server(servicer, server),
    )
    running = start_server([service], ServerSettings(address=f"unix:{tmp_path}/d", grace_seconds=20))
    with connect(running.address) as channel:
        future = solver_pb2_grpc.SolverServiceStub(channel).Solve.future(solver_pb2.SolveRequest())
        assert servicer.entered.wait(20)
        stopper = threading.Thread(target=running.stop)
        stopper.start()
        servicer.go_on.set()
        assert future.result(timeout=20).objective == 1.5
        stopper.join(20)
    assert not stopper.is_alive()


def test_an_address_that_is_taken_is_a_clear_error(address: str) -> None:
    with pytest.raises(UnavailableError, match="cannot listen on"):
        start_server([], ServerSettings(address="256.0.0.1:1"))
