"""Scenes in files of the user."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import click
import pytest

from moodcut.scene_files import read_scene_starts, starts_in_edl, starts_in_json
from moodcut.scenes_option import Scenes, set_scenes
from moodcut_kit.v1 import media_pb2, segmenter_pb2

_EDL = """TITLE: SCENES
FCM: NON-DROP FRAME

001  AX       V     C        00:00:10:00 00:00:14:12 01:00:00:00 01:00:04:12
* FROM CLIP NAME: KITCHEN
002  AX       AA/V  C        00:00:00:00 00:00:00:00 01:00:04:12 01:00:04:12
002  BX       V     D    025 00:01:00:00 00:01:05:13 01:00:04:12 01:00:10:00
003  AX       A2    C        00:00:00:00 00:00:05:00 01:00:06:00 01:00:11:00
004  CX       B     C        00:00:00:00 00:00:05:00 01:00:10:00 01:01:00:00
"""


def test_json() -> None:
    assert starts_in_json("[0, 12.5, 61.04]") == (0, Fraction(25, 2), Fraction(6104, 100))
    text = '{"fps": 25, "scenes": [{"start_seconds": 0.0, "end_seconds": 3}, {"start_seconds": 3.2, "scene_id": "x"}]}'
    assert starts_in_json(text) == (0, Fraction(16, 5))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "Expecting value"),
        ("[]", "neither a list"),
        ("3", "neither a list"),
        ('{"shots": [1]}', "neither a list"),
        ('["1:00"]', "no time in seconds"),
        ("[true]", "no time in seconds"),
        ("[NaN]", "NaN is no time"),
        ("[-1]", "no time in seconds"),
        ("[1e99]", "no time in seconds"),
        ('{"scenes": [{"end_seconds": 3}]}', "lacks start_seconds"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_json_without_scenes_is_refused(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        starts_in_json(text)


def test_edl() -> None:
    assert starts_in_edl(_EDL, Fraction(25)) == (0, Fraction(112, 25), 10)
    assert starts_in_edl(_EDL, Fraction(24000, 1001)) == (0, Fraction(108 * 1001, 24000), Fraction(240 * 1001, 24000))


def test_time_codes_that_drop_numbers() -> None:
    line = "001 AX V C 00:00:00;00 00:00:00;01 {} {}"
    rate = Fraction(30000, 1001)
    text = "\n".join([line.format("00:00:00;00", "00:01:00;02"), line.format("00:01:00;02", "00:10:00;00")])
    # A minute's first two numbers do not exist: frame 1800 is called 00:01:00;02.
    assert starts_in_edl(text, rate) == (0, 1800 / rate)
    assert starts_in_edl(line.format("00:10:00;00", "00:10:00;01"), rate) == (17982 / rate,)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("TITLE: NOTHING", "no event"),
        ("001 AX V C 00:00:00:00 00:00:00:01 00:00:00:30 00:00:01:00", "no time code at 25"),
        ("001 AX A C 00:00:00:00 00:00:00:01 00:00:00:00 00:00:01:00", "no event"),
    ],
)
def test_edl_without_scenes_is_refused(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        starts_in_edl(text, Fraction(25))


def _options(tmp_path: Path, value: str) -> segmenter_pb2.MovieOptions:
    options = segmenter_pb2.MovieOptions()
    set_scenes(options, Scenes().convert(value, None, None), tmp_path / "film.mp4")
    return options


def test_the_options_values(tmp_path: Path) -> None:
    assert _options(tmp_path, "12").scene_count == 12
    assert _options(tmp_path, "chapters").scene_source == media_pb2.SCENE_SOURCE_CHAPTERS
    assert _options(tmp_path, "model").scene_source == media_pb2.SCENE_SOURCE_MODEL
    path = tmp_path / "scenes.json"
    path.write_text("[0, 1.5]")
    options = _options(tmp_path, str(path))
    assert options.scene_source == media_pb2.SCENE_SOURCE_GIVEN
    assert [(each.num, each.den) for each in options.scene_starts] == [(0, 1), (3, 2)]
    assert not options.scene_count


@pytest.mark.parametrize("value", ["0", "-3", "100001", "chapter", "no/such.json"])
def test_other_values_are_refused(value: str) -> None:
    with pytest.raises(click.BadParameter):
        Scenes().convert(value, None, None)


def test_a_file_without_scenes_is_named(tmp_path: Path) -> None:
    path = tmp_path / "scenes.json"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match=r"scenes\.json is no text file"):
        read_scene_starts(path, path)
    path.write_text("{}")
    with pytest.raises(click.BadParameter, match=r"scenes\.json holds no scenes"):
        _options(tmp_path, str(path))
