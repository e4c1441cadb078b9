"""SolverService over a real channel."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import numpy as np
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from moodcut_kit.client import connect
from moodcut_kit.server import ServerSettings, start_server
from moodcut_kit.v1 import solver_pb2, solver_pb2_grpc
from moodcut_solver.messages import solve_message
from moodcut_solver.service import solver_service
from moodcut_solver.settings import SolverSettings


@pytest.fixture(scope="module")
def stub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[solver_pb2_grpc.SolverServiceStub]:
    address = f"unix:{tmp_path_factory.mktemp('solver') / 'socket'}"
    service = solver_service(SolverSettings(warm_up=True))
    settings = ServerSettings(address=address, max_active_calls=64)
    with start_server([service], settings), connect(address) as channel:
        yield solver_pb2_grpc.SolverServiceStub(channel)


def problem(seed: int, shot_count: int = 60, bar_count: int = 20) -> solver_pb2.SolveRequest:
    rng = np.random.default_rng(seed)
    scene = np.cumsum(rng.random(shot_count) < 0.2)
    request = solver_pb2.SolveRequest(bar_count=bar_count)
    for k in range(shot_count):
        request.shots.add(
            shot_id=f"shot{k}", scene_id=f"scene{scene[k]}", bars=int(rng.integers(0, 5)), score=float(rng.normal())
        )
    if seed % 3 == 0:
        request.hard_scene_limit.max_scenes = 3
    elif seed % 3 == 1:
        request.soft_scene_limit.max_scenes = 2
    if seed % 2:
        request.length_mode = solver_pb2.LENGTH_MODE_FLEXIBLE
    return request


def test_the_service_answers_as_the_library_does(stub: solver_pb2_grpc.SolverServiceStub) -> None:
    for seed in range(12):
        answer, expected = stub.Solve(problem(seed)), solve_message(problem(seed))
        answer.solve_seconds = expected.solve_seconds
        assert answer == expected


def test_a_request_beyond_the_usual_size_is_taken(stub: solver_pb2_grpc.SolverServiceStub) -> None:
    request = problem(2, shot_count=3000, bar_count=200)
    rng = np.random.default_rng(4)
    for shot in request.shots:
        shot.bar_scores.extend(rng.random(200))
    assert request.ByteSize() > 4 << 20
    assert stub.Solve(request).status == solver_pb2.SolveResponse.STATUS_OPTIMAL


def test_bad_input_is_refused_with_its_field(stub: solver_pb2_grpc.SolverServiceStub) -> None:
    request = problem(0)
    request.shots[7].score = float("nan")
    with pytest.raises(grpc.RpcError) as caught:
        stub.Solve(request)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "shots[7].score" in caught.value.details()
    status = rpc_status.from_call(caught.value)
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    assert (info.reason, info.domain, info.metadata["field"]) == ("INVALID_PROBLEM", "moodcut", "shots[7].score")


def test_several_selections_within_a_soft_limit(stub: solver_pb2_grpc.SolverServiceStub) -> None:
    request = problem(1)
    request.solution_count = 3
    response = stub.Solve(request)
    assert response.status == solver_pb2.SolveResponse.STATUS_OPTIMAL
    objectives = [response.objective, *(other.objective for other in response.alternatives)]
    assert len(objectives) == 3
    assert objectives == sorted(objectives, reverse=True)


def test_many_clients_at_once_lose_nothing(stub: solver_pb2_grpc.SolverServiceStub) -> None:
    expected = {seed: solve_message(problem(seed)).objective for seed in range(24)}

    def ask(number: int) -> bool:
        return bool(stub.Solve(problem(number % 24), wait_for_ready=True).objective == expected[number % 24])

    with ThreadPoolExecutor(48) as pool:
        assert all(pool.map(ask, range(480)))


def test_a_cancelled_call_stops_computing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped = threading.Event()

    def solve(request: solver_pb2.SolveRequest, *, should_stop: object) -> solver_pb2.SolveResponse:
        try:
            return solve_message(request, should_stop=should_stop)  # type: ignore[arg-type]
        finally:
            stopped.set()

    monkeypatch.setattr("moodcut_solver.service.solve_message", solve)
    address = f"unix:{tmp_path / 'socket'}"
    request = problem(0, shot_count=20_000, bar_count=1000)
    request.hard_scene_limit.max_scenes = 40
    request.length_mode = solver_pb2.LENGTH_MODE_WHOLE_SHOT
    with start_server([solver_service()], ServerSettings(address=address)), connect(address) as channel:
        call = solver_pb2_grpc.SolverServiceStub(channel).Solve.future(request)
        assert not stopped.wait(0.5)
        call.cancel()
        assert stopped.wait(2.0)
