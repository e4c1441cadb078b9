"""MatchMusic with the real solver and stand-ins for the other services, over a real channel."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest
from support.fake_services import BAR_COUNT, SHOT_COUNT, FakeServices

from moodcut.client import Client
from moodcut_director import DirectorSettings, montage_service
from moodcut_kit.client import connect
from moodcut_kit.contract import LOCAL_PRINCIPAL, media_key
from moodcut_kit.errors import CancelledError, MoodcutError
from moodcut_kit.server import ServerSettings, Service, start_server
from moodcut_kit.status import from_rpc_error
from moodcut_kit.store.local import LocalStore
from moodcut_kit.v1 import montage_pb2, montage_pb2_grpc
from moodcut_solver.service import solver_service

FILM, OTHER_FILM = (montage_pb2.MediaRef(sha256=letter * 64, name=f"film-{letter}.mp4") for letter in "ab")
SONGS = [montage_pb2.MediaRef(sha256=letter * 64, name=f"song-{letter}.wav") for letter in "cde"]
REQUEST = montage_pb2.MatchMusicRequest(movies=[FILM], music=SONGS)


class House:
    """A store, the stand-ins, and a director."""

    def __init__(self, directory: Path) -> None:
        self.address = f"unix:{directory}/director"
        self.store = LocalStore(directory / "store")
        self.fakes = FakeServices(self.store)
        for ref in (FILM, OTHER_FILM, *SONGS):
            self.store.put(media_key(LOCAL_PRINCIPAL, ref.sha256), b"media")

    @contextmanager
    def director(self, *, match_limit: int = 2) -> Iterator[Client]:
        settings = DirectorSettings(
            segmenter_addresses=(self.address,),
            scorer_address=self.address,
            solver_address=self.address,
            renderer_address=self.address,
            watch_seconds=0.0,
            patience_seconds=1.0,
            match_limit=match_limit,
        )
        fakes = Service(name="fakes", add_to_server=self.fakes.add_to_server)
        services = [fakes, solver_service(), montage_service(self.store, settings)]
        with start_server(services, ServerSettings(address=self.address)), Client(self.address) as client:
            yield client

    def stall(self, call: str) -> tuple[threading.Event, threading.Event]:
        """Let a call of the stand-ins wait until its caller has gone: (it has begun, it has ended)."""
        begun, ended = threading.Event(), threading.Event()

        def wait(context: grpc.ServicerContext) -> None:
            begun.set()
            while context.is_active():
                time.sleep(0.01)
            ended.set()

        self.fakes.trouble[call] = wait
        return begun, ended


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def names(matches: list[montage_pb2.MusicMatch]) -> list[str]:
    return [match.music.name for match in matches]


def test_songs_are_ranked_for_a_film(house: House) -> None:
    house.fakes.bonus = {SONGS[1].sha256: 0.2, SONGS[2].sha256: -0.2}
    told: list[tuple[str, float]] = []
    with house.director() as client:
        matches = client.match(movies=[FILM], music=SONGS, on_progress=lambda stage, share: told.append((stage, share)))
    assert names(matches) == ["song-d.wav", "song-c.wav", "song-e.wav"]
    # The best six of twelve shots of one bar, from at most five of four scenes: the scores are 0 to 6 sevenths.
    values = sorted(((index * 5 % 7) / 7 for index in range(SHOT_COUNT)), reverse=True)
    best = sum(values[:BAR_COUNT]) / BAR_COUNT
    assert best - 0.12 < matches[1].fit <= best + 1e-6
    assert matches[0].fit - matches[1].fit == pytest.approx(0.2, abs=1e-6)
    assert matches[1].mean_similarity == pytest.approx(sum(values) / SHOT_COUNT, abs=1e-6)
    for match in matches:
        assert match.unit_count == BAR_COUNT
        assert (match.music_emotion.sad, match.movie_emotion.excited, match.selection_emotion.excited) == (1, 1, 1)
        assert len(match.scenes) == 4
        similarities = [scene.mean_similarity for scene in match.scenes]
        assert similarities == sorted(similarities, reverse=True)
        assert sum(scene.unit_count for scene in match.scenes) == BAR_COUNT
    # The film is analysed once, however many songs there are.
    assert (house.fakes.calls["FinishMovie"], house.fakes.calls["SegmentMusic"]) == (1, 3)
    assert house.fakes.calls["RenderMontage"] == 0
    assert [stage for stage, _ in told] == sorted(
        (stage for stage, _ in told), key=["segment_movie", "segment_music", "match"].index
    )
    assert ("match", 1.0) in told


def test_films_are_ranked_for_a_song_and_scenes_are_limited(house: House) -> None:
    with house.director() as client:
        matches = client.match(movies=[FILM, OTHER_FILM], music=SONGS[:1], scene_count=2)
    # Equal fits stay in the order of the request.
    assert [match.movie.name for match in matches] == ["film-a.mp4", "film-b.mp4"]
    assert [len(match.scenes) for match in matches] == [2, 2]


def test_a_song_that_cannot_be_used_is_last_and_says_why(house: House) -> None:
    def no_sound(context: grpc.ServicerContext) -> None:
        if house.fakes.calls["SegmentMusic"] == 1:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "it holds no sound")

    house.fakes.trouble["SegmentMusic"] = no_sound
    with house.director() as client:
        matches = client.match(movies=[FILM], music=SONGS)
    assert [match.HasField("error") for match in matches] == [False, False, True]
    assert matches[2].error.message == "it holds no sound"
    assert matches[2].error.code == "INVALID_ARGUMENT"
    assert not matches[2].HasField("movie_emotion")


def test_where_nothing_fits_the_scenes_are_still_told(house: House) -> None:
    # A scene has three shots of one bar: six bars need two scenes.
    strict = montage_pb2.MontageOptions(max_scenes=1)
    with house.director() as client:
        (failed,) = client.match(movies=[FILM], music=SONGS[:1], options=strict)
        relaxing = montage_pb2.MontageOptions(max_scenes=1, relax=True)
        (relaxed,) = client.match(movies=[FILM], music=SONGS[:1], options=relaxing)
    assert failed.error.reason == "NO_SELECTION"
    assert failed.fit == 0
    assert failed.mean_similarity > 0
    assert [scene.unit_count for scene in failed.scenes] == [0, 0, 0, 0]
    assert not relaxed.HasField("error")
    assert "3 scenes in place of 1" in list(relaxed.relaxations)


def test_bad_requests_say_what_is_wrong(house: House) -> None:
    unknown = montage_pb2.MediaRef(sha256="f" * 64, name="lost.wav")
    with house.director() as client:
        with pytest.raises(MoodcutError, match=r"lost\.wav is not in the store") as caught:
            client.match(movies=[FILM], music=[*SONGS, unknown])
        assert (caught.value.code, caught.value.reason) == ("NOT_FOUND", "MEDIA_NOT_FOUND")
        with pytest.raises(MoodcutError, match="music names no file"):
            client.match(movies=[FILM], music=[])
        with pytest.raises(MoodcutError, match=r"song-c\.wav is named twice"):
            client.match(movies=[FILM], music=[SONGS[0], SONGS[0]])
        with pytest.raises(MoodcutError, match="scene_count"):
            client.match(movies=[FILM], music=SONGS, scene_count=1001)
        with pytest.raises(MoodcutError, match="more than 500 pairs"):
            client.match(movies=[FILM], music=[SONGS[0]] * 501)
        with pytest.raises(MoodcutError, match="max_scenes"):
            client.match(movies=[FILM], music=SONGS, options=montage_pb2.MontageOptions(max_scenes=-1))
    assert not house.fakes.calls


def test_a_service_that_is_away_is_tried_again(house: House) -> None:
    def away_at_first(context: grpc.ServicerContext) -> None:
        if house.fakes.calls["ScoreShots"] < 3:
            context.abort(grpc.StatusCode.UNAVAILABLE, "restarting")

    house.fakes.trouble["ScoreShots"] = away_at_first
    with house.director() as client:
        matches = client.match(movies=[FILM], music=SONGS)
    assert not any(match.HasField("error") for match in matches)


def test_a_fault_of_a_service_fails_the_match(house: House) -> None:
    house.fakes.trouble["ScoreShots"] = lambda context: context.abort(grpc.StatusCode.INTERNAL, "broken")
    with house.director() as client, pytest.raises(MoodcutError) as caught:
        client.match(movies=[FILM], music=SONGS)
    assert caught.value.code == "INTERNAL"


def test_a_caller_that_gives_up_ends_the_work(house: House) -> None:
    begun, ended = house.stall("AnalyzeRange")
    cancelled = threading.Event()
    threading.Thread(target=lambda: begun.wait(20) and cancelled.set()).start()
    with house.director() as client:
        with pytest.raises(CancelledError):
            client.match(movies=[FILM], music=SONGS, cancelled=cancelled)
        assert ended.wait(20)
        # The place is free again.
        house.fakes.trouble.clear()
        assert len(client.match(movies=[FILM], music=SONGS)) == 3


def test_a_deadline_ends_the_work(house: House) -> None:
    _, ended = house.stall("SegmentMusic")
    with house.director(), connect(house.address) as channel:
        stub = montage_pb2_grpc.MontageServiceStub(channel)
        with pytest.raises(grpc.RpcError) as caught:
            list(stub.MatchMusic(REQUEST, timeout=1.0))
        assert from_rpc_error(caught.value).code == "DEADLINE_EXCEEDED"
        assert ended.wait(20)


def test_a_busy_director_says_when_to_come_back(house: House) -> None:
    begun, _ = house.stall("AnalyzeRange")
    with house.director(match_limit=1), connect(house.address) as channel:
        stub = montage_pb2_grpc.MontageServiceStub(channel)
        first = stub.MatchMusic(REQUEST)
        assert begun.wait(20)
        with pytest.raises(grpc.RpcError) as caught:
            next(stub.MatchMusic(REQUEST))
        error = from_rpc_error(caught.value)
        assert error.code == "RESOURCE_EXHAUSTED"
        assert float(error.metadata["retry_delay_seconds"]) > 0
        first.cancel()


def test_a_director_that_stops_asks_to_be_asked_again(house: House) -> None:
    begun, ended = house.stall("AnalyzeRange")
    codes: list[str] = []

    def ask(channel: grpc.Channel) -> None:
        try:
            list(montage_pb2_grpc.MontageServiceStub(channel).MatchMusic(REQUEST))
        except grpc.RpcError as error:
            codes.append(from_rpc_error(error).code)

    with connect(house.address) as channel:
        with house.director():
            asking = threading.Thread(target=ask, args=(channel,))
            asking.start()
            assert begun.wait(20)
        asking.join(20)
    assert codes == ["UNAVAILABLE"]
    assert ended.wait(20)
