"""Kinds of values on the command line."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import click

from moodcut.choices import DETECTORS
from moodcut.files import check_writable
from moodcut_kit.client import split_addresses
from moodcut_kit.v1 import segmenter_pb2

_PLUGIN = "plugin:"
_CLOCK = re.compile(r"(?:(?:(\d+):)?(\d+):)?(\d+(?:\.\d+)?)")


def parse_seconds(text: str) -> float:
    """Seconds out of ``12.5``, ``1:30`` or ``1:02:03.5``. Raises ValueError."""
    match = _CLOCK.fullmatch(text.strip())
    if not match:
        raise ValueError(f"{text!r} is no time; write seconds (12.5), minutes (1:30) or hours (1:02:03)")
    hours, minutes, seconds = match.groups()
    total = int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(seconds)
    if not math.isfinite(total):
        raise ValueError(f"{text!r} is too long")
    return total


class Seconds(click.ParamType):  # type: ignore[type-arg]
    """A time or a duration."""

    name = "time"

    def __init__(self, *, positive: bool = False) -> None:
        self._positive = positive

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Parse, or fail with what is allowed."""
        if isinstance(value, float | int):
            return float(value)
        try:
            seconds = parse_seconds(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)
        if self._positive and seconds <= 0:
            self.fail(f"{value!r} must be longer than nothing", param, ctx)
        return seconds


class SecondsRange(click.ParamType):  # type: ignore[type-arg]
    """A stretch of time: A-B, where either may be left out."""

    name = "a-b"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, float]:
        """Parse into (start, end); end 0 means to the end."""
        if isinstance(value, tuple):
            return value
        start_text, dash, end_text = value.partition("-")
        try:
            start = parse_seconds(start_text) if start_text else 0.0
            end = parse_seconds(end_text) if end_text else 0.0
        except ValueError as error:
            self.fail(str(error), param, ctx)
        if not dash:
            self.fail(f"{value!r} is no range; write A-B, such as 60-300, 1:00-5:00, 60- or -300", param, ctx)
        if end_text and end <= start:
            self.fail(f"the range {value!r} is empty", param, ctx)
        return start, end


class DetectorName(click.ParamType):  # type: ignore[type-arg]
    """A shot detector: one of moodcut's by its name, or ``plugin:NAME``."""

    name = "detector"

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        """What --help shows."""
        return f"[{'|'.join(DETECTORS)}|{_PLUGIN}NAME]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Check the name; whether a plug-in is there the segmenter knows."""
        if value not in DETECTORS and not (value.startswith(_PLUGIN) and value != _PLUGIN):
            self.fail(f"{value!r} is none of {', '.join(DETECTORS)}, {_PLUGIN}NAME", param, ctx)
        return str(value)


SECONDS = Seconds()
DURATION = Seconds(positive=True)
SECONDS_RANGE = SecondsRange()
INPUT_FILE = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)
OUTPUT_FILE = click.Path(dir_okay=False, path_type=Path)

store_option = click.option(
    "--store", help="Where objects are kept: a directory, or s3://bucket/prefix?endpoint=http://host:port."
)
detector_option = click.option(
    "--detector",
    type=DetectorName(),
    default="transnetv2-fast",
    show_default=True,
    help="What finds the shots; plugin:NAME is one that another package brings.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON on stdout.")


def movie_options(detector: str) -> segmenter_pb2.MovieOptions:
    """Options of a film's analysis; ``detector`` is what --detector gives."""
    options = segmenter_pb2.MovieOptions()
    if detector.startswith(_PLUGIN):
        options.detector_plugin = detector.removeprefix(_PLUGIN)
    else:
        options.detector = DETECTORS[detector]
    return options


def checked_mp4(output: Path, *inputs: Path) -> Path:
    """A place for an MP4 file that is none of ``inputs``, checked before any work is done. Raises click.UsageError."""
    if output.suffix.lower() != ".mp4":
        raise click.UsageError(f"the output is an MP4 file; name it {output.with_suffix('.mp4').name}")
    return checked_output(output, *inputs)


def checked_output(output: Path, *inputs: Path) -> Path:
    """A file that can be written and is none of ``inputs``. Raises click.UsageError."""
    try:
        check_writable(output, *inputs)
    except OSError as error:
        raise click.UsageError(str(error)) from error
    return output


def checked_addresses(option: str, values: tuple[str, ...]) -> tuple[str, ...]:
    """The addresses in values that may be lists with commas. Raises click.UsageError if there is none."""
    addresses = split_addresses(values)
    if not addresses:
        raise click.UsageError(f"{option} names no address")
    return addresses
