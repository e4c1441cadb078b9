"""What a person sees: progress and notes on stderr, results on stdout."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn

from moodcut_kit.contract import Json

STAGE_WORDS = {
    "segment_movie": "finding shots and scenes",
    "segment_music": "finding beats and bars",
    "score": "scoring the shots",
    "solve": "choosing the shots",
    "match": "matching",
    "render": "rendering",
    "decode": "decoding the clips",
    "train": "training",
    "evaluate": "judging held-out clips",
    "export": "exporting",
}


def note(message: str) -> None:
    """A line on stderr."""
    click.echo(message, err=True)


def print_json(value: Mapping[str, Json]) -> None:
    """JSON, alone on stdout."""
    click.echo(json.dumps(value, indent=2))


class StageProgress:
    """A progress bar for the stage that runs."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task("waiting", total=None)
        self._stage = ""

    def update(self, stage: str, share: float) -> None:
        """Show ``share`` (0 to 1) of ``stage``."""
        if not stage:
            return
        if stage != self._stage:
            self._stage = stage
            self._progress.reset(self._task, total=None, description=STAGE_WORDS.get(stage, stage))
        self._progress.update(self._task, total=1.0 if share > 0 else None, completed=share)


@contextmanager
def stage_progress() -> Iterator[StageProgress]:
    """A progress bar on stderr; nothing where stderr is not a terminal."""
    console = Console(stderr=True)
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        yield StageProgress(progress)
