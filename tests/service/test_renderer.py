"""The renderer's service over a real channel."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from support.montages import digest, greedy_choice, make_timeline

from moodcut.demo import SceneSpec, write_film, write_song
from moodcut_kit.client import connect
from moodcut_kit.contract import LOCAL_PRINCIPAL, media_key
from moodcut_kit.server import ServerSettings, start_server
from moodcut_kit.status import RemoteError, from_rpc_error
from moodcut_kit.store.local import LocalStore
from moodcut_kit.v1 import renderer_pb2, renderer_pb2_grpc
from moodcut_renderer import RendererSettings, timeline_from_otio
from moodcut_renderer.service import renderer_service

_SCENES = [SceneSpec(emotion="excited", shot_seconds=(2.4, 2.0, 4.2, 2.2, 2.5))]
_TIMELINE_KEY = "p/local/montages/m/attempts/1/timeline.pb"
_PREFIX = "p/local/montages/m/attempts/1/"


class House:
    """A renderer with a store that holds a film, a song and a timeline."""

    def __init__(self, directory: Path, stub: renderer_pb2_grpc.RendererServiceStub, store: LocalStore) -> None:
        self.stub = stub
        self.store = store
        self.work = directory / "work"
        movie, music = directory / "film.mp4", directory / "song.wav"
        film = write_film(movie, scenes=_SCENES, seed=2, size=(160, 90))
        song = write_song(music, bpm=132, bars=5, mood="excited", seed=2)
        self.timeline = make_timeline(
            film, song, greedy_choice(film, song, skip=0), film_sha256=digest(movie), song_sha256=digest(music)
        )
        for path in (movie, music):
            store.put_file(media_key(LOCAL_PRINCIPAL, digest(path)), path)
        store.put(_TIMELINE_KEY, self.timeline.SerializeToString())

    def request(self, **changes: object) -> renderer_pb2.RenderMontageRequest:
        fields = {"principal": LOCAL_PRINCIPAL, "timeline_key": _TIMELINE_KEY, "output_prefix": _PREFIX} | changes
        return renderer_pb2.RenderMontageRequest(**fields)  # type: ignore[arg-type]

    def render(self, **changes: object) -> list[renderer_pb2.RenderMontageResponse]:
        return list(self.stub.RenderMontage(self.request(**changes), timeout=60))

    def refusal(self, **changes: object) -> RemoteError:
        with pytest.raises(grpc.RpcError) as caught:
            self.render(**changes)
        return from_rpc_error(caught.value)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    directory = tmp_path_factory.mktemp("renderer")
    (directory / "work").mkdir()
    store = LocalStore(directory / "store")
    settings = RendererSettings(temporary_directory=directory / "work", progress_seconds=0.01)
    address = f"unix:{directory}/renderer"
    with (
        start_server([renderer_service(store, settings)], ServerSettings(address=address)),
        connect(address) as channel,
    ):
        yield House(directory, renderer_pb2_grpc.RendererServiceStub(channel), store)


def test_progress_then_results_that_lie_in_the_store(house: House) -> None:
    responses = house.render()
    last = responses[-1]
    assert len(responses) > 2
    done = [each.frames_done for each in responses]
    assert done == sorted(done)
    assert last.frames_done == last.frame_count == sum(clip.frame_count for clip in house.timeline.clips)
    assert all(not each.video_key for each in responses[:-1])
    assert last.video_key.startswith(_PREFIX)
    assert house.store.get(last.video_key).data[4:8] == b"ftyp"
    assert timeline_from_otio(house.store.get(last.otio_key).data.decode()) == house.timeline
    assert list(house.work.iterdir()) == []


def test_asking_again_is_answered_at_once_and_other_options_anew(house: House) -> None:
    first = house.render()[-1]
    before = house.store.stat(first.video_key)
    assert house.render() == [first]
    assert house.store.stat(first.video_key) == before
    other = house.render(options=renderer_pb2.RenderOptions(crf=35, preset="ultrafast"))[-1]
    assert other.video_key != first.video_key
    assert len(house.store.get(other.video_key).data) < len(house.store.get(first.video_key).data)


def test_wrong_requests_say_what_is_wrong(house: House) -> None:
    foreign = house.refusal(timeline_key="p/other/montages/m/timeline.pb")
    assert (foreign.code, foreign.metadata["field"]) == ("INVALID_ARGUMENT", "timeline_key")
    assert house.refusal(output_prefix="p/local/../other/").metadata["field"] == "output_prefix"
    assert house.refusal(timeline_key=f"{_PREFIX}none").code == "NOT_FOUND"
    assert house.refusal(options=renderer_pb2.RenderOptions(preset="fastest")).reason == "RENDER_OPTION_INVALID"
    house.store.put(f"{_PREFIX}text", b"\xff\xff\xff no timeline")
    assert house.refusal(timeline_key=f"{_PREFIX}text").reason == "TIMELINE_INVALID"
    gap = renderer_pb2.Timeline.FromString(house.timeline.SerializeToString())
    gap.clips[1].output_start_frame += 1
    house.store.put(f"{_PREFIX}gap", gap.SerializeToString())
    refused = house.refusal(timeline_key=f"{_PREFIX}gap")
    assert (refused.code, refused.metadata["field"]) == ("INVALID_ARGUMENT", "clips[1]")


def test_media_that_is_missing_or_no_media_is_named(house: House) -> None:
    missing = renderer_pb2.Timeline.FromString(house.timeline.SerializeToString())
    missing.movie_sha256 = "c" * 64
    house.store.put(f"{_PREFIX}missing", missing.SerializeToString())
    refused = house.refusal(timeline_key=f"{_PREFIX}missing")
    assert (refused.code, refused.reason) == ("NOT_FOUND", "MEDIA_NOT_FOUND")
    assert "film.mp4" in refused.message
    house.store.put(media_key(LOCAL_PRINCIPAL, "c" * 64), b"ffconcat version 1.0\nfile song.wav\n")
    assert house.refusal(timeline_key=f"{_PREFIX}missing").code == "INVALID_ARGUMENT"
    assert list(house.work.iterdir()) == []


def test_a_cancelled_call_ends_ffmpeg_and_leaves_nothing(house: House) -> None:
    prefix = "p/local/montages/cancelled/"
    call = house.stub.RenderMontage(
        house.request(output_prefix=prefix, options=renderer_pb2.RenderOptions(preset="veryslow"))
    )
    assert next(iter(call)).frame_count > 0
    call.cancel()
    end = time.monotonic() + 20
    while list(house.work.iterdir()) and time.monotonic() < end:
        time.sleep(0.05)
    assert list(house.work.iterdir()) == []
    assert list(house.store.list(prefix)) == []
    assert not [thread for thread in threading.enumerate() if "_read_progress" in thread.name]
