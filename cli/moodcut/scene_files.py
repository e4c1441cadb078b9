"""Scenes that a user has in a file: JSON, or an edit decision list (CMX 3600)."""

from __future__ import annotations

import json
import re
from fractions import Fraction
from pathlib import Path
from typing import Any, NoReturn

from moodcut_kit.time import round_half_up

_CODE = r"(\d\d):(\d\d):(\d\d)([:;.,])(\d\d)"
_EVENT = re.compile(rf"\d{{1,6}}\s+\S+\s+(\S+)\s+[A-Z]\w*(?:\s+\d+)?\s+(?:{_CODE}\s+){{2}}({_CODE})\s+({_CODE})\s*")
_LONGEST_SECONDS = 10**6
_FINEST = 10**9


def starts_in_json(text: str) -> tuple[Fraction, ...]:
    """Seconds at which scenes begin: a list of numbers, or an object whose "scenes" each have "start_seconds".

    What `moodcut segment movie --json` prints is such an object. Raises ValueError.
    """
    try:
        value = json.loads(text, parse_float=Fraction, parse_constant=_no_number)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if isinstance(value, dict):
        value = value.get("scenes")
    if not isinstance(value, list) or not value:
        raise ValueError('it is neither a list of seconds nor {"scenes": [{"start_seconds": ...}, ...]}')
    return tuple(_seconds(each.get("start_seconds") if isinstance(each, dict) else each) for each in value)


def starts_in_edl(text: str, rate: Fraction) -> tuple[Fraction, ...]:
    """Seconds at which the events of an EDL begin in the record, of pictures of ``rate`` a second.

    Events of sound alone and those without length are left out. A record that begins at a full hour counts from it.
    Raises ValueError.
    """
    frames = set[int]()
    for line in text.splitlines():
        event = _EVENT.fullmatch(line.strip())
        if event is None or event[1].upper().startswith("A"):
            continue
        first, last = (_frame(code, rate) for code in (event[7], event[13]))
        if last > first:
            frames.add(first)
    if not frames:
        raise ValueError("it has no event of pictures")
    hour = _frame("01:00:00:00", rate)
    begin = min(frames) // hour * hour
    return tuple((frame - begin) / rate for frame in sorted(frames))


def read_scene_starts(path: Path, film: Path) -> tuple[Fraction, ...]:
    """When the scenes that ``path`` lists begin in ``film``: seconds from its first frame.

    Raises ValueError with words for the user, and the media errors of an EDL's film, whose rate has to be read.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        if path.suffix.lower() == ".edl":
            return starts_in_edl(text, _rate(film))
        return starts_in_json(text)
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is no text file") from error
    except ValueError as error:
        raise ValueError(f"{path} holds no scenes: {error}") from error


def _rate(film: Path) -> Fraction:
    from moodcut_kit.media.frameindex import read_frame_index

    return read_frame_index(film).times.rate()


def _seconds(value: Any) -> Fraction:
    if isinstance(value, bool) or not isinstance(value, int | Fraction) or not 0 <= value <= _LONGEST_SECONDS:
        raise ValueError(f"{value!r} is no time in seconds" if value is not None else "a scene lacks start_seconds")
    return Fraction(value).limit_denominator(_FINEST)


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no time in seconds")


def _frame(code: str, rate: Fraction) -> int:
    """Number of the frame with a time code. With ``;`` numbers are dropped, two of thirty (four of sixty) a minute."""
    match = re.fullmatch(_CODE, code)
    assert match is not None
    hours, minutes, seconds, frames = (int(match[group]) for group in (1, 2, 3, 5))
    nominal = round_half_up(rate)
    if minutes > 59 or seconds > 59 or frames >= nominal:
        raise ValueError(f"{code} is no time code at {float(rate):g} pictures a second")
    minutes += 60 * hours
    dropped = round(nominal / 15) * (minutes - minutes // 10) if match[4] in ";," else 0
    return (minutes * 60 + seconds) * nominal + frames - dropped
