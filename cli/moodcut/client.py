"""The Python client of a moodcut server."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from moodcut.files import readable_name, whole_file
from moodcut_kit.client import Caller, connect
from moodcut_kit.errors import FailedPreconditionError, UnavailableError
from moodcut_kit.status import from_rpc_error
from moodcut_kit.v1 import montage_pb2, montage_pb2_grpc

_CHUNK_BYTES = 1 << 20
_ENDED = (
    montage_pb2.MONTAGE_STATE_SUCCEEDED,
    montage_pb2.MONTAGE_STATE_FAILED,
    montage_pb2.MONTAGE_STATE_CANCELLED,
)
_CALL_SECONDS = 60.0
_MATCH_SECONDS = 12 * 3600.0
_SERVICE = "moodcut.v1.MontageService"


class Client:
    """Talks to a montage service. Every method raises MoodcutError for what the server reports.

    Example::

        with Client("localhost:50050") as client:
            movie, music = client.upload(Path("film.mp4")), client.upload(Path("song.mp3"))
            montage = client.create(request_id="my-first", movie=movie, music=music)
            for montage in client.watch(montage.montage_id):
                print(montage.stage, montage.stage_progress)
            client.download(montage.montage_id, montage_pb2.MONTAGE_FILE_VIDEO, Path("montage.mp4"))
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self._channel = connect(address)
        self._stub = montage_pb2_grpc.MontageServiceStub(self._channel)
        self._caller = Caller(cancelled=threading.Event(), patience_seconds=60.0)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._channel.close()

    def check(self, *, seconds: float = 10.0) -> None:
        """Make sure that a montage service answers. Raises MoodcutError if not."""
        try:
            grpc.channel_ready_future(self._channel).result(timeout=seconds)
        except grpc.FutureTimeoutError as error:
            raise UnavailableError(
                f"no moodcut server answers at {self._address}; `moodcut serve all` starts one", address=self._address
            ) from error
        request = health_pb2.HealthCheckRequest(service=_SERVICE)
        try:
            health_pb2_grpc.HealthStub(self._channel).Check(request, timeout=_CALL_SECONDS)
        except grpc.RpcError as error:
            remote = from_rpc_error(error)
            if remote.code in ("NOT_FOUND", "UNIMPLEMENTED"):
                message = f"the server at {self._address} makes no montages; give the address of a director"
                raise FailedPreconditionError(message, address=self._address) from error
            raise remote from error

    def upload(self, path: Path) -> montage_pb2.MediaRef:
        """Send a film or a piece of music; what the server has already is not kept twice."""

        def pieces() -> Iterator[montage_pb2.UploadMediaRequest]:
            with path.open("rb") as file:
                while data := file.read(_CHUNK_BYTES):
                    yield montage_pb2.UploadMediaRequest(data=data)

        response = self._caller.retry(lambda: self._stub.UploadMedia(pieces()))
        return montage_pb2.MediaRef(sha256=response.sha256, name=readable_name(path))

    def create(
        self,
        *,
        request_id: str,
        movie: montage_pb2.MediaRef,
        music: montage_pb2.MediaRef,
        options: montage_pb2.MontageOptions | None = None,
    ) -> montage_pb2.Montage:
        """Begin a montage. The same ``request_id`` with the same request gives the montage there is."""
        request = montage_pb2.CreateMontageRequest(request_id=request_id, movie=movie, music=music, options=options)
        return self._caller.unary(self._stub.CreateMontage, request, timeout_seconds=_CALL_SECONDS).montage

    def get(self, montage_id: str) -> montage_pb2.Montage:
        """How a montage stands."""
        request = montage_pb2.GetMontageRequest(montage_id=montage_id)
        return self._caller.unary(self._stub.GetMontage, request, timeout_seconds=_CALL_SECONDS).montage

    def watch(self, montage_id: str) -> Iterator[montage_pb2.Montage]:
        """The montage whenever it changes, until it has ended; a lost connection is taken up again."""
        request = montage_pb2.WatchMontageRequest(montage_id=montage_id)
        latest = montage_pb2.Montage()
        while latest.state not in _ENDED:
            # The connection is found again with patience; from there on the stream is followed while it lasts.
            latest = self.get(montage_id)
            yield latest
            try:
                for response in self._stub.WatchMontage(request):
                    latest = response.montage
                    yield latest
            except grpc.RpcError as error:
                remote = from_rpc_error(error)
                if not remote.retryable and remote.code != "CANCELLED":
                    raise remote from error

    def match(
        self,
        *,
        movies: Sequence[montage_pb2.MediaRef],
        music: Sequence[montage_pb2.MediaRef],
        options: montage_pb2.MontageOptions | None = None,
        scene_count: int = 0,
        on_progress: Callable[[str, float], None] = lambda stage, share: None,
        cancelled: threading.Event | None = None,
    ) -> list[montage_pb2.MusicMatch]:
        """How well every film fits every piece of music, best first; pairs without a fit come last, with their error.

        ``on_progress`` is told the stage and the share of it that is done. A stream that breaks is asked for again:
        what was analysed is not analysed again. Setting ``cancelled`` from elsewhere ends it with CancelledError.
        """
        request = montage_pb2.MatchMusicRequest(movies=movies, music=music, options=options, scene_count=scene_count)
        found: dict[tuple[str, str], montage_pb2.MusicMatch] = {}

        def on_message(message: montage_pb2.MatchMusicResponse) -> None:
            if message.HasField("match"):
                found[message.match.movie.sha256, message.match.music.sha256] = message.match
            else:
                on_progress(message.stage, message.stage_progress)

        caller = self._caller if cancelled is None else Caller(cancelled=cancelled, patience_seconds=60.0)
        caller.stream(self._stub.MatchMusic, request, timeout_seconds=_MATCH_SECONDS, on_message=on_message)
        return list(found.values())

    def cancel(self, montage_id: str) -> montage_pb2.Montage:
        """Stop a montage."""
        request = montage_pb2.CancelMontageRequest(montage_id=montage_id)
        return self._caller.unary(self._stub.CancelMontage, request, timeout_seconds=_CALL_SECONDS).montage

    def download(self, montage_id: str, file: montage_pb2.MontageFile.ValueType, path: Path) -> None:
        """Write a file of a finished montage to ``path``, whole or not at all."""

        def attempt() -> None:
            with whole_file(path) as target:
                for response in self._stub.DownloadMontage(request):
                    target.write(response.data)

        request = montage_pb2.DownloadMontageRequest(montage_id=montage_id, file=file)
        self._caller.retry(attempt)

    def read(self, montage_id: str, file: montage_pb2.MontageFile.ValueType) -> bytes:
        """A file of a finished montage, in memory."""
        request = montage_pb2.DownloadMontageRequest(montage_id=montage_id, file=file)
        return self._caller.retry(lambda: b"".join(part.data for part in self._stub.DownloadMontage(request)))
