"""Files of bars that a user knows, and the options around them."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest

from moodcut.bars_file import BarsFileError, read_bars
from moodcut.commands.make import command
from moodcut.music_options import chosen_music
from moodcut_kit.v1 import media_pb2

_CHOSEN = {"beats": "auto", "bars": None, "bpm": None, "beat_offset": None, "beats_per_bar": None, "audio_track": None}


def _read(tmp_path: Path, text: str, name: str = "song.beats", beats_per_bar: int | None = None) -> list[object]:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    given = read_bars(path, beats_per_bar=beats_per_bar)
    return list(zip(given.seconds, given.positions, strict=True))


@pytest.mark.parametrize("between", ["\t", " ", ", ", ";"])
def test_lines_of_time_and_position(tmp_path: Path, between: str) -> None:
    text = f"# annotated by hand\n0.5{between}2\n\n1.0{between}1.0\r\n1.5{between}2  # here\n"
    assert _read(tmp_path, text) == [(0.5, 2), (1.0, 1), (1.5, 2)]


def test_lines_of_time_alone_need_the_beats_per_bar(tmp_path: Path) -> None:
    assert _read(tmp_path, "0.5\n1\n1.5\n2\n", beats_per_bar=3) == [(0.5, 1), (1.0, 2), (1.5, 3), (2.0, 1)]
    with pytest.raises(BarsFileError, match=r"song\.beats, line 1: '0\.5' has no place in the bar.*--beats-per-bar"):
        _read(tmp_path, "0.5\n1\n")


def test_json_of_beats_and_of_downbeats(tmp_path: Path) -> None:
    beats = [{"seconds": 0.5, "position": 1, "onset_strength": 3.0}, {"seconds": 1, "position": 2}]
    assert _read(tmp_path, json.dumps({"bpm": 120, "beats": beats}), "song.json") == [(0.5, 1), (1.0, 2)]
    downbeats = json.dumps({"downbeats": [1.0, 3.0, 4.5]})
    found = _read(tmp_path, downbeats, "song.json", beats_per_bar=2)
    assert found == [(1.0, 1), (2.0, 2), (3.0, 1), (3.75, 2), (4.5, 1)]
    assert len(_read(tmp_path, downbeats)) == 9


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0.5 1\nhalf 2\n", r", line 2: 'half' is no number; write one beat a line"),
        ("0.5 1\n0.4 2\n", r", line 2: 0\.4 s does not come after 0\.5 s; put the beats in order"),
        ("-1 1\n0.4 2\n", r", line 1: the beat lies at -1\.0 s"),
        ("0.5 1\n1.0 1.5\n", r", line 2: '1\.5' is no place in a bar"),
        ("0.5 1\n1.0 0\n", r", line 2: the place in the bar is 0"),
        ("0.5 2\n1.0 3\n", r": no beat has the place 1, so no bar begins"),
        ("0.5 1\n", r": fewer than two beats"),
        ("inf 1\n1 2", r", line 1: 'inf' is no time"),
        ("1 1\n2 nan", r", line 2: 'nan' is no time"),
        ("", r": fewer than two beats"),
        ('{"beats": [{"seconds": 1}]}', r", beats\[0\]: a beat is"),
        ('{"bars": []}', r"neither \"beats\" nor \"downbeats\""),
        ('{\n"beats": [', r", line 2: no JSON"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(BarsFileError, match=message):
        _read(tmp_path, text)


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "x.beats").write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(BarsFileError, match="is no text"):
        read_bars(tmp_path / "x.beats")


def test_options_become_those_of_the_contract(tmp_path: Path) -> None:
    (tmp_path / "a.beats").write_text("0.5 1\n1 2\n")
    backend, options = chosen_music(_CHOSEN | {"beats": "librosa", "beats_per_bar": (3, 4), "audio_track": 2})
    assert backend == media_pb2.BEAT_BACKEND_LIBROSA
    assert list(options.meters) == [3, 4]
    assert options.audio_track == 2
    assert options.WhichOneof("given") is None
    _, options = chosen_music(_CHOSEN | {"bpm": 96.0, "beat_offset": 0.35, "beats_per_bar": (3,)})
    tempo = options.given_tempo
    assert (tempo.bpm, tempo.offset_seconds, tempo.beats_per_bar) == (96.0, 0.35, 3)
    _, options = chosen_music(_CHOSEN | {"bars": tmp_path / "a.beats"})
    assert list(options.given_beats.positions) == [1, 2]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"bars": "x", "bpm": 100.0}, "exclude one another"),
        ({"bpm": 100.0, "beats": "librosa"}, "leave one away"),
        ({"beat_offset": 1.0}, "--beat-offset needs --bpm"),
        ({"bpm": 100.0, "beats_per_bar": (3, 4)}, "is one number"),
    ],
)
def test_options_that_contradict_one_another(more: dict[str, object], message: str) -> None:
    with pytest.raises(click.UsageError, match=message):
        chosen_music(_CHOSEN | more)


def test_beats_per_bar_is_checked() -> None:
    parameter = next(each for each in command.params if each.name == "beats_per_bar")
    assert parameter.type.convert("4,3,4", parameter, None) == (3, 4)
    with pytest.raises(click.UsageError, match="from 2 to 12"):
        parameter.type.convert("1", parameter, None)
