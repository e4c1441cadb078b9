"""The calls that montages and matches have in common: what they cost is paid once, however often they are made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from moodcut_kit.client import Caller, MovieKeys, Pool, analyze_movie
from moodcut_kit.v1 import (
    montage_pb2,
    renderer_pb2_grpc,
    scorer_pb2,
    scorer_pb2_grpc,
    segmenter_pb2,
    segmenter_pb2_grpc,
    solver_pb2_grpc,
)

_MUSIC_SECONDS = 1800.0
_SCORE_SECONDS = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Stubs of the services that the director calls, and the segmenters."""

    segmenters: Pool[segmenter_pb2_grpc.SegmenterServiceStub]
    scorer: scorer_pb2_grpc.ScorerServiceStub
    solver: solver_pb2_grpc.SolverServiceStub
    renderer: renderer_pb2_grpc.RendererServiceStub


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """Calls for one principal with one request's options. All raise RemoteError or CancelledError."""

    services: Services
    caller: Caller
    principal: str
    options: montage_pb2.MontageOptions

    def segment_movie(self, sha256: str, on_progress: Callable[[float], None]) -> MovieKeys:
        """Names of a film's analysis. ``on_progress`` is told the share that is done."""
        return analyze_movie(
            self.services.segmenters,
            self.caller,
            principal=self.principal,
            movie_sha256=sha256,
            options=self.options.movie,
            on_progress=on_progress,
        )

    def segment_music(self, sha256: str) -> str:
        """Name of a piece of music's analysis."""
        request = segmenter_pb2.SegmentMusicRequest(
            principal=self.principal,
            music_sha256=sha256,
            backend=self.options.beat_backend,
            options=self.options.music,
        )
        response = self.services.segmenters.call(
            lambda stub: stub.SegmentMusic, request, caller=self.caller, timeout_seconds=_MUSIC_SECONDS
        )
        return response.music_analysis_key

    def score(self, movie_sha256: str, movie_keys: MovieKeys, music_sha256: str) -> str:
        """Name of the scores of a film's shots against a piece of music."""
        options = self.options
        request = scorer_pb2.ScoreShotsRequest(
            principal=self.principal,
            movie_sha256=movie_sha256,
            keyframe_index_key=movie_keys.keyframe_index_key,
            keyframe_pack_key=movie_keys.keyframe_pack_key,
            movie_analysis_key=movie_keys.movie_analysis_key,
            music_sha256=music_sha256,
            music_audio_track=options.music.audio_track,
            mood=options.mood,
            random=scorer_pb2.RandomScores(seed=options.seed) if options.random_scores else None,
        )
        response = self.caller.unary(self.services.scorer.ScoreShots, request, timeout_seconds=_SCORE_SECONDS)
        return response.scores_key
