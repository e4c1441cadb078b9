"""Turns go to those who asked first, and are not lost when someone gives up."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from moodcut_solver import SolveCancelledError, turns
from moodcut_solver.turns import Turns


def never() -> bool:
    return False


def test_no_more_than_so_many_at_once() -> None:
    line, lock = Turns(3), threading.Lock()
    now, most = 0, 0

    def work(_: int) -> None:
        nonlocal now, most
        with line.turn(never):
            with lock:
                now += 1
                most = max(most, now)
            time.sleep(0.002)
            with lock:
                now -= 1

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(work, range(60)))
    assert (now, most) == (0, 3)


def test_first_come_first_served_and_who_gives_up_leaves_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "_POLL_SECONDS", 0.01)
    line, order = Turns(1), list[int]()
    gone = threading.Event()

    def work(number: int) -> None:
        try:
            with line.turn(gone.is_set if number == 1 else never):
                order.append(number)
        except SolveCancelledError:
            order.append(-number)

    with line.turn(never):
        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for waiting, thread in enumerate(threads, start=1):
            thread.start()
            while len(line._line) < waiting:
                time.sleep(0.001)
        gone.set()
        threads[1].join(5)
    for thread in threads:
        thread.join(5)
    assert order == [-1, 0, 2, 3]
    with line.turn(never):
        order.append(4)
    assert order[-1] == 4


def test_a_turn_is_given_back_after_an_error() -> None:
    line = Turns(1)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), line.turn(never):
            raise ZeroDivisionError
