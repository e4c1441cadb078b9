"""`moodcut demo`: a film and a song of known truth."""

from __future__ import annotations

from pathlib import Path

import click

from moodcut.demo import write_demo


@click.command(name="demo")
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
def command(directory: Path) -> None:
    """Write film.mp4 and song.wav into DIRECTORY, each with its truth as JSON beside it.

    The film's scenes, cuts and moods and the song's tempo, beats and mood are known, so what moodcut finds can be held
    against them.
    """
    directory.mkdir(parents=True, exist_ok=True)
    for path in write_demo(directory):
        click.echo(str(path))
