"""Stand-ins for the services a director calls: real servicers that answer from a prepared film and song.

They write the objects the contract names and count their calls; ``trouble`` can make any of them wait or fail, and
``bonus`` is added to all scores against a piece of music, by its hash.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import grpc

from moodcut_kit.contract import analysis_key
from moodcut_kit.store.base import ObjectStore
from moodcut_kit.v1 import (
    media_pb2,
    renderer_pb2,
    renderer_pb2_grpc,
    scorer_pb2,
    scorer_pb2_grpc,
    segmenter_pb2,
    segmenter_pb2_grpc,
)

FINGERPRINT = "f" * 64
SHOT_FRAMES, SHOT_COUNT, BAR_COUNT, RATE = 60, 12, 6, 25


def movie(sha256: str) -> media_pb2.MovieAnalysis:
    """12 shots of 60 frames at 25 fps, three to a scene."""
    analysis = media_pb2.MovieAnalysis(
        sha256=sha256,
        frame_times=media_pb2.FrameTimes(
            time_base=media_pb2.Rational(num=1, den=RATE),
            runs=[media_pb2.StepRun(step=1, count=SHOT_FRAMES * SHOT_COUNT)],
        ),
        frame_rate=media_pb2.Rational(num=RATE, den=1),
        frame_count=SHOT_FRAMES * SHOT_COUNT,
    )
    for index in range(SHOT_COUNT):
        start, end = index * SHOT_FRAMES, (index + 1) * SHOT_FRAMES
        analysis.shots.add(
            shot_id=f"shot-{index + 1:04d}",
            scene_id=f"scene-{index // 3 + 1:03d}",
            start_frame=start,
            end_frame=end,
            usable_start_frame=start,
            usable_end_frame=end,
        )
    for index in range(SHOT_COUNT // 3):
        analysis.scenes.add(scene_id=f"scene-{index + 1:03d}", first_shot_index=3 * index, end_shot_index=3 * index + 3)
    return analysis


def music(sha256: str) -> media_pb2.MusicAnalysis:
    """Six bars of two seconds from second 1 on."""
    analysis = media_pb2.MusicAnalysis(
        sha256=sha256,
        time_base=media_pb2.Rational(num=1, den=1000),
        duration_pts=14_000,
        bpm=120,
        meter=4,
        confidence=0.9,
        backend=media_pb2.BEAT_BACKEND_STEADY,
    )
    for index in range(BAR_COUNT):
        analysis.bars.add(index=index, start_pts=1000 + 2000 * index, end_pts=3000 + 2000 * index)
    for index in range(4 * BAR_COUNT + 1):
        analysis.beats.add(pts=1000 + 500 * index, position=index % 4 + 1)
    return analysis


class FakeServices(
    segmenter_pb2_grpc.SegmenterServiceServicer,
    scorer_pb2_grpc.ScorerServiceServicer,
    renderer_pb2_grpc.RendererServiceServicer,
):
    """Segmenter, scorer and renderer in one."""

    def __init__(self, store: ObjectStore) -> None:
        self.store = store
        self.calls: Counter[str] = Counter()
        self.requests: dict[str, Any] = {}
        self.trouble: dict[str, Callable[[grpc.ServicerContext], None]] = {}
        self.bonus: dict[str, float] = {}

    def add_to_server(self, server: grpc.Server) -> None:
        segmenter_pb2_grpc.add_SegmenterServiceServicer_to_server(self, server)
        scorer_pb2_grpc.add_ScorerServiceServicer_to_server(self, server)
        renderer_pb2_grpc.add_RendererServiceServicer_to_server(self, server)

    def _begin(self, name: str, context: grpc.ServicerContext) -> None:
        self.calls[name] += 1
        if name in self.trouble:
            self.trouble[name](context)

    def _key(self, request: object, sha256: str, name: str) -> str:
        return analysis_key(request.principal, sha256, FINGERPRINT, name)  # type: ignore[attr-defined]

    def PlanMovie(  # noqa: N802
        self, request: segmenter_pb2.PlanMovieRequest, context: grpc.ServicerContext
    ) -> segmenter_pb2.PlanMovieResponse:
        self._begin("PlanMovie", context)
        half = SHOT_FRAMES * SHOT_COUNT // 2
        return segmenter_pb2.PlanMovieResponse(
            plan_key=self._key(request, request.movie_sha256, "plan"),
            ranges=[
                segmenter_pb2.FrameRange(start_frame=0, end_frame=half),
                segmenter_pb2.FrameRange(start_frame=half, end_frame=2 * half),
            ],
            frame_count=2 * half,
        )

    def AnalyzeRange(  # noqa: N802
        self, request: segmenter_pb2.AnalyzeRangeRequest, context: grpc.ServicerContext
    ) -> segmenter_pb2.AnalyzeRangeResponse:
        self._begin("AnalyzeRange", context)
        name = f"range-{request.range.start_frame}"
        return segmenter_pb2.AnalyzeRangeResponse(range_key=self._key(request, request.movie_sha256, name))

    def FinishMovie(  # noqa: N802
        self, request: segmenter_pb2.FinishMovieRequest, context: grpc.ServicerContext
    ) -> segmenter_pb2.FinishMovieResponse:
        self._begin("FinishMovie", context)
        assert [key.rpartition("-")[2] for key in request.range_keys] == ["0", "360"]
        keys = {
            name: self._key(request, request.movie_sha256, name)
            for name in ("movie.pb", "keyframes.pb", "keyframes.jpegs")
        }
        self.store.put(keys["movie.pb"], movie(request.movie_sha256).SerializeToString())
        self.store.put(keys["keyframes.pb"], b"")
        self.store.put(keys["keyframes.jpegs"], b"")
        return segmenter_pb2.FinishMovieResponse(
            movie_analysis_key=keys["movie.pb"],
            keyframe_index_key=keys["keyframes.pb"],
            keyframe_pack_key=keys["keyframes.jpegs"],
        )

    def SegmentMusic(  # noqa: N802
        self, request: segmenter_pb2.SegmentMusicRequest, context: grpc.ServicerContext
    ) -> segmenter_pb2.SegmentMusicResponse:
        self._begin("SegmentMusic", context)
        self.requests["SegmentMusic"] = request
        key = self._key(request, request.music_sha256, "music.pb")
        self.store.put(key, music(request.music_sha256).SerializeToString())
        return segmenter_pb2.SegmentMusicResponse(music_analysis_key=key)

    def ScoreShots(  # noqa: N802
        self, request: scorer_pb2.ScoreShotsRequest, context: grpc.ServicerContext
    ) -> scorer_pb2.ScoreShotsResponse:
        self._begin("ScoreShots", context)
        self.requests["ScoreShots"] = request
        scores = media_pb2.Scores(model="fake", music_emotion=media_pb2.EmotionPosterior(sad=1.0))
        for index in range(SHOT_COUNT):
            scores.shots.add(
                shot_id=f"shot-{index + 1:04d}",
                score=(index * 5 % 7) / 7 + self.bonus.get(request.music_sha256, 0.0),
                emotion=media_pb2.EmotionPosterior(excited=1.0),
            )
        key = self._key(request, request.movie_sha256, f"scores-{request.music_sha256[:8]}.pb")
        self.store.put(key, scores.SerializeToString())
        return scorer_pb2.ScoreShotsResponse(scores_key=key)

    def RenderMontage(  # noqa: N802
        self, request: renderer_pb2.RenderMontageRequest, context: grpc.ServicerContext
    ) -> Iterator[renderer_pb2.RenderMontageResponse]:
        self._begin("RenderMontage", context)
        timeline = renderer_pb2.Timeline.FromString(self.store.get(request.timeline_key).data)
        frame_count = sum(clip.frame_count for clip in timeline.clips)
        yield renderer_pb2.RenderMontageResponse(frames_done=0, frame_count=frame_count)
        video_key, otio_key = f"{request.output_prefix}montage.mp4", f"{request.output_prefix}montage.otio"
        self.store.put(video_key, b"video")
        self.store.put(otio_key, b"{}")
        yield renderer_pb2.RenderMontageResponse(
            frames_done=frame_count, frame_count=frame_count, video_key=video_key, otio_key=otio_key
        )
