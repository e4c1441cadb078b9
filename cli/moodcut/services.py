"""Services hosted in this process, asked one at a time: what the single-step commands share."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from moodcut.console import stage_progress
from moodcut.hosting import embedded
from moodcut.media import open_user_store, register
from moodcut_kit.client import Caller, MovieKeys, Pool, analyze_movie, connect
from moodcut_kit.contract import LOCAL_PRINCIPAL
from moodcut_kit.store.base import ObjectStore
from moodcut_kit.v1 import (
    media_pb2,
    montage_pb2,
    renderer_pb2_grpc,
    scorer_pb2_grpc,
    segmenter_pb2,
    segmenter_pb2_grpc,
)

_CALL_SECONDS = 4 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Local:
    """Stubs of services hosted in this process, and the store they share with us."""

    store: ObjectStore
    caller: Caller
    segmenters: Pool[segmenter_pb2_grpc.SegmenterServiceStub]
    scorer: scorer_pb2_grpc.ScorerServiceStub
    renderer: renderer_pb2_grpc.RendererServiceStub

    def segment_movie(self, path: Path, options: segmenter_pb2.MovieOptions) -> tuple[str, MovieKeys]:
        """Content hash and analysis of a film, with progress shown."""
        ref = register(self.store, path)
        with stage_progress() as progress:
            keys = analyze_movie(
                self.segmenters,
                self.caller,
                principal=LOCAL_PRINCIPAL,
                movie_sha256=ref.sha256,
                options=options,
                on_progress=lambda share: progress.update("segment_movie", share),
            )
        return ref.sha256, keys

    def segment_music(
        self, path: Path, backend: media_pb2.BeatBackend.ValueType, options: segmenter_pb2.MusicOptions
    ) -> tuple[montage_pb2.MediaRef, str]:
        """A piece of music as known to the store, and the name of its analysis."""
        ref = register(self.store, path)
        request = segmenter_pb2.SegmentMusicRequest(
            principal=LOCAL_PRINCIPAL, music_sha256=ref.sha256, backend=backend, options=options
        )
        with stage_progress() as progress:
            progress.update("segment_music", 0.0)
            response = self.segmenters.call(
                lambda stub: stub.SegmentMusic, request, caller=self.caller, timeout_seconds=_CALL_SECONDS
            )
        return ref, response.music_analysis_key


@contextmanager
def local_services(store_url: str | None, *names: str) -> Iterator[Local]:
    """Host ``names`` in this process over the user's store."""
    store = open_user_store(store_url)
    cancelled = threading.Event()
    with (
        embedded(store, names) as server,
        connect(server.address) as channel,
        closing(Pool([server.address], segmenter_pb2_grpc.SegmenterServiceStub)) as segmenters,
    ):
        try:
            yield Local(
                store=store,
                caller=Caller(cancelled=cancelled),
                segmenters=segmenters,
                scorer=scorer_pb2_grpc.ScorerServiceStub(channel),
                renderer=renderer_pb2_grpc.RendererServiceStub(channel),
            )
        except BaseException:
            # Calls under way end now, so that the server need not wait for them.
            cancelled.set()
            raise
