from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moodcut_director.errors import LeaseLostError, NoSelectionError
from moodcut_director.record import NewerSchemaError, Record, State, UnreadableRecordError

NEW = Record(montage_id="m", created_seconds=100.0)


def test_roundtrip() -> None:
    record = NEW.taken(holder="a", now_seconds=101.5, lease_seconds=10).succeeded(
        token=1, result={"video_key": "k"}, relaxations=("beats",), stage_seconds={"solve": 0.5}
    )
    assert Record.from_bytes(record.to_bytes()) == record


def test_a_newer_schema_is_left_alone() -> None:
    body = json.loads(NEW.to_bytes()) | {"schema": 99}
    with pytest.raises(NewerSchemaError, match="schema 99"):
        Record.from_bytes(json.dumps(body).encode())


def test_a_lease_ends() -> None:
    taken = NEW.taken(holder="a", now_seconds=100, lease_seconds=10)
    assert not taken.takeable(now_seconds=109.9)
    assert taken.takeable(now_seconds=110)
    assert not taken.renewed(token=1, now_seconds=105, lease_seconds=10).takeable(now_seconds=114)


def test_a_later_taking_fences_the_earlier_one_off() -> None:
    first = NEW.taken(holder="a", now_seconds=100, lease_seconds=10)
    second = first.taken(holder="b", now_seconds=120, lease_seconds=10)
    for change in (
        lambda: second.renewed(token=1, now_seconds=121, lease_seconds=10),
        lambda: second.advanced(token=1, state=State.SCORING, stage_seconds={}),
        lambda: second.succeeded(token=1, result={}, relaxations=(), stage_seconds={}),
        lambda: second.failed(token=1, error=NoSelectionError("none")),
        lambda: second.released(token=1),
    ):
        with pytest.raises(LeaseLostError, match="token 1"):
            change()
    assert second.advanced(token=2, state=State.SCORING, stage_seconds={}).state is State.SCORING


def test_what_has_ended_stays() -> None:
    done = NEW.taken(holder="a", now_seconds=0, lease_seconds=1).succeeded(
        token=1, result={}, relaxations=(), stage_seconds={}
    )
    assert done.cancelled() is done
    assert not done.takeable(now_seconds=1e9)
    cancelled = NEW.cancelled()
    with pytest.raises(LeaseLostError):
        cancelled.advanced(token=0, state=State.SOLVING, stage_seconds={})


def test_released_and_postponed() -> None:
    taken = NEW.taken(holder="a", now_seconds=100, lease_seconds=10)
    assert taken.released(token=1).takeable(now_seconds=100)
    postponed = taken.postponed(token=1, until_seconds=103, failed=True)
    assert not postponed.takeable(now_seconds=102.9)
    assert postponed.takeable(now_seconds=103)


def test_only_failures_are_counted() -> None:
    taken = NEW.taken(holder="a", now_seconds=100, lease_seconds=10)
    given_back = taken.released(token=1).taken(holder="b", now_seconds=101, lease_seconds=10)
    assert given_back.failure_count == 0
    overloaded = given_back.postponed(token=2, until_seconds=102, failed=False)
    assert overloaded.failure_count == 0
    assert given_back.postponed(token=2, until_seconds=102, failed=True).failure_count == 1
    left_without_a_word = given_back.taken(holder="c", now_seconds=200, lease_seconds=10)
    assert left_without_a_word.failure_count == 1


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"schema": "x"}', b'{"schema": 1, "state": "ODD"}'])
def test_what_is_no_state_is_said_to_be_none(data: bytes) -> None:
    with pytest.raises(UnreadableRecordError, match="cannot be read"):
        Record.from_bytes(data)


def test_a_failure_keeps_reason_and_values() -> None:
    taken = NEW.taken(holder="a", now_seconds=100, lease_seconds=10)
    failed = taken.failed(token=1, error=NoSelectionError("nothing fits", unit_count=7))
    assert failed.error == {
        "code": "FAILED_PRECONDITION",
        "reason": "NO_SELECTION",
        "message": "nothing fits",
        "metadata": {"unit_count": "7"},
    }
    assert Record.from_bytes(failed.to_bytes()) == failed


@given(takings=st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 50)), max_size=20))
def test_tokens_only_rise_and_at_most_one_holds(takings: list[tuple[str, float]]) -> None:
    record, now_seconds = NEW, 0.0
    for holder, wait_seconds in takings:
        now_seconds += wait_seconds
        if record.takeable(now_seconds=now_seconds):
            taken = record.taken(holder=holder, now_seconds=now_seconds, lease_seconds=10)
            assert taken.token == record.token + 1
            assert not taken.takeable(now_seconds=now_seconds)
            record = taken
