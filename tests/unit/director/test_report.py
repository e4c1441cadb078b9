"""What the report says of the music in each unit of the grid."""

from __future__ import annotations

from typing import Any, cast

import pytest

from moodcut_director.report import make_report
from moodcut_kit.time import FrameTimes
from moodcut_kit.v1 import media_pb2, renderer_pb2, solver_pb2

_TIME_BASE = media_pb2.Rational(num=1, den=1000)


def _music() -> media_pb2.MusicAnalysis:
    """A pick-up beat at 0.5 s, three bars of two seconds from 1 s on, a hole, a bar from 9 s on and beats after it."""
    starts = [1000, 3000, 5000, 9000]
    beats = [(500, 4)] + [(start + 500 * place, place + 1) for start in [*starts, 11_000] for place in range(4)]
    return media_pb2.MusicAnalysis(
        time_base=_TIME_BASE,
        duration_pts=14_000,
        beats=[
            media_pb2.Beat(pts=pts, position=position, onset_strength=position + pts / 1e5) for pts, position in beats
        ],
        bars=[
            media_pb2.Bar(
                index=index,
                start_pts=start,
                end_pts=start + 2000,
                loudness_dbfs=-20.0 - index,
                onset_strength=0.5 + index,
                section_index=index // 2,
            )
            for index, start in enumerate(starts)
        ],
        sections=[media_pb2.MusicSection(label="A", end_bar_index=2), media_pb2.MusicSection(label="B")],
        meter=4,
    )


def _units(unit: str, boundaries_pts: list[int]) -> list[dict[str, Any]]:
    rate = media_pb2.Rational(num=25, den=1)
    report = make_report(
        montage_id="m",
        movie=media_pb2.MovieAnalysis(frame_rate=rate),
        frame_times=FrameTimes.from_runs(time_base=1, first_pts=0, runs=[(1, 1)]),
        music=_music(),
        scores=media_pb2.Scores(),
        solution=solver_pb2.SolveResponse(),
        timeline=renderer_pb2.Timeline(frame_rate=rate, music_time_base=_TIME_BASE, unit_boundary_pts=boundaries_pts),
        unit=unit,
        relaxations=[],
        stage_seconds={},
    )
    units = cast("list[dict[str, Any]]", report["units"])
    assert len(units) == len(boundaries_pts) - 1
    return units


def _column(units: list[dict[str, Any]], name: str) -> list[Any]:
    return [unit[name] for unit in units]


def test_bars_have_their_own_values_and_a_pickup_and_a_bridge_none() -> None:
    units = _units("bar", [500, 1000, 3000, 5000, 7000, 9000, 11_000])
    assert _column(units, "bar") == [None, 0, 1, 2, None, 3]
    assert _column(units, "section") == [None, "A", "A", "B", None, "B"]
    assert _column(units, "loudness_dbfs") == [None, -20.0, -21.0, -22.0, None, -23.0]
    assert _column(units, "onset_strength") == [None, 0.5, 1.5, 2.5, None, 3.5]


@pytest.mark.parametrize(
    ("unit", "boundaries", "onsets"),
    [
        ("half-bar", [3000, 4000, 5000, 6000, 7000, 8000, 9000], [1.5325, 3.5425, 1.5525, 3.5625, None, None]),
        ("beat", [4000, 4500, 5000, 7000], [3.04, 4.045, 2.5575]),
    ],
)
def test_half_bars_and_beats_have_the_mean_of_their_beats(
    unit: str, boundaries: list[int], onsets: list[float | None]
) -> None:
    assert _column(_units(unit, boundaries), "onset_strength") == pytest.approx(onsets, abs=6e-4)


def test_beats_after_the_last_bar_have_onsets_but_no_bar() -> None:
    (unit,) = _units("beat", [11_000, 11_500])
    assert unit == {"bar": None, "section": None, "loudness_dbfs": None, "onset_strength": 1.11}


def test_steps_have_the_values_of_the_bar_they_lie_in() -> None:
    units = _units("none", list(range(4900, 5301, 100)))
    assert _column(units, "bar") == [1, 2, 2, 2]
    assert _column(units, "onset_strength") == [1.5, 2.5, 2.5, 2.5]
