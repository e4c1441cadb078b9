"""A film's analysis from the caller's side: plan, ranges side by side, finish."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass

from moodcut_kit.client.calls import Caller
from moodcut_kit.errors import CancelledError
from moodcut_kit.v1 import segmenter_pb2, segmenter_pb2_grpc

_PLAN_SECONDS = 600.0
_RANGE_SECONDS = 1800.0
_FINISH_SECONDS = 1800.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MovieKeys:
    """Names of the objects a finished film analysis consists of."""

    movie_analysis_key: str
    keyframe_index_key: str
    keyframe_pack_key: str


def analyze_movie(
    segmenter: segmenter_pb2_grpc.SegmenterServiceStub,
    caller: Caller,
    *,
    principal: str,
    movie_sha256: str,
    options: segmenter_pb2.MovieOptions,
    parallel_ranges: int,
    on_progress: Callable[[float], None] = lambda share: None,
) -> MovieKeys:
    """Analyse a film, ``parallel_ranges`` ranges at a time, and return the names of the results.

    ``on_progress`` is told the share that is done. What was analysed before is not analysed again. The first range that
    fails for good ends the others (it sets ``caller.cancelled``). Raises RemoteError or CancelledError.
    """
    about = {"principal": principal, "movie_sha256": movie_sha256, "options": options}
    plan = caller.unary(
        segmenter.PlanMovie,
        segmenter_pb2.PlanMovieRequest(**about),  # type: ignore[arg-type]
        timeout_seconds=_PLAN_SECONDS,
    )
    if plan.movie_analysis_key:
        on_progress(1.0)
        return _keys(plan)

    def analyze(frames: segmenter_pb2.FrameRange) -> str:
        request = segmenter_pb2.AnalyzeRangeRequest(**about, plan_key=plan.plan_key, range=frames)  # type: ignore[arg-type]
        try:
            return caller.unary(segmenter.AnalyzeRange, request, timeout_seconds=_RANGE_SECONDS).range_key
        except BaseException:
            caller.cancelled.set()  # The other ranges would be of no use.
            raise

    with ThreadPoolExecutor(max(1, parallel_ranges), thread_name_prefix="range") as pool:
        futures = {pool.submit(analyze, frames): frames for frames in plan.ranges}
        done_frames, pending = 0, set(futures)
        while pending and not caller.cancelled.is_set():
            done, pending = wait(pending, return_when=FIRST_COMPLETED, timeout=0.5)
            done_frames += sum(futures[each].end_frame - futures[each].start_frame for each in done)
            on_progress(0.95 * done_frames / max(1, plan.frame_count))
        for future in pending:
            future.cancel()
    # What is reported is the failure, not that the others were ended because of it.
    failures = [each.exception() for each in futures if not each.cancelled()]
    for failure in sorted(filter(None, failures), key=lambda each: isinstance(each, CancelledError)):
        raise failure
    if caller.cancelled.is_set():
        raise CancelledError("the film's analysis was cancelled")
    finished = caller.unary(
        segmenter.FinishMovie,
        segmenter_pb2.FinishMovieRequest(
            **about,  # type: ignore[arg-type]
            plan_key=plan.plan_key,
            range_keys=[future.result() for future in futures],
        ),
        timeout_seconds=_FINISH_SECONDS,
    )
    on_progress(1.0)
    return _keys(finished)


def _keys(response: segmenter_pb2.PlanMovieResponse | segmenter_pb2.FinishMovieResponse) -> MovieKeys:
    return MovieKeys(
        movie_analysis_key=response.movie_analysis_key,
        keyframe_index_key=response.keyframe_index_key,
        keyframe_pack_key=response.keyframe_pack_key,
    )
