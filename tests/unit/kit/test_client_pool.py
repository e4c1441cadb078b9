"""Calls through a pool whose servers are stand-ins in this process: what it keeps of them from call to call."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import cast

import grpc
import pytest

from moodcut_kit.client import Caller, Pool
from moodcut_kit.client import pool as pool_module
from moodcut_kit.client import spread as spread_module
from moodcut_kit.client.calls import UnaryMethod
from moodcut_kit.status import RemoteError


class Channel:
    """A channel that is its own stub. ``calls`` wait for the test to answer them, unless there are ``answers``."""

    def __init__(self, address: str) -> None:
        self.address, self.closed = address, False
        self.calls: list[Future[str]] = []
        self.answers: list[str | Exception] = []

    def close(self) -> None:
        self.closed = True

    def future(self, request: str, timeout: float | None = None) -> Future[str]:
        call: Future[str] = Future()
        self.calls.append(call)
        if self.answers:
            match self.answers.pop(0):
                case grpc.FutureCancelledError() as lost:
                    call.set_exception(lost)
                case Exception() as refused:
                    raise refused
                case answer:
                    call.set_result(answer)
        return call


class House:
    """One pool, and the channels it has opened, by address."""

    def __init__(self, addresses: list[str]) -> None:
        self.there = addresses
        self.channels: dict[str, list[Channel]] = defaultdict(list)
        self.answers: list[str | Exception] = []
        self.pool: Pool[Channel] = Pool(addresses, lambda channel: cast(Channel, channel))

    def connect(self, address: str) -> Channel:
        channel = Channel(address)
        channel.answers = self.answers
        self.channels[address].append(channel)
        return channel

    def call(self, patience_seconds: float = 5.0) -> str:
        caller = Caller(cancelled=threading.Event(), patience_seconds=patience_seconds)
        return self.pool.call(lambda stub: cast(UnaryMethod[str, str], stub), "?", caller=caller, timeout_seconds=9.0)


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    house = House(["a"])
    monkeypatch.setattr(pool_module, "connect", house.connect)
    monkeypatch.setattr(pool_module, "backends", lambda addresses: tuple(house.there))
    monkeypatch.setattr(pool_module, "_LOOK_UP_SECONDS", 0.0)
    monkeypatch.setattr(pool_module, "_POLL_SECONDS", 0.01)
    yield house
    house.pool.close()


def wait_for_calls(house: House, address: str, count: int) -> Channel:
    until_seconds = time.monotonic() + 5.0
    while time.monotonic() < until_seconds:
        if house.channels[address] and len(house.channels[address][0].calls) == count:
            return house.channels[address][0]
        time.sleep(0.005)
    raise AssertionError(f"{address} has not been called {count} times")


def lost() -> grpc.FutureCancelledError:
    return grpc.FutureCancelledError()


def test_a_call_that_could_not_be_begun_holds_no_place(house: House) -> None:
    house.answers += [ValueError("no such message"), lost(), "here"]
    with pytest.raises(ValueError, match="no such message"):
        house.call()
    assert house.call() == "here"


def test_a_server_that_never_comes_back_ends_the_call(house: House) -> None:
    house.answers += [lost() for _ in range(9)]
    with pytest.raises(RemoteError, match=r"no server has answered for \d s \(a: the server ended the call\)"):
        house.call(patience_seconds=0.5)


def test_a_call_is_not_refused_at_once_because_others_failed(house: House) -> None:
    house.answers += [lost(), lost()]
    with pytest.raises(RemoteError, match="the server ended the call"):
        house.call(patience_seconds=0.3)
    began_seconds = time.monotonic()
    with pytest.raises(RemoteError, match="takes no call yet"):
        house.call(patience_seconds=0.2)
    assert time.monotonic() - began_seconds >= 0.2


def test_patience_runs_while_another_call_is_the_trial_of_the_only_server(house: House) -> None:
    house.answers += [lost()]
    with ThreadPoolExecutor(1) as threads:
        other = threads.submit(house.call)
        channel = wait_for_calls(house, "a", 2)
        with pytest.raises(RemoteError, match="takes no call yet") as caught:
            house.call(patience_seconds=0.2)
        channel.calls[1].set_result("here")
        assert other.result() == "here"
    assert (caught.value.code, caught.value.metadata["addresses"]) == ("UNAVAILABLE", "a")


def test_a_long_trial_lets_others_in(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spread_module, "LONGEST_TRIAL_SECONDS", 0.1)
    house.answers += [lost()]
    with ThreadPoolExecutor(2) as threads:
        calls = [threads.submit(house.call)]
        channel = wait_for_calls(house, "a", 2)
        calls.append(threads.submit(house.call))
        wait_for_calls(house, "a", 3)
        for call in channel.calls[1:]:
            call.set_result("here")
        assert [call.result() for call in calls] == ["here", "here"]


def test_channels_of_servers_that_are_gone_are_closed(house: House) -> None:
    house.answers += ["here"]
    assert house.call() == "here"
    house.there = ["b"]
    house.answers += ["there"]
    assert house.call() == "there"
    assert [house.channels[address][0].closed for address in "ab"] == [True, False]
    house.there = ["a"]
    house.answers += ["here again"]
    assert house.call() == "here again"
    assert [channel.closed for channel in house.channels["a"]] == [True, False]


def test_a_channel_stays_open_until_its_last_call_ends(house: House) -> None:
    with ThreadPoolExecutor(1) as threads:
        under_way = threads.submit(house.call)
        channel = wait_for_calls(house, "a", 1)
        house.there = ["b"]
        house.answers += ["there"]
        assert house.call() == "there"
        assert not channel.closed
        channel.calls[0].set_result("here")
        assert under_way.result() == "here"
    assert channel.closed
