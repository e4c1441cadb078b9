"""One montage from request to result: the calls to the other services, in order.

Every step writes its result as an object under a name that depends on its inputs alone, so a job that is taken up again
repeats at most the step that was cut off.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field

from moodcut_director.choose import Choice, choose
from moodcut_director.messages import selection_from
from moodcut_director.montages import Progress
from moodcut_director.record import State
from moodcut_director.report import make_report
from moodcut_director.settings import DirectorSettings
from moodcut_director.steps import Services, Steps
from moodcut_director.timeline import make_timeline
from moodcut_kit.client import Caller, MovieKeys
from moodcut_kit.contract import canonical_json
from moodcut_kit.errors import CancelledError
from moodcut_kit.readable import frame_times_from
from moodcut_kit.store.base import ObjectStore
from moodcut_kit.v1 import media_pb2, montage_pb2, renderer_pb2

_RENDER_SECONDS = 4 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What a finished job has made: object names by field of MontageResult, relaxations, seconds by stage."""

    result: dict[str, str]
    relaxations: tuple[str, ...]
    stage_seconds: dict[str, float]


@dataclass(slots=True, kw_only=True)
class Job:
    """Makes one montage. ``attempt_prefix`` is where what belongs to this attempt alone is written."""

    store: ObjectStore
    services: Services
    caller: Caller
    settings: DirectorSettings
    principal: str
    montage_id: str
    attempt_prefix: str
    request: montage_pb2.CreateMontageRequest
    on_state: Callable[[State, dict[str, float]], None]
    on_progress: Callable[[Progress], None]
    stage_seconds: dict[str, float] = field(default_factory=dict)

    def run(self) -> Made:
        """Do it all. Raises MoodcutError; CancelledError where the caller's event is set."""
        options = self.request.options
        selection = selection_from(options)
        self.on_state(State.SEGMENTING, self.stage_seconds)
        movie_keys, music_key = self._segment()
        movie = media_pb2.MovieAnalysis.FromString(self.store.get(movie_keys.movie_analysis_key).data)
        music = media_pb2.MusicAnalysis.FromString(self.store.get(music_key).data)

        self.on_state(State.SCORING, self.stage_seconds)
        with self._stage("score"):
            scores_key = self._steps.score(self.request.movie.sha256, movie_keys, self.request.music.sha256)
        scores = media_pb2.Scores.FromString(self.store.get(scores_key).data)

        self.on_state(State.SOLVING, self.stage_seconds)
        frame_times = frame_times_from(movie.frame_times)
        with self._stage("solve"):
            chosen = choose(
                solver=self.services.solver,
                caller=self.caller,
                movie=movie,
                frame_times=frame_times,
                music=music,
                scores={shot.shot_id: shot.score for shot in scores.shots},
                selection=selection,
                relax=options.relax,
                time_limit_seconds=self.settings.solve_time_limit_seconds,
            )
            timeline = make_timeline(
                movie=movie,
                movie_ref=self.request.movie,
                music_ref=self.request.music,
                frame_times=frame_times,
                shots={shot.shot_id: shot for shot in chosen.shots},
                placements=chosen.solution.placements,
                grid=chosen.grid,
                rate=chosen.rate,
                average_units=chosen.selection.average_units,
                music_audio_track=options.music.audio_track,
            )
        result = {
            "movie_analysis_key": movie_keys.movie_analysis_key,
            "keyframe_index_key": movie_keys.keyframe_index_key,
            "keyframe_pack_key": movie_keys.keyframe_pack_key,
            "music_analysis_key": music_key,
            "scores_key": scores_key,
            "problem_key": self._put("problem.pb", chosen.problem.SerializeToString(deterministic=True)),
            "solution_key": self._put("solution.pb", chosen.solution.SerializeToString(deterministic=True)),
            "timeline_key": self._put("timeline.pb", timeline.SerializeToString(deterministic=True)),
        }
        if not options.skip_render:
            self.on_state(State.RENDERING, self.stage_seconds)
            result |= self._render(result["timeline_key"])
        result["report_key"] = self._report(movie, music, scores, chosen, timeline)
        return Made(result=result, relaxations=chosen.relaxations, stage_seconds=dict(self.stage_seconds))

    @property
    def _steps(self) -> Steps:
        return Steps(services=self.services, caller=self.caller, principal=self.principal, options=self.request.options)

    def _segment(self) -> tuple[MovieKeys, str]:
        """Film and music side by side."""
        steps, request = self._steps, self.request

        def music() -> str:
            with _cancel_on_error(self.caller.cancelled), self._timed("segment_music"):
                return steps.segment_music(request.music.sha256)

        def movie() -> MovieKeys:
            with _cancel_on_error(self.caller.cancelled), self._stage("segment_movie"):
                return steps.segment_movie(
                    request.movie.sha256,
                    lambda share: self.on_progress(Progress(stage="segment_movie", share=share)),
                )

        # The first to fail ends the other; what is reported is the failure, not that the other was ended.
        with ThreadPoolExecutor(2, thread_name_prefix="segment") as pool:
            movie_future, music_future = pool.submit(movie), pool.submit(music)
            wait([movie_future])
            wait([music_future])
        failures = [each.exception() for each in (movie_future, music_future)]
        for failure in sorted(filter(None, failures), key=lambda each: isinstance(each, CancelledError)):
            raise failure
        return movie_future.result(), music_future.result()

    def _render(self, timeline_key: str) -> dict[str, str]:
        request = renderer_pb2.RenderMontageRequest(
            principal=self.principal,
            timeline_key=timeline_key,
            output_prefix=self.attempt_prefix,
            options=self.request.options.render,
        )
        last = renderer_pb2.RenderMontageResponse()

        def on_message(message: renderer_pb2.RenderMontageResponse) -> None:
            last.CopyFrom(message)
            share = message.frames_done / max(1, message.frame_count)
            self.on_progress(Progress(stage="render", share=share))

        with self._stage("render"):
            self.caller.stream(
                self.services.renderer.RenderMontage, request, timeout_seconds=_RENDER_SECONDS, on_message=on_message
            )
        return {"video_key": last.video_key, "otio_key": last.otio_key}

    def _report(
        self,
        movie: media_pb2.MovieAnalysis,
        music: media_pb2.MusicAnalysis,
        scores: media_pb2.Scores,
        chosen: Choice,
        timeline: renderer_pb2.Timeline,
    ) -> str:
        report = make_report(
            montage_id=self.montage_id,
            movie=movie,
            frame_times=frame_times_from(movie.frame_times),
            music=music,
            scores=scores,
            solution=chosen.solution,
            timeline=timeline,
            unit=chosen.selection.unit.value,
            relaxations=chosen.relaxations,
            stage_seconds=self.stage_seconds,
            grid_warnings=chosen.grid.warnings,
            mood=self.request.options.mood,
            random_scores=self.request.options.random_scores,
        )
        return self._put("report.json", canonical_json(report))

    def _put(self, name: str, data: bytes) -> str:
        key = f"{self.attempt_prefix}{name}"
        self.store.put(key, data)
        return key

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        started = time.monotonic()
        yield
        self.stage_seconds[stage] = time.monotonic() - started

    @contextmanager
    def _stage(self, stage: str) -> Iterator[None]:
        self.on_progress(Progress(stage=stage, share=0.0))
        with self._timed(stage):
            yield


@contextmanager
def _cancel_on_error(cancelled: threading.Event) -> Iterator[None]:
    """Set ``cancelled`` when the block fails, so that what runs beside it ends too."""
    try:
        yield
    except BaseException:
        cancelled.set()
        raise
