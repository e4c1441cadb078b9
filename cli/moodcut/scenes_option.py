"""``--scenes``: how many there are, or where they come from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from moodcut.scene_files import read_scene_starts
from moodcut_kit.v1 import media_pb2, segmenter_pb2

_MOST = 100_000
_WORDS = {"chapters": media_pb2.SCENE_SOURCE_CHAPTERS, "model": media_pb2.SCENE_SOURCE_MODEL}


class Scenes(click.ParamType):  # type: ignore[type-arg]
    """A number, one of the words ``chapters`` and ``model``, or a file."""

    name = "n|chapters|model|file"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | str | Path:
        """A number as int, a word as str, an existing file as Path, or fail with what is allowed."""
        if isinstance(value, int | Path):
            return value
        if value in _WORDS:
            return str(value)
        if value.lstrip("-").isdecimal():
            if not 1 <= int(value) <= _MOST:
                self.fail(f"the number of scenes {value} is not between 1 and {_MOST}", param, ctx)
            return int(value)
        path = Path(value)
        if not path.is_file():
            self.fail(f"{value!r} is no number, not {' or '.join(_WORDS)}, and there is no such file", param, ctx)
        return path


scenes_option = click.option(
    "--scenes",
    type=Scenes(),
    help="How many scenes the film has; or its chapters; or what a model of your own finds; or a file of their "
    "beginnings, .json or .edl.",
)


def set_scenes(options: segmenter_pb2.MovieOptions, chosen: int | str | Path | None, film: Path) -> None:
    """Write what ``--scenes`` was given into the request's options.

    Raises click.BadParameter for a file without scenes.
    """
    if isinstance(chosen, int):
        options.scene_count = chosen
    elif isinstance(chosen, str):
        options.scene_source = _WORDS[chosen]
    elif chosen is not None:
        try:
            starts = read_scene_starts(chosen, film)
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint="--scenes") from error
        options.scene_source = media_pb2.SCENE_SOURCE_GIVEN
        options.scene_starts.extend(media_pb2.Rational(num=each.numerator, den=each.denominator) for each in starts)
