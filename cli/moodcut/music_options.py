"""The options of commands that say how the music is analysed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from moodcut.bars_file import read_bars
from moodcut.choices import BEATS
from moodcut.params import INPUT_FILE, SECONDS
from moodcut_kit.v1 import media_pb2, segmenter_pb2

_Command = TypeVar("_Command", bound=Callable[..., Any])


class Meters(click.ParamType):  # type: ignore[type-arg]
    """One number of beats per bar or several to choose from."""

    name = "n[,n...]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        """Parse, or fail with what is allowed."""
        if isinstance(value, tuple):
            return value
        words = value.split(",")
        if not all(word.strip().isdecimal() and 2 <= int(word) <= 12 for word in words):
            self.fail(f"{value!r}: give beats per bar from 2 to 12, such as 3 or 3,4,6", param, ctx)
        return tuple(sorted({int(word) for word in words}))


def music_options(command: _Command) -> _Command:
    """Add --beats, --bars, --bpm, --beat-offset, --beats-per-bar and --audio-track."""
    for option in reversed(
        (
            click.option(
                "--beats",
                type=click.Choice(list(BEATS)),
                default="auto",
                show_default=True,
                help="What finds the beats.",
            ),
            click.option("--beats-per-bar", type=Meters(), help="Beats in a bar, or several numbers to choose from."),
            click.option("--bars", type=INPUT_FILE, help="The beats, if you know them: .beats, .txt or JSON."),
            click.option("--bpm", type=click.FloatRange(1, 1000), help="The steady tempo, if you know it."),
            click.option("--beat-offset", type=SECONDS, help="The first downbeat, with --bpm.  [default: 0]"),
            click.option(
                "--audio-track",
                type=click.IntRange(1, 1000),
                help="Sound track of a music file that has several, counted from 1.",
            ),
        )
    ):
        command = option(command)
    return command


def chosen_music(chosen: dict[str, Any]) -> tuple[media_pb2.BeatBackend.ValueType, segmenter_pb2.MusicOptions]:
    """What those options ask for. Raises click.UsageError, and BarsFileError for a file of bars."""
    bars, bpm, meters = chosen["bars"], chosen["bpm"], chosen["beats_per_bar"] or ()
    if bars and bpm is not None:
        raise click.UsageError("--bars and --bpm exclude one another")
    if (bars or bpm is not None) and chosen["beats"] != "auto":
        raise click.UsageError("--beats finds beats, but --bars or --bpm give them: leave one away")
    if chosen["beat_offset"] is not None and bpm is None:
        raise click.UsageError("--beat-offset needs --bpm")
    if (bars or bpm is not None) and len(meters) > 1:
        raise click.UsageError("with --bars or --bpm, --beats-per-bar is one number")
    options = segmenter_pb2.MusicOptions(audio_track=chosen["audio_track"] or 0)
    if bars:
        options.given_beats.CopyFrom(read_bars(Path(bars), beats_per_bar=meters[0] if meters else None))
    elif bpm is not None:
        options.given_tempo.bpm = bpm
        options.given_tempo.offset_seconds = chosen["beat_offset"] or 0.0
        options.given_tempo.beats_per_bar = meters[0] if meters else 0
    else:
        options.meters.extend(meters)
    return BEATS[chosen["beats"]], options
