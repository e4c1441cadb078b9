"""Batches are drawn from seed, epoch and number alone, and what a clip lacks is lent by another of its emotion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from moodcut_training.draws import Draws, ahead
from moodcut_training.errors import DatasetError

LABELS = [0, 0, 0, 1, 1, 2, 3, 4, 5]


@dataclass
class Fake:
    """A clip of constant pictures and sound, so that it can be told where they came from."""

    number: int
    frame_count: int = 4
    sample_count: int = 100
    sample_rate: int = 16_000

    def picture(self, frame: int) -> np.ndarray:
        return np.full((2, 2, 3), 10 * self.number + frame, dtype=np.uint8)

    def sound(self) -> np.ndarray:
        return np.full(self.sample_count, self.number, dtype=np.float32)


def clips(**changed: Fake) -> list[Fake]:
    return [changed.get(f"at_{number}", Fake(number)) for number in range(len(LABELS))]


def test_a_batch_is_the_same_whenever_it_is_drawn() -> None:
    draws = Draws(clips(), LABELS, seed=7)
    batches = draws.epoch(3)
    assert len(batches) == 3
    first = draws.batch(batches[1], epoch=3, number=1)
    draws.batch(batches[2], epoch=3, number=2)
    again = Draws(clips(), LABELS, seed=7).batch(batches[1], epoch=3, number=1)
    assert [s.picture.tolist() for s in first] == [s.picture.tolist() for s in again]
    for row, sample in enumerate(first):
        assert sample.picture[0, 0, 0] // 10 == batches[1][row] == sample.sound[0]
        assert LABELS[batches[1][row]] == row
    other = [b.tolist() for b in Draws(clips(), LABELS, seed=8).epoch(3)]
    assert other != [b.tolist() for b in batches] or other != [b.tolist() for b in draws.epoch(4)]


def test_every_frame_is_drawn_in_time() -> None:
    draws = Draws(clips(), LABELS, seed=0)
    seen = {int(draws.batch(draws.epoch(epoch)[0], epoch=epoch, number=0)[5].picture[0, 0, 0]) for epoch in range(60)}
    assert seen == {80, 81, 82, 83}


def test_what_is_missing_is_lent_by_the_same_emotion() -> None:
    draws = Draws(clips(at_0=Fake(0, frame_count=0), at_3=Fake(3, sample_count=0)), LABELS, seed=1)
    for epoch in range(10):
        for number, batch in enumerate(draws.epoch(epoch)):
            samples = draws.batch(batch, epoch=epoch, number=number)
            assert samples[0].picture[0, 0, 0] // 10 in (1, 2)
            assert samples[0].sound[0] == batch[0]
            assert samples[1].sound[0] == 4
            assert samples[1].picture[0, 0, 0] // 10 == batch[1]


def test_an_emotion_without_any_sound_is_refused() -> None:
    with pytest.raises(DatasetError, match="No clip of neutral to train on has a sound"):
        Draws(clips(at_5=Fake(5, sample_count=0)), LABELS, seed=1)


def test_ahead_keeps_order_and_passes_errors_on() -> None:
    assert list(ahead(lambda n: n * n, range(5))) == [0, 1, 4, 9, 16]
    assert list(ahead(lambda n: n, range(0))) == []
    stopped = ahead(lambda n: 1 // (2 - n), range(5))
    assert [next(stopped), next(stopped)] == [0, 1]
    with pytest.raises(ZeroDivisionError):
        next(stopped)
