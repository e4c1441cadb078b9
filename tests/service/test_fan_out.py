"""A film's analysis on several segmenters over real channels: stand-ins that die, are slow, are full."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import grpc
import pytest

from moodcut_kit.client import Caller, MovieKeys, Pool, analyze_movie
from moodcut_kit.errors import CancelledError, InvalidArgumentError, OverloadedError, UnavailableError
from moodcut_kit.server import RunningServer, ServerSettings, Service, start_server
from moodcut_kit.status import RemoteError
from moodcut_kit.v1 import segmenter_pb2, segmenter_pb2_grpc

RANGE_COUNT, RANGE_FRAMES = 12, 100


class Segmenter(segmenter_pb2_grpc.SegmenterServiceServicer):
    """Answers with names made of the request; ``work`` is what a range costs it."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.ranges: list[int] = []
        self.work: Callable[[int], None] = lambda number: None
        self.at_once, self.most_at_once = 0, 0
        self._guard = threading.Lock()

    def PlanMovie(  # noqa: N802
        self, request: segmenter_pb2.PlanMovieRequest, context: grpc.ServicerContext
    ) -> segmenter_pb2.PlanMovieResponse:
        ranges = [
            segmenter_pb2.FrameRange(start_frame=RANGE_FRAMES * number, end_frame=RANGE_FRAMES * (number + 1))
            for number in range(RANGE_COUNT)
        ]
        return segmenter_pb2.PlanMovieResponse(plan_key="plan", ranges=ranges, frame_count=RANGE_COUNT * RANGE_FRAMES)

    def AnalyzeRange(  # noqa: N802
        self, request: segmenter_pb2.AnalyzeRangeRequest, context: grpc.ServicerContext
    ) -> segmenter_pb2.AnalyzeRangeResponse:
        number = request.range.start_frame // RANGE_FRAMES
        with self._guard:
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            self.work(number)
        finally:
            with self._guard:
                self.at_once -= 1
        self.ranges.append(number)
        return segmenter_pb2.AnalyzeRangeResponse(range_key=f"{request.plan_key}-{number}")

    def FinishMovie(  # noqa: N802
        self, request: segmenter_pb2.FinishMovieRequest, context: grpc.ServicerContext
    ) -> segmenter_pb2.FinishMovieResponse:
        return segmenter_pb2.FinishMovieResponse(movie_analysis_key=" ".join(request.range_keys))


class House:
    """Segmenters on sockets of their own, and a caller of all of them."""

    def __init__(self, directory: Path, stack: ExitStack) -> None:
        self._directory, self._stack = directory, stack
        self.caller = Caller(cancelled=threading.Event(), patience_seconds=1.5)
        self.shares: list[float] = []

    def segmenter(
        self, name: str, work: Callable[[int], None] = lambda number: None, *, address: str = ""
    ) -> tuple[Segmenter, RunningServer]:
        segmenter = Segmenter(address or f"unix:{self._directory}/{name}")
        segmenter.work = work
        add = lambda server: segmenter_pb2_grpc.add_SegmenterServiceServicer_to_server(segmenter, server)  # noqa: E731
        service = Service(name="moodcut.v1.SegmenterService", add_to_server=add)
        server = start_server([service], ServerSettings(address=segmenter.address))
        self._stack.callback(server.stop, grace_seconds=0.0)
        return segmenter, server

    def analyze(self, *addresses: str) -> MovieKeys:
        with closing(Pool(addresses, segmenter_pb2_grpc.SegmenterServiceStub)) as pool:
            return analyze_movie(
                pool,
                self.caller,
                principal="local",
                movie_sha256="a" * 64,
                options=segmenter_pb2.MovieOptions(),
                on_progress=self.shares.append,
            )


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with ExitStack() as stack:
        yield House(tmp_path, stack)


ALL = " ".join(f"plan-{number}" for number in range(RANGE_COUNT))


def sleeps(seconds: float) -> Callable[[int], None]:
    return lambda number: time.sleep(seconds)


def test_every_segmenter_has_its_share_and_no_more_at_once_than_it_takes(house: House) -> None:
    (one, _), (two, _) = house.segmenter("one", sleeps(0.05)), house.segmenter("two", sleeps(0.05))
    assert house.analyze(one.address, two.address).movie_analysis_key == ALL
    assert sorted(one.ranges + two.ranges) == list(range(RANGE_COUNT))
    assert min(len(one.ranges), len(two.ranges)) >= 4
    assert one.most_at_once == two.most_at_once == 2
    assert house.shares == sorted(house.shares)
    assert house.shares[-1] == 1.0
    assert len(set(house.shares)) > RANGE_COUNT // 2


def test_a_slow_segmenter_gets_less(house: House) -> None:
    (slow, _), (quick, _) = house.segmenter("slow", sleeps(0.5)), house.segmenter("quick", sleeps(0.02))
    assert house.analyze(slow.address, quick.address).movie_analysis_key == ALL
    assert len(slow.ranges) <= 3 < len(quick.ranges)


def test_the_ranges_of_a_segmenter_that_dies_are_analysed_by_another_at_once(house: House) -> None:
    killed = threading.Event()

    def dies(number: int) -> None:
        killed.set()
        time.sleep(0.3)

    dead, server = house.segmenter("dead", dies)
    alive, _ = house.segmenter("alive", sleeps(0.02))
    threading.Thread(target=lambda: (killed.wait(), server.stop(grace_seconds=0.0)), daemon=True).start()
    began = time.monotonic()
    assert house.analyze(dead.address, alive.address).movie_analysis_key == ALL
    assert time.monotonic() - began < 3.0
    assert set(alive.ranges) == set(range(RANGE_COUNT))
    assert house.shares == sorted(house.shares)


def test_one_that_comes_back_is_used_again(house: House) -> None:
    first, server = house.segmenter("one")
    server.stop(grace_seconds=0.0)
    other, _ = house.segmenter("two", sleeps(0.3))
    back: list[Segmenter] = []
    timer = threading.Timer(0.3, lambda: back.append(house.segmenter("one")[0]))
    timer.start()
    assert house.analyze(first.address, other.address).movie_analysis_key == ALL
    timer.join()
    assert first.ranges == []
    assert len(back[0].ranges) >= 2


def test_a_full_segmenter_is_passed_over(house: House) -> None:
    def refuses(number: int) -> None:
        raise OverloadedError("the server is busy", retry_delay_seconds=5)

    (full, _), (free, _) = house.segmenter("full", refuses), house.segmenter("free")
    began = time.monotonic()
    assert house.analyze(full.address, free.address).movie_analysis_key == ALL
    assert time.monotonic() - began < 4.0
    with pytest.raises(RemoteError, match="the server is busy") as caught:
        house.analyze(full.address)
    assert caught.value.code == "RESOURCE_EXHAUSTED"
    assert caught.value.retryable


def test_when_all_are_dead_the_error_names_them(house: House) -> None:
    addresses = [f"unix:{house._directory}/{name}" for name in ("one", "two")]
    with pytest.raises(RemoteError) as caught:
        house.analyze(*addresses)
    assert caught.value.code == "UNAVAILABLE"
    assert all(address in caught.value.message for address in addresses)
    assert caught.value.metadata["addresses"] == ", ".join(addresses)


def test_a_name_that_stands_for_several_machines(house: House) -> None:
    """This machine has its name for two protocols; the server listens on one of them."""
    segmenter, server = house.segmenter("named", address="127.0.0.1:0")
    port = server.address.rpartition(":")[2]
    assert house.analyze(f"dns:///localhost:{port}").movie_analysis_key == ALL
    assert sorted(segmenter.ranges) == list(range(RANGE_COUNT))


def test_what_no_other_segmenter_would_change_ends_it(house: House) -> None:
    def refuses(number: int) -> None:
        if number == 3:
            raise InvalidArgumentError("the film is not one")
        time.sleep(0.05)

    (one, _), (two, _) = house.segmenter("one", refuses), house.segmenter("two", refuses)
    with pytest.raises(RemoteError, match="the film is not one"):
        house.analyze(one.address, two.address)
    assert len(one.ranges) + len(two.ranges) < RANGE_COUNT


def test_a_server_that_refused_a_call_for_good_and_then_failed_is_asked_again(house: House) -> None:
    troubles = [
        UnavailableError("the process that read the film has died"),
        InvalidArgumentError("the film is not one"),
    ]

    def fails_twice(number: int) -> None:
        if troubles:
            raise troubles.pop()

    one, _ = house.segmenter("one", fails_twice)
    request = segmenter_pb2.AnalyzeRangeRequest(plan_key="plan", range=segmenter_pb2.FrameRange(end_frame=1))
    with closing(Pool([one.address], segmenter_pb2_grpc.SegmenterServiceStub)) as pool:
        with pytest.raises(RemoteError, match="the film is not one"):
            pool.call(lambda stub: stub.AnalyzeRange, request, caller=house.caller, timeout_seconds=9.0)
        answer = pool.call(lambda stub: stub.AnalyzeRange, request, caller=house.caller, timeout_seconds=9.0)
    assert answer.range_key == "plan-0"
    assert not troubles


def test_deadlines_grow_with_the_film(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The longest range decides: a detector that sees a whole film at once makes one range of it."""
    seconds_left: dict[str, float] = {}
    answers = {
        "PlanMovie": segmenter_pb2.PlanMovieResponse(
            plan_key="plan", ranges=[segmenter_pb2.FrameRange(start_frame=0, end_frame=900_000)], frame_count=900_000
        ),
        "AnalyzeRange": segmenter_pb2.AnalyzeRangeResponse(range_key="range"),
        "FinishMovie": segmenter_pb2.FinishMovieResponse(movie_analysis_key="movie"),
    }
    for name, answer in answers.items():

        def method(
            _: object, __: object, context: grpc.ServicerContext, name: str = name, answer: object = answer
        ) -> object:
            seconds_left[name] = context.time_remaining()
            return answer

        monkeypatch.setattr(Segmenter, name, method)
    one, _ = house.segmenter("one")
    assert house.analyze(one.address).movie_analysis_key == "movie"
    assert 1700 < seconds_left["PlanMovie"] < 3600
    assert min(seconds_left["AnalyzeRange"], seconds_left["FinishMovie"]) > 24 * 3600


def test_a_range_that_every_segmenter_loses_is_given_up(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("moodcut_kit.client.pool._LOST_SECONDS", 0.0)

    def is_lost(number: int) -> None:
        if number == 0:
            raise UnavailableError("the process that read the film has died")

    (one, _), (two, _) = house.segmenter("one", is_lost), house.segmenter("two", is_lost)
    with pytest.raises(RemoteError, match="lost under way 5 times"):
        house.analyze(one.address, two.address)


def test_cancelling_ends_the_calls_under_way(house: House) -> None:
    left = threading.Event()
    one, _ = house.segmenter("one", lambda number: left.wait(10) and None)
    threading.Timer(0.3, house.caller.cancelled.set).start()
    began = time.monotonic()
    with pytest.raises(CancelledError):
        house.analyze(one.address)
    assert time.monotonic() - began < 5.0
    left.set()
