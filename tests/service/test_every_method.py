"""No service leaves a method of its contract to gRPC's base class, which answers UNIMPLEMENTED."""

from __future__ import annotations

import pytest

from moodcut_director.service import MontageServicer
from moodcut_kit.v1 import montage_pb2_grpc, renderer_pb2_grpc, scorer_pb2_grpc, segmenter_pb2_grpc, solver_pb2_grpc
from moodcut_renderer.service import RendererServicer
from moodcut_scorer.service import ScorerServicer
from moodcut_segmenter.service import SegmenterServicer
from moodcut_solver.service import SolverServicer


@pytest.mark.parametrize(
    ("servicer", "contract"),
    [
        (MontageServicer, montage_pb2_grpc.MontageServiceServicer),
        (RendererServicer, renderer_pb2_grpc.RendererServiceServicer),
        (ScorerServicer, scorer_pb2_grpc.ScorerServiceServicer),
        (SegmenterServicer, segmenter_pb2_grpc.SegmenterServiceServicer),
        (SolverServicer, solver_pb2_grpc.SolverServiceServicer),
    ],
)
def test_every_method_of_the_contract_is_there(servicer: type, contract: type) -> None:
    methods = [name for name in vars(contract) if not name.startswith("_")]
    assert methods
    assert [name for name in methods if getattr(servicer, name) is getattr(contract, name)] == []
