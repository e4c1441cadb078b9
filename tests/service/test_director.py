"""The director with the real solver and stand-ins for the other services, over a real channel."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest
from support.fake_services import BAR_COUNT, FakeServices

from moodcut.client import Client
from moodcut_director import DirectorSettings, montage_service
from moodcut_director.montages import Montages
from moodcut_director.record import State
from moodcut_kit.contract import LOCAL_PRINCIPAL, media_key
from moodcut_kit.errors import MoodcutError
from moodcut_kit.server import ServerSettings, Service, start_server
from moodcut_kit.store.base import StoreUnavailableError
from moodcut_kit.store.local import LocalStore
from moodcut_kit.v1 import montage_pb2, renderer_pb2, segmenter_pb2
from moodcut_solver.service import solver_service

MOVIE = montage_pb2.MediaRef(sha256="a" * 64, name="film.mp4")
MUSIC = montage_pb2.MediaRef(sha256="b" * 64, name="song.wav")


class House:
    """A store, the stand-ins, and directors that come and go."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.store = LocalStore(directory / "store")
        self.fakes = FakeServices(self.store)
        for ref in (MOVIE, MUSIC):
            self.store.put(media_key(LOCAL_PRINCIPAL, ref.sha256), b"media")

    @contextmanager
    def director(
        self, name: str = "one", *, lease_seconds: float = 2.0, own_only: bool = False, store: LocalStore | None = None
    ) -> Iterator[Client]:
        address = f"unix:{self.directory}/{name}"
        settings = DirectorSettings(
            segmenter_addresses=(address,),
            scorer_address=address,
            solver_address=address,
            renderer_address=address,
            lease_seconds=lease_seconds,
            poll_seconds=0.05,
            watch_seconds=0.02,
            retry_seconds=0.05,
            patience_seconds=1.0,
            own_only=own_only,
        )
        fakes = Service(name="fakes", add_to_server=self.fakes.add_to_server)
        services = [fakes, solver_service(), montage_service(store or self.store, settings)]
        with start_server(services, ServerSettings(address=address)), Client(address) as client:
            yield client


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def finish(client: Client, montage_id: str) -> montage_pb2.Montage:
    montage = montage_pb2.Montage()
    for latest in client.watch(montage_id):
        montage = latest
    return montage


def make(client: Client, request_id: str = "r", **options: object) -> montage_pb2.Montage:
    chosen = montage_pb2.MontageOptions(**options)  # type: ignore[arg-type]
    montage = client.create(request_id=request_id, movie=MOVIE, music=MUSIC, options=chosen)
    return finish(client, montage.montage_id)


def test_a_montage_from_request_to_files(house: House, tmp_path: Path) -> None:
    with house.director() as client:
        montage = make(client)
        assert montage.state == montage_pb2.MONTAGE_STATE_SUCCEEDED, montage.error
        report = json.loads(client.read(montage.montage_id, montage_pb2.MONTAGE_FILE_REPORT))
        client.download(montage.montage_id, montage_pb2.MONTAGE_FILE_VIDEO, tmp_path / "out.mp4")
    assert (tmp_path / "out.mp4").read_bytes() == b"video"
    assert not (tmp_path / "out.mp4.part").exists()
    assert sum(each["bar_count"] for each in report["selection"]) == BAR_COUNT
    assert report["duration_seconds"] == 2 * BAR_COUNT
    assert report["max_sync_error_ms"] == 0
    assert set(report["stage_seconds"]) == {"segment_movie", "segment_music", "score", "solve", "render"}
    assert house.fakes.calls["AnalyzeRange"] == 2
    assert not list(house.store.list("queue/"))


def test_the_music_options_reach_whoever_hears_the_music(house: House) -> None:
    music = segmenter_pb2.MusicOptions(audio_track=2, meters=[3])
    with house.director() as client:
        montage = make(client, music=music)
    assert montage.state == montage_pb2.MONTAGE_STATE_SUCCEEDED, montage.error
    assert house.fakes.requests["SegmentMusic"].options == music
    assert house.fakes.requests["ScoreShots"].music_audio_track == 2
    timeline = renderer_pb2.Timeline.FromString(house.store.get(montage.result.timeline_key).data)
    assert timeline.music_audio_track == 2


def test_the_same_request_is_made_once(house: House) -> None:
    with house.director() as client:
        first, second = make(client), make(client)
        assert first.montage_id == second.montage_id
        assert house.fakes.calls["RenderMontage"] == 1
        with pytest.raises(MoodcutError) as caught:
            make(client, max_scenes=2)
        assert (caught.value.code, caught.value.reason) == ("ALREADY_EXISTS", "REQUEST_ID_TAKEN")


def test_dry_run_renders_nothing(house: House) -> None:
    with house.director() as client:
        montage = make(client, skip_render=True)
        assert montage.state == montage_pb2.MONTAGE_STATE_SUCCEEDED
        assert not montage.result.video_key
        with pytest.raises(MoodcutError, match="has no such file"):
            client.read(montage.montage_id, montage_pb2.MONTAGE_FILE_VIDEO)
    assert house.fakes.calls["RenderMontage"] == 0


def test_what_does_not_fit_is_diagnosed_and_relaxed(house: House) -> None:
    # A scene has three shots of one bar: six bars need two scenes.
    with house.director() as client:
        failed = make(client, "strict", max_scenes=1)
        assert failed.state == montage_pb2.MONTAGE_STATE_FAILED
        assert failed.error.reason == "NO_SELECTION"
        assert "--max-scenes 2" in failed.error.message
        assert failed.error.metadata["nearest_unit_count_below"] == "3"
        relaxed = make(client, "relaxed", max_scenes=1, relax=True)
        assert relaxed.state == montage_pb2.MONTAGE_STATE_SUCCEEDED
        assert "3 scenes in place of 1" in list(relaxed.result.relaxations)


def test_bad_requests_say_what_is_wrong(house: House) -> None:
    unknown = montage_pb2.MediaRef(sha256="c" * 64, name="other.mp4")
    with house.director() as client:
        with pytest.raises(MoodcutError, match=r"movie other\.mp4 is not in the store"):
            client.create(request_id="r", movie=unknown, music=MUSIC)
        with pytest.raises(MoodcutError, match="sha256 is"):
            client.create(request_id="r", movie=montage_pb2.MediaRef(sha256="../../etc"), music=MUSIC)
        with pytest.raises(MoodcutError, match="request_id"):
            client.create(request_id="", movie=MOVIE, music=MUSIC)
        options = montage_pb2.MontageOptions(in_point_seconds=float("nan"))
        with pytest.raises(MoodcutError, match="in_point_seconds"):
            client.create(request_id="r", movie=MOVIE, music=MUSIC, options=options)
        with pytest.raises(MoodcutError) as caught:
            client.get("nothing")
        assert caught.value.reason == "MONTAGE_NOT_FOUND"


def test_upload_is_stored_under_its_hash(house: House, tmp_path: Path) -> None:
    path = tmp_path / "song.wav"
    path.write_bytes(b"x" * 3_000_000)
    with house.director() as client:
        ref = client.upload(path)
        assert client.upload(path) == ref
    assert house.store.get(media_key(LOCAL_PRINCIPAL, ref.sha256)).data == path.read_bytes()


def test_a_service_that_is_away_is_tried_again(house: House) -> None:
    def away_at_first(context: grpc.ServicerContext) -> None:
        if house.fakes.calls["ScoreShots"] < 3:
            context.abort(grpc.StatusCode.UNAVAILABLE, "restarting")

    house.fakes.trouble["ScoreShots"] = away_at_first
    with house.director() as client:
        assert make(client).state == montage_pb2.MONTAGE_STATE_SUCCEEDED


def test_a_wrong_file_fails_with_the_services_own_words(house: House) -> None:
    house.fakes.trouble["SegmentMusic"] = lambda context: context.abort(
        grpc.StatusCode.INVALID_ARGUMENT, "song.wav holds no sound"
    )
    started = threading.Event()

    def slow(context: grpc.ServicerContext) -> None:
        started.set()
        while context.is_active():
            time.sleep(0.02)

    house.fakes.trouble["AnalyzeRange"] = slow
    with house.director() as client:
        montage = make(client)
    assert montage.state == montage_pb2.MONTAGE_STATE_FAILED
    assert montage.error.message == "song.wav holds no sound"


def test_cancel_stops_the_work(house: House) -> None:
    rendering, stopped = threading.Event(), threading.Event()

    def slow(context: grpc.ServicerContext) -> None:
        rendering.set()
        while context.is_active():
            time.sleep(0.01)
        stopped.set()

    house.fakes.trouble["RenderMontage"] = slow
    with house.director() as client:
        montage = client.create(request_id="r", movie=MOVIE, music=MUSIC)
        assert rendering.wait(20)
        client.cancel(montage.montage_id)
        assert finish(client, montage.montage_id).state == montage_pb2.MONTAGE_STATE_CANCELLED
        assert stopped.wait(20)


def test_a_director_that_stops_gives_its_work_to_the_next(house: House) -> None:
    rendering = threading.Event()

    def wait(context: grpc.ServicerContext) -> None:
        rendering.set()
        while context.is_active():
            time.sleep(0.01)

    house.fakes.trouble["RenderMontage"] = wait
    with house.director(lease_seconds=600) as client:
        montage = client.create(request_id="r", movie=MOVIE, music=MUSIC)
        assert rendering.wait(20)
    assert Montages(house.store).load(LOCAL_PRINCIPAL, montage.montage_id)[0].holder == ""
    house.fakes.trouble.clear()
    with house.director("two") as client:
        assert finish(client, montage.montage_id).state == montage_pb2.MONTAGE_STATE_SUCCEEDED


def test_work_of_a_director_that_died_is_taken_up_when_its_lease_ends(house: House) -> None:
    montages = Montages(house.store)
    request = montage_pb2.CreateMontageRequest(request_id="r", movie=MOVIE, music=MUSIC)
    montage_id = montages.create(LOCAL_PRINCIPAL, request)
    montages.change(
        LOCAL_PRINCIPAL,
        montage_id,
        lambda record: record.taken(holder="dead", now_seconds=time.time(), lease_seconds=1),
    )
    with house.director() as client:
        time.sleep(0.3)
        assert client.get(montage_id).state == montage_pb2.MONTAGE_STATE_PENDING
        assert finish(client, montage_id).state == montage_pb2.MONTAGE_STATE_SUCCEEDED
    assert montages.load(LOCAL_PRINCIPAL, montage_id)[0].token == 2


def test_a_montage_that_never_ends_is_given_up(house: House) -> None:
    montages = Montages(house.store)
    request = montage_pb2.CreateMontageRequest(request_id="r", movie=MOVIE, music=MUSIC)
    montage_id = montages.create(LOCAL_PRINCIPAL, request)
    for _ in range(5):
        montages.change(
            LOCAL_PRINCIPAL, montage_id, lambda record: record.taken(holder="dead", now_seconds=0, lease_seconds=1)
        )
    with house.director() as client:
        montage = finish(client, montage_id)
    assert montage.error.reason == "TOO_MANY_ATTEMPTS"


def test_orderly_stops_are_no_failures(house: House) -> None:
    rendering = threading.Event()

    def wait(context: grpc.ServicerContext) -> None:
        rendering.set()
        while context.is_active():
            time.sleep(0.01)

    house.fakes.trouble["RenderMontage"] = wait
    for name in "abcdef":
        rendering.clear()
        with house.director(name) as client:
            montage = client.create(request_id="r", movie=MOVIE, music=MUSIC)
            assert rendering.wait(20)
    house.fakes.trouble.clear()
    with house.director("last") as client:
        assert finish(client, montage.montage_id).state == montage_pb2.MONTAGE_STATE_SUCCEEDED


def test_a_director_of_its_own_leaves_the_work_of_others(house: House) -> None:
    montages = Montages(house.store)
    left = montages.create(
        LOCAL_PRINCIPAL, montage_pb2.CreateMontageRequest(request_id="left", movie=MOVIE, music=MUSIC)
    )
    with house.director(own_only=True) as client:
        assert make(client).state == montage_pb2.MONTAGE_STATE_SUCCEEDED
        assert client.get(left).state == montage_pb2.MONTAGE_STATE_PENDING
        asked = client.create(request_id="left", movie=MOVIE, music=MUSIC)
        assert asked.montage_id == left
        assert finish(client, left).state == montage_pb2.MONTAGE_STATE_SUCCEEDED


def test_one_broken_montage_keeps_no_other_waiting(house: House) -> None:
    montages = Montages(house.store)
    request = montage_pb2.CreateMontageRequest(request_id="broken", movie=MOVIE, music=MUSIC)
    broken = montages.create(LOCAL_PRINCIPAL, request)
    house.store.put(f"p/local/montages/{broken}/state", b"{}")
    house.store.put("queue/000000000000000-odd", b"")
    with house.director() as client:
        assert make(client).state == montage_pb2.MONTAGE_STATE_SUCCEEDED
        listed = client._stub.ListMontages(montage_pb2.ListMontagesRequest()).montages
        assert len(listed) == 1


def test_a_store_that_stalls_fails_no_montage(house: House) -> None:
    stalled, rendering = threading.Event(), threading.Event()

    class Stalling(LocalStore):
        def put(self, key: str, data: bytes, *, if_absent: bool = False, if_match: str | None = None) -> str:
            if key.endswith("/state") and rendering.is_set() and not stalled.is_set():
                time.sleep(1.0)
                stalled.set()
                raise StoreUnavailableError("the store is away")
            return super().put(key, data, if_absent=if_absent, if_match=if_match)

    def slow(context: grpc.ServicerContext) -> None:
        rendering.set()
        end = time.monotonic() + 2
        while context.is_active() and time.monotonic() < end:
            time.sleep(0.01)

    house.fakes.trouble["RenderMontage"] = slow
    with house.director(lease_seconds=0.6, store=Stalling(house.directory / "store")) as client:
        assert make(client).state == montage_pb2.MONTAGE_STATE_SUCCEEDED
    assert stalled.is_set()


def test_a_call_that_the_other_side_cancelled_is_made_again(house: House) -> None:
    def cancelled_at_first(context: grpc.ServicerContext) -> None:
        if house.fakes.calls["ScoreShots"] < 2:
            context.abort(grpc.StatusCode.CANCELLED, "stopping")

    house.fakes.trouble["ScoreShots"] = cancelled_at_first
    with house.director() as client:
        assert make(client).state == montage_pb2.MONTAGE_STATE_SUCCEEDED


def test_watching_survives_a_director_that_restarts(house: House) -> None:
    rendering = threading.Event()
    ended: list[montage_pb2.Montage] = []

    def wait(context: grpc.ServicerContext) -> None:
        rendering.set()
        while context.is_active():
            time.sleep(0.01)

    house.fakes.trouble["RenderMontage"] = wait
    with house.director() as client:
        montage = client.create(request_id="r", movie=MOVIE, music=MUSIC)
        watcher = Client(f"unix:{house.directory}/one")
        thread = threading.Thread(target=lambda: ended.append(finish(watcher, montage.montage_id)))
        thread.start()
        assert rendering.wait(20)
        started_seconds = time.monotonic()
    assert time.monotonic() - started_seconds < 0.9, "a stream that waits must not hold up the end"
    house.fakes.trouble.clear()
    time.sleep(1)
    with house.director():
        thread.join(30)
        assert ended[0].state == montage_pb2.MONTAGE_STATE_SUCCEEDED
    watcher.close()


def test_options_left_out_are_the_defaults(house: House) -> None:
    with house.director() as client:
        first = client.create(request_id="r", movie=MOVIE, music=MUSIC)
        second = client.create(request_id="r", movie=MOVIE, music=MUSIC, options=montage_pb2.MontageOptions())
        assert first.montage_id == second.montage_id
        finish(client, first.montage_id)


def test_two_directors_share_the_work_and_nothing_is_made_twice(house: House) -> None:
    with house.director("one") as first, house.director("two") as second:
        created = [
            client.create(request_id=f"r{index}", movie=MOVIE, music=MUSIC).montage_id
            for index in range(4)
            for client in (first, second)
        ]
        assert len(set(created)) == 4
        for montage_id in created:
            assert finish(second, montage_id).state == montage_pb2.MONTAGE_STATE_SUCCEEDED
    assert house.fakes.calls["RenderMontage"] == 4


def test_list_is_newest_first_and_paged(house: House) -> None:
    with house.director() as client:
        ids = []
        for index in range(3):
            ids.append(client.create(request_id=f"r{index}", movie=MOVIE, music=MUSIC).montage_id)
            time.sleep(0.002)
        stub = client._stub
        first = stub.ListMontages(montage_pb2.ListMontagesRequest(page_size=2))
        assert [each.montage_id for each in first.montages] == [ids[2], ids[1]]
        second = stub.ListMontages(montage_pb2.ListMontagesRequest(page_size=2, page_token=first.next_page_token))
        assert [each.montage_id for each in second.montages] == [ids[0]]
        assert not second.next_page_token
        for each in ids:
            finish(client, each)


def test_state_names_are_those_of_the_contract() -> None:
    names = {name.removeprefix("MONTAGE_STATE_") for name in dict(montage_pb2.MontageState.items())} - {"UNSPECIFIED"}
    assert names == {state.value for state in State}
