"""A film's analysis from the caller's side: plan, ranges side by side, finish."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from moodcut_kit.client.calls import Caller
from moodcut_kit.client.pool import Pool
from moodcut_kit.client.progress import RangeProgress
from moodcut_kit.v1 import segmenter_pb2, segmenter_pb2_grpc

# Keepalive notices a server that has died; deadlines are for one that hangs. A plan tells how long the film is.
_LEAST_SECONDS, _SECONDS_A_FRAME = 1800.0, 0.1
_RANGES_SHARE = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class MovieKeys:
    """Names of the objects a finished film analysis consists of."""

    movie_analysis_key: str
    keyframe_index_key: str
    keyframe_pack_key: str


def analyze_movie(
    segmenters: Pool[segmenter_pb2_grpc.SegmenterServiceStub],
    caller: Caller,
    *,
    principal: str,
    movie_sha256: str,
    options: segmenter_pb2.MovieOptions,
    on_progress: Callable[[float], None] = lambda share: None,
) -> MovieKeys:
    """Analyse a film on all ``segmenters``, and return the names of the results: the same however many there are.

    ``on_progress`` is told the share that is done, which never falls. What was analysed before is not analysed again.
    A range whose segmenter fails is analysed by another. Raises RemoteError or CancelledError.
    """
    about = {"principal": principal, "movie_sha256": movie_sha256, "options": options}
    plan = segmenters.call(
        lambda stub: stub.PlanMovie,
        segmenter_pb2.PlanMovieRequest(**about),  # type: ignore[arg-type]
        caller=caller,
        timeout_seconds=_LEAST_SECONDS,
    )
    if plan.movie_analysis_key:
        on_progress(1.0)
        return _keys(plan)
    frame_counts = [frames.end_frame - frames.start_frame for frames in plan.ranges]
    progress = RangeProgress(frame_counts)

    def observe(done: Collection[int], running_seconds: Mapping[int, float]) -> None:
        on_progress(_RANGES_SHARE * progress.share(done, running_seconds))

    analyzed = segmenters.call_all(
        lambda stub: stub.AnalyzeRange,
        [
            segmenter_pb2.AnalyzeRangeRequest(**about, plan_key=plan.plan_key, range=frames)  # type: ignore[arg-type]
            for frames in plan.ranges
        ],
        caller=caller,
        timeout_seconds=_deadline_seconds(max(frame_counts, default=0)),
        observe=observe,
    )
    finished = segmenters.call(
        lambda stub: stub.FinishMovie,
        segmenter_pb2.FinishMovieRequest(
            **about,  # type: ignore[arg-type]
            plan_key=plan.plan_key,
            range_keys=[each.range_key for each in analyzed],
        ),
        caller=caller,
        timeout_seconds=_deadline_seconds(plan.frame_count),
    )
    on_progress(1.0)
    return _keys(finished)


def _deadline_seconds(frame_count: int) -> float:
    """How long a call about so many frames may take: a film can be one range, whatever its length."""
    return _LEAST_SECONDS + _SECONDS_A_FRAME * frame_count


def _keys(response: segmenter_pb2.PlanMovieResponse | segmenter_pb2.FinishMovieResponse) -> MovieKeys:
    return MovieKeys(
        movie_analysis_key=response.movie_analysis_key,
        keyframe_index_key=response.keyframe_index_key,
        keyframe_pack_key=response.keyframe_pack_key,
    )
