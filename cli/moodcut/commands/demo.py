"""`moodcut demo`: a film and a song of known truth."""

from __future__ import annotations

from pathlib import Path

import click

from moodcut.hosting import missing_extra


@click.command(name="demo")
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
def command(directory: Path) -> None:
    """Write film.mp4 and song.wav into DIRECTORY, each with its truth as JSON beside it.

    The film's scenes and cuts and the song's tempo and beats are known, so what moodcut finds can be held against them.
    """
    try:
        from moodcut.demo import write_demo
    except ImportError as error:
        raise missing_extra("all", error) from error
    directory.mkdir(parents=True, exist_ok=True)
    for path in write_demo(directory):
        click.echo(str(path))
