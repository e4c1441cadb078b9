"""SolverService over gRPC: translate, call, translate back."""

from __future__ import annotations

import grpc

from moodcut_kit.server import Service
from moodcut_kit.v1 import solver_pb2, solver_pb2_grpc
from moodcut_solver.messages import solve_message
from moodcut_solver.settings import SolverSettings
from moodcut_solver.turns import Turns
from moodcut_solver.warm import warm_up

_SERVICE = "moodcut.v1.SolverService"


class SolverServicer(solver_pb2_grpc.SolverServiceServicer):
    """Answers selection problems. Stateless: every call stands alone.

    At most ``parallel`` problems are worked on at once; calls beyond that wait for their turn, and their time limits
    begin with it.
    """

    def __init__(self, *, parallel: int) -> None:
        self._turns = Turns(parallel)

    def Solve(  # noqa: N802
        self, request: solver_pb2.SolveRequest, context: grpc.ServicerContext
    ) -> solver_pb2.SolveResponse:
        """Find the best selection; stop when the caller has gone."""

        def should_stop() -> bool:
            return not context.is_active()

        with self._turns.turn(should_stop):
            return solve_message(request, should_stop=should_stop)


def solver_service(settings: SolverSettings | None = None) -> Service:
    """The service, ready to be hosted."""
    chosen = settings or SolverSettings()
    servicer = SolverServicer(parallel=chosen.parallel)

    def add_to_server(server: grpc.Server) -> None:
        solver_pb2_grpc.add_SolverServiceServicer_to_server(servicer, server)

    return Service(
        name=_SERVICE,
        add_to_server=add_to_server,
        start=warm_up if chosen.warm_up else lambda: None,
    )
