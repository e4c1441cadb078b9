"""Which server takes the next call, where the servers are, and how far a film has come."""

from __future__ import annotations

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moodcut_kit.client.addresses import backends, split_addresses
from moodcut_kit.client.progress import RangeProgress
from moodcut_kit.client.spread import FIRST_REST_SECONDS, LONGEST_REST_SECONDS, LONGEST_TRIAL_SECONDS, Spread


def test_the_least_busy_server_is_next_and_alike_they_take_turns() -> None:
    spread = Spread("abc")
    taken = []
    for _ in range(6):
        address = spread.choose(now_seconds=0.0)
        assert address is not None
        spread.began(address, now_seconds=0.0)
        taken.append(address)
    assert taken == list("abcabc")
    for address in "bbc":
        spread.ended(address)
    assert spread.choose(now_seconds=0.0) == "b"


def test_a_limit_is_on_the_callers_own_calls() -> None:
    spread = Spread("ab")
    assert spread.choose(now_seconds=0.0, limit=2, own={"a": 2}) == "b"
    assert spread.choose(now_seconds=0.0, limit=2, own={"a": 2, "b": 2}) is None


def test_a_server_that_failed_rests_longer_each_time_and_is_then_tried_with_one_call() -> None:
    spread, now = Spread("a"), 100.0
    rests = []
    for _ in range(9):
        assert spread.choose(now_seconds=now) == "a"
        spread.began("a", now_seconds=now)
        assert spread.choose(now_seconds=now) == ("a" if not rests else None)
        spread.ended("a")
        spread.failed("a", began_seconds=now, now_seconds=now)
        assert spread.choose(now_seconds=now) is None
        rests.append(spread.seconds_until_awake(now_seconds=now))
        now += rests[-1]
    assert rests[:3] == pytest.approx([FIRST_REST_SECONDS, 2 * FIRST_REST_SECONDS, 4 * FIRST_REST_SECONDS])
    assert rests[-1] == pytest.approx(LONGEST_REST_SECONDS)
    spread.worked("a")
    spread.began("a", now_seconds=now)
    assert spread.choose(now_seconds=now) == "a"
    spread.failed("a", began_seconds=now, now_seconds=now)
    assert spread.seconds_until_awake(now_seconds=now) == pytest.approx(FIRST_REST_SECONDS)


def test_a_server_whose_trial_is_long_under_way_takes_others_too() -> None:
    spread, now = Spread("a"), 100.0
    spread.failed("a", began_seconds=0.0, now_seconds=now - FIRST_REST_SECONDS)
    spread.began("a", now_seconds=now)
    assert spread.choose(now_seconds=now + LONGEST_TRIAL_SECONDS - 1) is None
    now += LONGEST_TRIAL_SECONDS
    for _ in range(3):
        assert spread.choose(now_seconds=now) == "a"
        spread.began("a", now_seconds=now)


def test_calls_lost_together_are_one_failure() -> None:
    spread = Spread("a")
    for began in (1.0, 2.0, 3.0):
        spread.failed("a", began_seconds=began, now_seconds=10.0)
    assert spread.seconds_until_awake(now_seconds=10.0) == pytest.approx(FIRST_REST_SECONDS)


def test_a_full_server_is_left_alone_for_as_long_as_it_asks() -> None:
    spread = Spread("ab")
    spread.full("a", now_seconds=0.0, delay_seconds=5.0)
    assert [spread.choose(now_seconds=now) for now in (0.0, 4.9)] == ["b", "b"]
    spread.began("b", now_seconds=0.0)
    assert spread.choose(now_seconds=5.0) == "a"


def test_servers_that_stay_keep_what_is_known_of_them() -> None:
    spread = Spread("ab")
    spread.began("a", now_seconds=0.0)
    spread.failed("b", began_seconds=0.0, now_seconds=0.0)
    spread.replace("bac")
    assert spread.addresses == ("b", "a", "c")
    assert spread.choose(now_seconds=0.0) == "c"
    spread.replace("a")
    for address in "bc":  # Answers of servers that are gone change nothing.
        spread.ended(address)
        spread.worked(address)
        spread.full(address, now_seconds=0.0, delay_seconds=1.0)
        spread.failed(address, began_seconds=0.0, now_seconds=0.0)
    assert spread.addresses == ("a",)


def test_a_server_that_is_gone_is_known_until_its_last_call_ends() -> None:
    spread = Spread("ab")
    for _ in range(2):
        spread.began("a", now_seconds=0.0)
    spread.replace("b")
    assert spread.addresses == ("b",)
    assert [address in spread for address in "abc"] == [True, True, False]
    spread.began("b", now_seconds=0.0)
    spread.failed("b", began_seconds=0.0, now_seconds=0.0)
    assert spread.choose(now_seconds=0.0) is None
    assert spread.seconds_until_awake(now_seconds=0.0) == pytest.approx(FIRST_REST_SECONDS)
    spread.ended("a")
    spread.replace("ab")
    spread.began("c", now_seconds=0.0)
    assert spread.choose(now_seconds=0.0) == "a"
    spread.replace("b")
    spread.ended("a")
    assert "a" not in spread


KINDS = ("began", "ended", "failed", "worked", "full")


@given(st.lists(st.tuples(st.sampled_from(KINDS), st.sampled_from("abc")), max_size=60))
def test_one_that_is_chosen_is_awake(events: list[tuple[str, str]]) -> None:
    spread, now = Spread("abc"), 0.0
    for kind, address in events:
        now += 0.1
        match kind:
            case "failed":
                spread.failed(address, began_seconds=now, now_seconds=now)
            case "full":
                spread.full(address, now_seconds=now, delay_seconds=1.0)
            case "began":
                spread.began(address, now_seconds=now)
            case _:
                getattr(spread, kind)(address)
        chosen = spread.choose(now_seconds=now)
        wait = spread.seconds_until_awake(now_seconds=now)
        assert chosen is None or wait == 0.0
        assert chosen != address or kind not in ("failed", "full")


def test_lists_of_addresses() -> None:
    assert split_addresses(["a:1, b:2", "c:3", "a:1,"]) == ("a:1", "b:2", "c:3")
    assert split_addresses([" , "]) == ()


def test_a_name_of_several_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    def getaddrinfo(host: str, port: str, **_: object) -> list[tuple[object, ...]]:
        if host != "segmenter.films":
            raise OSError(f"no {host}")
        four = [(socket.AF_INET, 0, 0, "", (ip, int(port))) for ip in ("10.0.0.2", "10.0.0.1", "10.0.0.1")]
        return [*four, (socket.AF_INET6, 0, 0, "", ("fd00::1", int(port), 0, 0))]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    found = backends(["dns:///segmenter.films:50051", "host:1", "dns:///gone:2", "unix:/socket"])
    machines = ("ipv4:10.0.0.1:50051", "ipv4:10.0.0.2:50051", "ipv6:[fd00::1]:50051")
    assert found == (*machines, "host:1", "dns:///gone:2", "unix:/socket")


def test_progress_is_that_of_the_whole() -> None:
    progress = RangeProgress([100, 100, 200])
    assert progress.share([], {0: 5.0, 1: 5.0}) == 0.0
    assert progress.share([0], {1: 3.0, 2: 1.0}) == pytest.approx((100 + 60 + 20) / 400)
    assert progress.share([0], {1: 9.0, 2: 2.0}) == pytest.approx((100 + 100) / 400)
    assert progress.share([0, 1], {2: 5.0}) == pytest.approx((200 + 5 * 100 / 9) / 400)
    assert progress.share([0, 1], {2: 500.0}) == pytest.approx((200 + 180) / 400)
    assert progress.share([0, 1], {2: 0.1}) == pytest.approx((200 + 180) / 400)
    assert progress.share([0, 1, 2], {}) == 1.0


def test_a_range_that_was_there_already_sets_no_pace() -> None:
    progress = RangeProgress([100] * 10)
    assert progress.share([], {0: 0.05, 1: 0.05}) == 0.0
    assert progress.share([0], {1: 30.0, 2: 30.0}) == pytest.approx(0.1)
    # This one took long enough for a pace, though far too high: no more is added than was done at it.
    assert progress.share([0], {1: 1.5, 2: 30.0, 3: 30.0}) == pytest.approx(0.1)
    assert progress.share([0, 1], {2: 31.0, 3: 31.0}) == pytest.approx(0.3)


@given(st.lists(st.lists(st.floats(0.0, 50.0), min_size=4, max_size=4), max_size=20), st.randoms())
def test_progress_never_falls(times: list[list[float]], random: object) -> None:
    progress, last, done = RangeProgress([50, 100, 0, 7]), 0.0, set[int]()
    for seconds in times:
        done.add(random.randrange(4))  # type: ignore[attr-defined]
        share = progress.share(done, {number: seconds[number] for number in range(4) if number not in done})
        assert last <= share <= 1.0
        last = share
