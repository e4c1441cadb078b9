"""MontageService over gRPC: translate, call, translate back."""

from __future__ import annotations

import logging
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from hashlib import sha256
from pathlib import Path

import grpc

from moodcut_director.errors import MediaNotFoundError, NotFinishedError, OptionError
from moodcut_director.matching import Matching, check_request
from moodcut_director.messages import selection_from
from moodcut_director.montages import Montages, Progress
from moodcut_director.record import NewerSchemaError, Record, State, UnreadableRecordError
from moodcut_director.settings import DirectorSettings
from moodcut_director.steps import Services, Steps
from moodcut_director.streaming import Watched
from moodcut_director.worker import Worker
from moodcut_kit.client import Caller, Pool, connect
from moodcut_kit.contract import LOCAL_PRINCIPAL, media_key
from moodcut_kit.errors import OverloadedError, UnavailableError
from moodcut_kit.server import Service
from moodcut_kit.store.base import ObjectExistsError, ObjectStore
from moodcut_kit.v1 import (
    montage_pb2,
    montage_pb2_grpc,
    renderer_pb2_grpc,
    scorer_pb2_grpc,
    segmenter_pb2_grpc,
    solver_pb2_grpc,
)

_log = logging.getLogger(__name__)
_SERVICE = "moodcut.v1.MontageService"
_CHUNK_BYTES = 1 << 20
_PAGE_SIZE, _MAX_PAGE_SIZE = 50, 500
_MATCH_RETRY_SECONDS = 5
_FILES = {
    montage_pb2.MONTAGE_FILE_VIDEO: "video_key",
    montage_pb2.MONTAGE_FILE_OTIO: "otio_key",
    montage_pb2.MONTAGE_FILE_REPORT: "report_key",
}


class MontageServicer(montage_pb2_grpc.MontageServiceServicer):
    """Takes requests; a :class:`~moodcut_director.worker.Worker` carries them out."""

    def __init__(self, montages: Montages, worker: Worker, services: Services, settings: DirectorSettings) -> None:
        self._montages = montages
        self._worker = worker
        self._services = services
        self._settings = settings
        self._match_places = threading.BoundedSemaphore(settings.match_limit)
        self._principal = LOCAL_PRINCIPAL
        self._stopping = threading.Event()

    def stop(self) -> None:
        """End the streams that wait, and give the work back."""
        self._stopping.set()
        self._worker.stop()

    def CreateMontage(  # noqa: N802
        self, request: montage_pb2.CreateMontageRequest, context: grpc.ServicerContext
    ) -> montage_pb2.CreateMontageResponse:
        """Begin a montage."""
        if not 1 <= len(request.request_id) <= 200:
            raise OptionError("request_id must have 1 to 200 characters", field="request_id")
        selection_from(request.options)
        if request.options.random_scores and request.options.mood:
            raise OptionError("random_scores and mood exclude one another", field="mood")
        for role, ref in (("movie", request.movie), ("music", request.music)):
            if self._montages.store.stat(media_key(self._principal, ref.sha256)) is None:
                message = f"the {role} {ref.name or ref.sha256} is not in the store; upload it first"
                raise MediaNotFoundError(message, field=role, sha256=ref.sha256)
        montage_id = self._montages.create(self._principal, request)
        self._worker.expect(self._principal, montage_id)
        return montage_pb2.CreateMontageResponse(montage=self._montage(montage_id))

    def GetMontage(  # noqa: N802
        self, request: montage_pb2.GetMontageRequest, context: grpc.ServicerContext
    ) -> montage_pb2.GetMontageResponse:
        """Say how a montage stands."""
        return montage_pb2.GetMontageResponse(montage=self._montage(request.montage_id))

    def ListMontages(  # noqa: N802
        self, request: montage_pb2.ListMontagesRequest, context: grpc.ServicerContext
    ) -> montage_pb2.ListMontagesResponse:
        """List montages, newest first; a page token is the id of the last montage already listed."""
        if not 0 <= request.page_size <= _MAX_PAGE_SIZE:
            raise OptionError(f"page_size must be between 0 and {_MAX_PAGE_SIZE}", field="page_size")
        found = list(self._readable())
        found.sort(key=lambda each: (-each.create_time.ToNanoseconds(), each.montage_id))
        start = 0
        if request.page_token:
            ids = [each.montage_id for each in found]
            if request.page_token not in ids:
                raise OptionError("page_token is not one this server gave", field="page_token")
            start = ids.index(request.page_token) + 1
        page = found[start : start + (request.page_size or _PAGE_SIZE)]
        more = start + len(page) < len(found)
        return montage_pb2.ListMontagesResponse(montages=page, next_page_token=page[-1].montage_id if more else "")

    def WatchMontage(  # noqa: N802
        self, request: montage_pb2.WatchMontageRequest, context: grpc.ServicerContext
    ) -> Iterator[montage_pb2.WatchMontageResponse]:
        """Send the montage whenever it changes, until it has ended."""
        last = None
        while context.is_active():
            if self._stopping.is_set():
                raise UnavailableError("the director is stopping; watch again")
            montage = self._montage(request.montage_id)
            if montage != last:
                yield montage_pb2.WatchMontageResponse(montage=montage)
                last = montage
            if State(montage_pb2.MontageState.Name(montage.state).removeprefix("MONTAGE_STATE_")).ended:
                return
            self._stopping.wait(self._settings.watch_seconds)

    def CancelMontage(  # noqa: N802
        self, request: montage_pb2.CancelMontageRequest, context: grpc.ServicerContext
    ) -> montage_pb2.CancelMontageResponse:
        """Stop a montage."""
        self._montages.change(self._principal, request.montage_id, lambda record: record.cancelled())
        return montage_pb2.CancelMontageResponse(montage=self._montage(request.montage_id))

    def UploadMedia(  # noqa: N802
        self, request_iterator: Iterator[montage_pb2.UploadMediaRequest], context: grpc.ServicerContext
    ) -> montage_pb2.UploadMediaResponse:
        """Take a file; it is stored under its content hash once all of it is here."""
        digest, byte_count = sha256(), 0
        with tempfile.TemporaryDirectory(prefix="moodcut-upload-") as directory:
            path = Path(directory) / "media"
            with path.open("wb") as file:
                for message in request_iterator:
                    digest.update(message.data)
                    byte_count += file.write(message.data)
            if byte_count == 0:
                raise OptionError("the upload is empty", field="data")
            # Where the same content is there already, nothing is left to do.
            with suppress(ObjectExistsError):
                self._montages.store.put_file(media_key(self._principal, digest.hexdigest()), path, if_absent=True)
        return montage_pb2.UploadMediaResponse(sha256=digest.hexdigest(), byte_count=byte_count)

    def DownloadMontage(  # noqa: N802
        self, request: montage_pb2.DownloadMontageRequest, context: grpc.ServicerContext
    ) -> Iterator[montage_pb2.DownloadMontageResponse]:
        """Send a file of a finished montage in pieces."""
        if request.file not in _FILES:
            raise OptionError("file must be VIDEO, OTIO or REPORT", field="file")
        record, _ = self._montages.load(self._principal, request.montage_id)
        key = record.result.get(_FILES[request.file], "")
        if not key:
            message = f"montage {request.montage_id} is {record.state.value} and has no such file"
            raise NotFinishedError(message, state=record.state.value)
        with self._montages.store.open_path(key) as path, path.open("rb") as file:
            byte_count = path.stat().st_size
            while data := file.read(_CHUNK_BYTES):
                yield montage_pb2.DownloadMontageResponse(data=data, byte_count=byte_count)
                byte_count = 0

    def MatchMusic(  # noqa: N802
        self, request: montage_pb2.MatchMusicRequest, context: grpc.ServicerContext
    ) -> Iterator[montage_pb2.MatchMusicResponse]:
        """Send progress, and then every pair, best first."""
        check_request(request, self._montages.store, self._principal)
        if not self._match_places.acquire(blocking=False):
            message = f"{self._settings.match_limit} matches are under way; try again later"
            raise OverloadedError(message, retry_delay_seconds=_MATCH_RETRY_SECONDS)
        try:
            watched = Watched(
                partial(self._match, request),
                context=context,
                stopping=self._stopping,
                every_seconds=self._settings.watch_seconds,
            )
            for progress in watched:
                yield montage_pb2.MatchMusicResponse(stage=progress.stage, stage_progress=progress.share)
        finally:
            self._match_places.release()
        for match in watched.result:
            yield montage_pb2.MatchMusicResponse(stage="match", stage_progress=1.0, match=match)

    def _match(
        self,
        request: montage_pb2.MatchMusicRequest,
        cancelled: threading.Event,
        on_progress: Callable[[Progress], None],
    ) -> list[montage_pb2.MusicMatch]:
        settings = self._settings
        steps = Steps(
            services=self._services,
            caller=Caller(cancelled=cancelled, patience_seconds=settings.patience_seconds),
            principal=self._principal,
            options=request.options,
        )
        return Matching(
            store=self._montages.store,
            steps=steps,
            request=request,
            calls_at_once=settings.ranges_per_segmenter * len(settings.segmenter_addresses),
            solve_time_limit_seconds=settings.solve_time_limit_seconds,
            on_progress=on_progress,
        ).run()

    def _readable(self) -> Iterator[montage_pb2.Montage]:
        for montage_id in self._montages.ids(self._principal):
            try:
                yield self._montage(montage_id)
            except (NewerSchemaError, UnreadableRecordError) as error:
                _log.warning("montage %s is left out of the list: %s", montage_id, error.message)

    def _montage(self, montage_id: str) -> montage_pb2.Montage:
        record, _ = self._montages.load(self._principal, montage_id)
        return to_message(record, self._montages.progress(self._principal, montage_id))


def to_message(record: Record, progress: Progress) -> montage_pb2.Montage:
    """A montage as its users see it."""
    montage = montage_pb2.Montage(
        montage_id=record.montage_id,
        state=montage_pb2.MontageState.Value(f"MONTAGE_STATE_{record.state.value}"),
        stage="" if record.state.ended else progress.stage,
        stage_progress=0.0 if record.state.ended else progress.share,
    )
    montage.create_time.FromMicroseconds(int(record.created_seconds * 1e6))
    for stage, seconds in record.stage_seconds.items():
        montage.stage_times.add(stage=stage, seconds=seconds)
    if record.error:
        for name in ("code", "reason", "message"):
            setattr(montage.error, name, record.error[name])
        montage.error.metadata.update(record.error["metadata"])  # type: ignore[call-overload]
    if record.state is State.SUCCEEDED:
        for name, key in record.result.items():
            setattr(montage.result, name, key)
        montage.result.relaxations.extend(record.relaxations)
    return montage


def montage_service(store: ObjectStore, settings: DirectorSettings) -> Service:
    """The director, ready to be hosted. A store without working conditional writes is refused."""
    store.self_test()
    montages = Montages(store)
    services = Services(
        segmenters=Pool(
            settings.segmenter_addresses,
            segmenter_pb2_grpc.SegmenterServiceStub,
            calls_per_server=settings.ranges_per_segmenter,
        ),
        scorer=scorer_pb2_grpc.ScorerServiceStub(connect(settings.scorer_address)),
        solver=solver_pb2_grpc.SolverServiceStub(connect(settings.solver_address)),
        renderer=renderer_pb2_grpc.RendererServiceStub(connect(settings.renderer_address)),
    )
    worker = Worker(montages, services, settings)
    servicer = MontageServicer(montages, worker, services, settings)
    return Service(
        name=_SERVICE,
        add_to_server=lambda server: montage_pb2_grpc.add_MontageServiceServicer_to_server(servicer, server),
        start=worker.start,
        stop=servicer.stop,
        watch_methods=frozenset({f"/{_SERVICE}/WatchMontage"}),
    )
