"""Bars that the user knows."""

from __future__ import annotations

import numpy as np
import pytest

from moodcut_segmenter.errors import BadOptionsError
from moodcut_segmenter.given import GivenBeats, GivenTempo, given_track
from moodcut_segmenter.music import MusicOptions

_RATE = 1000


def test_beats_are_taken_as_they_are() -> None:
    given = GivenBeats(seconds=(0.2, 0.7, 1.2, 1.7, 2.2, 2.7), positions=(3, 1, 2, 3, 1, 2))
    track, warnings = given_track(given, duration_pts=3000, sample_rate=_RATE)
    assert track.pts.tolist() == [200, 700, 1200, 1700, 2200, 2700]
    assert track.positions.tolist() == [3, 1, 2, 3, 1, 2]
    assert track.meter == 3
    assert track.strength.tolist() == [1.0] * 6
    assert warnings == []


def test_bars_of_other_lengths_in_between_are_kept() -> None:
    positions = (1, 2, 3, 4, 1, 2, 1, 2, 3, 4, 1, 2, 3, 4)
    given = GivenBeats(seconds=tuple(0.5 * index for index in range(len(positions))), positions=positions)
    track, _ = given_track(given, duration_pts=9000, sample_rate=_RATE)
    assert track.meter == 4
    assert track.positions.tolist() == list(positions)


def test_beats_after_the_end_are_left_out_with_a_warning() -> None:
    given = GivenBeats(seconds=(0.0, 1.0, 2.0, 3.0), positions=(1, 2, 1, 2))
    track, warnings = given_track(given, duration_pts=2000, sample_rate=_RATE)
    assert track.pts.tolist() == [0, 1000]
    assert warnings == ["2 of the 4 given beats lie after the end of the music"]


def test_beats_of_other_music_are_refused() -> None:
    given = GivenBeats(seconds=(60.0, 61.0), positions=(1, 2))
    with pytest.raises(
        BadOptionsError, match=r"first of the given beats lies at 60\.000 s; the music ends at 2\.000 s"
    ):
        given_track(given, duration_pts=2000, sample_rate=_RATE)


def test_a_tempo_lays_beats_from_its_offset_to_the_end() -> None:
    tempo = GivenTempo(bpm=90, offset_seconds=0.25, meter=3)
    track, _ = given_track(tempo, duration_pts=60_000, sample_rate=_RATE)
    exact = (0.25 + np.arange(len(track.pts)) * 60 / 90) * _RATE
    assert np.abs(track.pts - exact).max() <= 0.5
    assert 60_000 - 60_000 / 90 <= track.pts[-1] < 60_000
    assert track.positions[:4].tolist() == [1, 2, 3, 1]


@pytest.mark.parametrize(
    ("seconds", "positions", "message"),
    [
        ((0.0, 1.0), (1,), "2 beats have 1 positions"),
        ((0.0,), (1,), "fewer than two"),
        ((0.0, 1.0), (2, 3), "mark the downbeats with 1"),
        ((1.0, 0.5), (1, 2), "beat 2 at 0.500 s does not come after the one before it at 1.000 s"),
        ((0.0, float("nan")), (1, 2), "beat 2 lies at nan s"),
        ((-1.0, 0.0), (1, 2), "beat 1 lies at -1.0 s"),
        ((0.0, 1.0), (1, 0), "beat 2 has position 0"),
    ],
)
def test_what_cannot_be_beats_is_refused(seconds: tuple[float, ...], positions: tuple[int, ...], message: str) -> None:
    with pytest.raises(BadOptionsError, match=message):
        GivenBeats(seconds=seconds, positions=positions)


@pytest.mark.parametrize(
    ("bpm", "offset", "meter"), [(0.0, 0.0, 4), (float("inf"), 0.0, 4), (120.0, -1.0, 4), (120.0, 0.0, 0)]
)
def test_what_is_no_tempo_is_refused(bpm: float, offset: float, meter: int) -> None:
    with pytest.raises(BadOptionsError):
        GivenTempo(bpm=bpm, offset_seconds=offset, meter=meter)


def test_options_name_all_that_changes_a_result() -> None:
    beats = GivenBeats(seconds=(0.0, 0.5), positions=(1, 2))
    options = [
        MusicOptions(audio_track=1),
        MusicOptions(meters=(3,)),
        MusicOptions(meters=(4, 3, 4)),
        MusicOptions(given=beats),
        MusicOptions(given=GivenTempo(bpm=100)),
        MusicOptions(given=GivenTempo(bpm=100, offset_seconds=0.1)),
    ]
    parameters = [each.parameters() for each in options]
    assert all(one != other for index, one in enumerate(parameters) for other in parameters[:index])
    assert options[2].meters == (3, 4)
    with pytest.raises(BadOptionsError, match="from 2 to 12"):
        MusicOptions(meters=(1,))
