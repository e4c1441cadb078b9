"""Reads bars that a user knows: beat annotations as trackers and annotators write them, or JSON. Pure.

Text has one beat a line, its time in seconds and its place in the bar, with a tab, spaces or a comma between them; what
follows a # is a comment. JSON is an object with "beats": [{"seconds": 0.5, "position": 1}, ...], which is what
`moodcut segment music --json` prints, or with "downbeats": [0.5, 2.5, ...], whose bars are divided evenly.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from moodcut_kit.errors import InvalidArgumentError
from moodcut_kit.v1 import segmenter_pb2

_FORM = "write one beat a line: its time in seconds, a tab, and its place in the bar from 1"
_USUAL_METER = 4
_MOST_BYTES = 16 * 2**20


class BarsFileError(InvalidArgumentError):
    """The file of bars cannot be understood."""

    reason = "BARS_FILE_INVALID"


def read_bars(path: Path, *, beats_per_bar: int | None = None) -> segmenter_pb2.GivenBeats:
    """The beats in the file ``path``.

    ``beats_per_bar`` counts the places where the file has none: lines of a time alone, the first of which is then a
    downbeat; and it divides the bars of downbeats alone (4 without it). Raises BarsFileError with the line at fault.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise BarsFileError(f"{path} is larger than any list of beats ({_MOST_BYTES} bytes)", path=path)
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise BarsFileError(f"{path} is no text: {_FORM}", path=path) from error
    try:
        is_json = path.suffix.lower() == ".json" or text.lstrip()[:1] in ("{", "[")
        beats = _json_beats(text, beats_per_bar) if is_json else _text_beats(text, beats_per_bar)
        _check(beats)
    except _TroubleError as error:
        raise BarsFileError(f"{path}{error.place}: {error.message}", path=path) from error
    return segmenter_pb2.GivenBeats(seconds=[each[0] for each in beats], positions=[each[1] for each in beats])


class _TroubleError(ValueError):
    """What is wrong, and where in the file."""

    def __init__(self, message: str, place: str = "") -> None:
        super().__init__(message)
        self.message, self.place = message, place


_Beat = tuple[float, int, str]


def _text_beats(text: str, beats_per_bar: int | None) -> list[_Beat]:
    """(seconds, position, where it stands) of each line."""
    beats: list[_Beat] = []
    for number, line in enumerate(text.splitlines(), start=1):
        words = re.split(r"[\s,;]+", line.partition("#")[0].strip())
        if words == [""]:
            continue
        place = f", line {number}"
        seconds = _number(words[0], place)
        if len(words) == 1:
            if beats_per_bar is None:
                raise _TroubleError(f"{line.strip()!r} has no place in the bar; {_FORM}, or add --beats-per-bar", place)
            beats.append((seconds, len(beats) % beats_per_bar + 1, place))
            continue
        position = _number(words[1], place)
        if position != int(position):
            raise _TroubleError(f"{words[1]!r} is no place in a bar; it must be a whole number from 1", place)
        beats.append((seconds, int(position), place))
    return beats


def _json_beats(text: str, beats_per_bar: int | None) -> list[_Beat]:
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise _TroubleError(f"no JSON: {error.msg}", f", line {error.lineno}") from error
    if not isinstance(document, dict):
        document = {"beats": document}
    if isinstance(document.get("beats"), list):
        return [_json_beat(each, f", beats[{index}]") for index, each in enumerate(document["beats"])]
    if isinstance(document.get("downbeats"), list):
        seconds = [_number(each, f", downbeats[{index}]") for index, each in enumerate(document["downbeats"])]
        return _divided(seconds, beats_per_bar or _USUAL_METER)
    raise _TroubleError('the object has neither "beats" nor "downbeats"')


def _json_beat(value: Any, place: str) -> _Beat:
    if not (isinstance(value, dict) and "seconds" in value and type(value.get("position")) is int):
        raise _TroubleError('a beat is {"seconds": 0.5, "position": 1}', place)
    return _number(value["seconds"], place), value["position"], place


def _divided(downbeats: Sequence[float], meter: int) -> list[_Beat]:
    """Bars from each downbeat to the next, divided evenly."""
    beats: list[_Beat] = []
    for index, (start, end) in enumerate(pairwise(downbeats)):
        step = (end - start) / meter
        beats += [(start + beat * step, beat + 1, f", downbeats[{index}]") for beat in range(meter)]
    return [*beats, *((last, 1, f", downbeats[{len(downbeats) - 1}]") for last in downbeats[-1:])]


def _number(value: Any, place: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise _TroubleError(f"{value!r} is no number; {_FORM}", place) from None
    if not math.isfinite(number):
        raise _TroubleError(f"{value!r} is no time", place)
    return number


def _check(beats: Sequence[_Beat]) -> None:
    """What can be said with a line; the segmenter checks the rest."""
    if len(beats) < 2:
        raise _TroubleError(f"fewer than two beats; {_FORM}")
    before = -math.inf
    for seconds, position, place in beats:
        if seconds < 0:
            raise _TroubleError(f"the beat lies at {seconds} s; times count from the music's first sample", place)
        if seconds <= before:
            raise _TroubleError(f"{seconds} s does not come after {before} s; put the beats in order of time", place)
        if position < 1:
            raise _TroubleError(f"the place in the bar is {position}; places count from 1", place)
        before = seconds
    if not any(position == 1 for _, position, _ in beats):
        raise _TroubleError("no beat has the place 1, so no bar begins; mark the downbeats with 1")
