"""SegmenterService over gRPC: translate, call, translate back."""

from __future__ import annotations

import logging
import tempfile
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import grpc

from moodcut_kit.contract import analysis_key, check_owned, fingerprint, media_key
from moodcut_kit.errors import CancelledError
from moodcut_kit.media.isolated import read_film_facts
from moodcut_kit.media.stored import stored_media
from moodcut_kit.server import Service
from moodcut_kit.server.flights import Flights
from moodcut_kit.server.heaps import return_unused
from moodcut_kit.store.base import ObjectExistsError, ObjectStore
from moodcut_kit.v1 import media_pb2, segmenter_pb2, segmenter_pb2_grpc
from moodcut_segmenter import messages
from moodcut_segmenter.beat_backends import model_digest
from moodcut_segmenter.detectors import Detector, ShotDetector, make_detector
from moodcut_segmenter.errors import BadPlanError
from moodcut_segmenter.film_pass import analyze_frames, film_shape
from moodcut_segmenter.given_scenes import check_starts
from moodcut_segmenter.keyframes import pack_layout
from moodcut_segmenter.movie import decode_keyframes, merge_ranges, scene_finder
from moodcut_segmenter.movie_names import MovieNames
from moodcut_segmenter.music import analyze_music
from moodcut_segmenter.picture_store import PictureStore
from moodcut_segmenter.range_file import Plan, StoredRange, plan_bytes, range_pieces, read_plan, read_range
from moodcut_segmenter.ranges import plan_ranges
from moodcut_segmenter.scene_finding import SceneFinder
from moodcut_segmenter.scene_model import SceneModel
from moodcut_segmenter.scene_model import model_path as scene_model_path
from moodcut_segmenter.settings import SegmenterSettings

_log = logging.getLogger(__name__)
_SERVICE = "moodcut.v1.SegmenterService"
_MUSIC_VERSION = 3
_MOVIE, _INDEX, _PACK = "movie.pb", "keyframes.pb", "keyframes.jpegs"


class SegmenterServicer(segmenter_pb2_grpc.SegmenterServiceServicer):
    """Segments films and music. A result's name depends on all it was made from: asking twice is free."""

    def __init__(self, store: ObjectStore, settings: SegmenterSettings) -> None:
        self._store = store
        self._settings = settings
        self._flights = Flights()
        self._detectors: dict[Detector | str, ShotDetector] = {}
        self._models_guard = threading.Lock()
        self._loaded_scene_model: tuple[int, SceneModel] | None = None

    def PlanMovie(  # noqa: N802
        self, request: segmenter_pb2.PlanMovieRequest, context: grpc.ServicerContext
    ) -> segmenter_pb2.PlanMovieResponse:
        """Read the film's index and divide it into ranges; nothing of that if its analysis is finished."""
        names = self._names(request.principal, request.movie_sha256, request.options)
        if self._store.stat(names.of(_MOVIE)) is not None:
            done = media_pb2.MovieAnalysis.FromString(self._store.get(names.of(_MOVIE)).data)
            return segmenter_pb2.PlanMovieResponse(
                frame_count=done.frame_count,
                movie_analysis_key=names.of(_MOVIE),
                keyframe_index_key=names.of(_INDEX),
                keyframe_pack_key=names.of(_PACK),
            )
        key = names.of_range("plan.npz")
        with self._flights.only_one(key):
            if self._store.stat(key) is None:
                media = media_key(request.principal, request.movie_sha256)
                with stored_media(self._store, media) as path:
                    facts = read_film_facts(
                        path,
                        limits=self._settings.limits,
                        process_limits=self._settings.process_limits,
                        check=_stops(context),
                    )
                    shape = film_shape(path, facts, decoding=self._settings.decoding, check=_stops(context))
                index = facts.index
                ranges = plan_ranges(
                    index.times.frame_count,
                    alignment_frames=names.detector.alignment_frames,
                    context_frames=names.detector.context_frames,
                    keyframes=index.keyframes,
                    range_frames=self._settings.range_frames,
                )
                self._write_once(key, plan_bytes(Plan(index, shape, tuple(ranges), facts.chapters_seconds)))
            plan = self._plan(request.principal, key, names)
        # What cannot be done is said before the work.
        check_starts(names.options.scene_starts_seconds, plan.index.times.duration_seconds)
        self._scene_finder(names, plan)
        return segmenter_pb2.PlanMovieResponse(
            plan_key=key,
            ranges=[segmenter_pb2.FrameRange(start_frame=start, end_frame=end) for start, end in plan.ranges],
            frame_count=plan.index.times.frame_count,
        )

    def AnalyzeRange(  # noqa: N802
        self, request: segmenter_pb2.AnalyzeRangeRequest, context: grpc.ServicerContext
    ) -> segmenter_pb2.AnalyzeRangeResponse:
        """Analyse one of the plan's ranges."""
        names = self._names(request.principal, request.movie_sha256, request.options)
        start, end = request.range.start_frame, request.range.end_frame
        key = names.of_range(f"range-{start:08d}-{end:08d}")
        with self._flights.only_one(key):
            if self._store.stat(key) is None:
                self._analyze_range(request, names, key, _stops(context))
                return_unused()
        return segmenter_pb2.AnalyzeRangeResponse(range_key=key)

    def FinishMovie(  # noqa: N802
        self, request: segmenter_pb2.FinishMovieRequest, context: grpc.ServicerContext
    ) -> segmenter_pb2.FinishMovieResponse:
        """Put the ranges together and write the analysis, the keyframe index and the pack."""
        names = self._names(request.principal, request.movie_sha256, request.options)
        with self._flights.only_one(names.of(_MOVIE)):
            if self._store.stat(names.of(_MOVIE)) is None:
                self._finish(request, names, _stops(context))
        return segmenter_pb2.FinishMovieResponse(
            movie_analysis_key=names.of(_MOVIE),
            keyframe_index_key=names.of(_INDEX),
            keyframe_pack_key=names.of(_PACK),
        )

    def SegmentMusic(  # noqa: N802
        self, request: segmenter_pb2.SegmentMusicRequest, context: grpc.ServicerContext
    ) -> segmenter_pb2.SegmentMusicResponse:
        """Find beats and bars."""
        options = messages.music_options(request.backend, request.options)
        media = media_key(request.principal, request.music_sha256)
        name = fingerprint(
            stage="segment-music",
            version=_MUSIC_VERSION,
            model_digest=model_digest(options.used_backend),
            parameters=options.parameters(),
            inputs=[request.music_sha256],
        )
        key = analysis_key(request.principal, request.music_sha256, name, "music.pb")
        with self._flights.only_one(key):
            if self._store.stat(key) is None:
                with stored_media(self._store, media) as path:
                    result = analyze_music(
                        path,
                        options,
                        limits=self._settings.limits,
                        process_limits=self._settings.process_limits,
                        check=_stops(context),
                    )
                for warning in result.warnings:
                    _log.warning("music %s: %s", request.music_sha256[:12], warning)
                analysis = messages.music_analysis(result, sha256=request.music_sha256)
                self._write_once(key, analysis.SerializeToString(deterministic=True))
        return segmenter_pb2.SegmentMusicResponse(music_analysis_key=key)

    def _analyze_range(
        self, request: segmenter_pb2.AnalyzeRangeRequest, names: MovieNames, key: str, check: Callable[[], None]
    ) -> None:
        plan = self._plan(request.principal, request.plan_key, names)
        start, end = request.range.start_frame, request.range.end_frame
        if (start, end) not in plan.ranges:
            raise BadPlanError(f"{start} to {end} is not one of the plan's ranges", field="range")
        media = media_key(request.principal, request.movie_sha256)
        with stored_media(self._store, media) as path:
            result = analyze_frames(
                path,
                plan.index,
                plan.shape,
                names.detector,
                start_frame=start,
                end_frame=end,
                decoding=self._settings.decoding,
                check=check,
            )
        self._write_pieces(key, range_pieces(result))

    def _finish(self, request: segmenter_pb2.FinishMovieRequest, names: MovieNames, check: Callable[[], None]) -> None:
        plan = self._plan(request.principal, request.plan_key, names)
        stored = [self._stored_range(request.principal, key, names) for key in request.range_keys]
        check()
        result = merge_ranges(
            [each.result for each in stored], plan.index, plan.shape, find_scenes=self._scene_finder(names, plan)
        )
        jpegs = PictureStore()
        frames = {frame for _, frame in result.keyframes}
        for key, each in zip(request.range_keys, stored, strict=True):
            for frame in frames & each.jpegs.keys():
                jpegs.add([(frame, self._store.get_range(key, *each.jpegs[frame]))])
        check()
        if lacking := sorted(frames - jpegs.keys()):
            with stored_media(self._store, media_key(request.principal, request.movie_sha256)) as path:
                jpegs.add(
                    decode_keyframes(
                        path, plan.index, plan.shape, lacking, decoding=self._settings.decoding, check=check
                    )
                )
        entries = pack_layout((shot, frame, jpegs.byte_count_of(frame)) for shot, frame in result.keyframes)
        analysis = messages.movie_analysis(result, sha256=request.movie_sha256, detector=names.detector)
        # The analysis comes last: where it is, the other two are.
        self._write_pieces(names.of(_PACK), (jpegs[frame] for _, frame in result.keyframes))
        self._write_once(names.of(_INDEX), messages.keyframe_index(entries).SerializeToString(deterministic=True))
        self._write_once(names.of(_MOVIE), analysis.SerializeToString(deterministic=True))

    def _names(self, principal: str, sha256: str, message: segmenter_pb2.MovieOptions) -> MovieNames:
        media_key(principal, sha256)
        options = messages.movie_options(message)
        with self._models_guard:
            if options.detector not in self._detectors:
                self._detectors[options.detector] = make_detector(
                    options.detector, threads=self._settings.network_threads
                )
            detector = self._detectors[options.detector]
        return MovieNames(principal, sha256, options, detector, self._scene_model)

    def _scene_finder(self, names: MovieNames, plan: Plan) -> SceneFinder:
        return scene_finder(names.options, chapters_seconds=plan.chapters_seconds, model=names.scene_model)

    def _scene_model(self) -> SceneModel:
        """The user's model, loaded anew when its file has changed."""
        path = self._settings.scene_model or scene_model_path()
        version = path.stat().st_mtime_ns if path.is_file() else 0
        with self._models_guard:
            if self._loaded_scene_model is None or self._loaded_scene_model[0] != version:
                self._loaded_scene_model = version, SceneModel(path, threads=self._settings.network_threads)
            return self._loaded_scene_model[1]

    def _plan(self, principal: str, key: str, names: MovieNames) -> Plan:
        return read_plan(self._store.get(names.check_own(check_owned(principal, key, "plan_key"))).data)

    def _stored_range(self, principal: str, key: str, names: MovieNames) -> StoredRange:
        names.check_own(check_owned(principal, key, "range_keys"))
        return read_range(lambda offset, count: self._store.get_range(key, offset, count))

    def _write_once(self, key: str, data: bytes) -> None:
        with suppress(ObjectExistsError):
            self._store.put(key, data, if_absent=True)

    def _write_pieces(self, key: str, pieces: Iterable[bytes]) -> None:
        """The same for what may be too much for memory."""
        with tempfile.NamedTemporaryFile(prefix="moodcut-") as file, suppress(ObjectExistsError):
            file.writelines(pieces)
            file.flush()
            self._store.put_file(key, Path(file.name), if_absent=True)


def _stops(context: grpc.ServicerContext) -> Callable[[], None]:
    """Raises CancelledError once the caller has gone."""

    def check() -> None:
        if not context.is_active():
            raise CancelledError("the caller ended the call")

    return check


def segmenter_service(store: ObjectStore, settings: SegmenterSettings | None = None) -> Service:
    """The segmenter, ready to be hosted."""
    servicer = SegmenterServicer(store, settings or SegmenterSettings())
    return Service(
        name=_SERVICE,
        add_to_server=lambda server: segmenter_pb2_grpc.add_SegmenterServiceServicer_to_server(servicer, server),
    )
