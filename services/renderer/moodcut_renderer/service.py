"""RendererService over gRPC: translate, call, translate back."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from hashlib import sha256
from pathlib import Path

import grpc
from google.protobuf.message import DecodeError

from moodcut_kit.contract import check_owned, fingerprint, media_key
from moodcut_kit.server import Service
from moodcut_kit.store.base import ObjectExistsError, ObjectNotFoundError, ObjectStore
from moodcut_kit.v1 import renderer_pb2, renderer_pb2_grpc
from moodcut_renderer.encode import EncoderOptions
from moodcut_renderer.errors import MediaMissingError, TimelineError
from moodcut_renderer.otio import timeline_to_otio
from moodcut_renderer.plan import RenderPlan, make_plan
from moodcut_renderer.render import render
from moodcut_renderer.settings import RendererSettings

_SERVICE = "moodcut.v1.RendererService"
_VERSION = 1


class RendererServicer(renderer_pb2_grpc.RendererServiceServicer):
    """Renders timelines. A result lies under a name that depends on all it was made from: asking twice is free."""

    def __init__(self, store: ObjectStore, settings: RendererSettings) -> None:
        self._store = store
        self._settings = settings

    def RenderMontage(  # noqa: N802
        self, request: renderer_pb2.RenderMontageRequest, context: grpc.ServicerContext
    ) -> Iterator[renderer_pb2.RenderMontageResponse]:
        """Render a timeline: progress, then the names of the results."""
        prefix = request.output_prefix.removesuffix("/")
        check_owned(request.principal, request.timeline_key, "timeline_key")
        check_owned(request.principal, prefix, "output_prefix")
        options = EncoderOptions.from_message(request.options)
        data = self._store.get(request.timeline_key).data
        timeline = _parsed(data, request.timeline_key)
        plan = make_plan(timeline, max_montage_seconds=self._settings.max_montage_seconds)
        name = fingerprint(
            stage="render",
            version=_VERSION,
            model_digest="",
            parameters=options.parameters(),
            inputs=[sha256(timeline.SerializeToString(deterministic=True)).hexdigest()],
        )[:16]
        done = renderer_pb2.RenderMontageResponse(
            frames_done=plan.frame_count,
            frame_count=plan.frame_count,
            video_key=f"{prefix}/montage-{name}.mp4",
            otio_key=f"{prefix}/montage-{name}.otio",
        )
        if self._store.stat(done.video_key) is None or self._store.stat(done.otio_key) is None:
            cancelled = threading.Event()
            if not context.add_callback(cancelled.set):
                return
            yield from self._render(request.principal, timeline, plan, options, cancelled, done)
        yield done

    def _render(
        self,
        principal: str,
        timeline: renderer_pb2.Timeline,
        plan: RenderPlan,
        options: EncoderOptions,
        cancelled: threading.Event,
        done: renderer_pb2.RenderMontageResponse,
    ) -> Iterator[renderer_pb2.RenderMontageResponse]:
        with ExitStack() as stack:
            movie = self._media(stack, principal, timeline.movie_sha256, f"the film {timeline.movie_name!r}")
            music = self._media(stack, principal, timeline.music_sha256, f"the music {timeline.music_name!r}")
            directory = stack.enter_context(
                tempfile.TemporaryDirectory(prefix="moodcut-montage-", dir=self._settings.temporary_directory)
            )
            output = Path(directory) / "montage.mp4"
            rendering = render(
                plan,
                movie=movie,
                music=music,
                output=output,
                options=options,
                settings=self._settings,
                cancelled=cancelled,
            )
            stack.callback(rendering.close)
            for progress in rendering:
                yield renderer_pb2.RenderMontageResponse(
                    frames_done=progress.frames_done, frame_count=progress.frame_count
                )
            with suppress(ObjectExistsError):
                self._store.put_file(done.video_key, output, if_absent=True)
            with suppress(ObjectExistsError):
                self._store.put(done.otio_key, timeline_to_otio(timeline).encode(), if_absent=True)

    def _media(self, stack: ExitStack, principal: str, digest: str, what: str) -> Path:
        try:
            return stack.enter_context(self._store.open_path(media_key(principal, digest)))
        except ObjectNotFoundError as error:
            message = f"{what} (sha256 {digest}) is not in the store; upload it first"
            raise MediaMissingError(message, sha256=digest) from error


def _parsed(data: bytes, key: str) -> renderer_pb2.Timeline:
    try:
        return renderer_pb2.Timeline.FromString(data)
    except DecodeError as error:
        raise TimelineError(f"the object {key} is no timeline", field="timeline_key", key=key) from error


def add_to_server(server: grpc.Server, store: ObjectStore, settings: RendererSettings) -> None:
    """Let ``server`` offer the renderer."""
    renderer_pb2_grpc.add_RendererServiceServicer_to_server(RendererServicer(store, settings), server)


def renderer_service(store: ObjectStore, settings: RendererSettings | None = None) -> Service:
    """The renderer, ready to be hosted."""
    return Service(
        name=_SERVICE, add_to_server=lambda server: add_to_server(server, store, settings or RendererSettings())
    )
