"""`moodcut match`: which songs fit a film, or which films and scenes fit a song."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from moodcut.choices import BEATS, CONSTRAINTS, UNITS
from moodcut.console import note, print_json, stage_progress
from moodcut.match_report import match_json, match_lines
from moodcut.params import (
    DURATION,
    INPUT_FILE,
    SECONDS,
    SECONDS_RANGE,
    detector_option,
    json_option,
    movie_options,
    store_option,
)
from moodcut.session import Session, check_server, open_session, server_option
from moodcut_kit.status import RemoteError
from moodcut_kit.v1 import montage_pb2


@click.command(name="match")
@click.argument("files", nargs=-1, required=True, type=INPUT_FILE, metavar="MOVIE SONG...")
@click.option("--for-song", type=INPUT_FILE, metavar="SONG", help="Rank films for this song: all others are films.")
@click.option(
    "--top-scenes",
    type=click.IntRange(1, 1000),
    default=3,
    show_default=True,
    help="How many scenes of the film to name with each song, best first.",
)
@click.option(
    "--constraint", type=click.Choice(list(CONSTRAINTS)), default="hard", show_default=True, help="As for `make`."
)
@click.option("--max-scenes", type=click.IntRange(1, 1000), default=5, show_default=True, help="As for `make`.")
@click.option("--unit", type=click.Choice(list(UNITS)), default="bar", show_default=True, help="As for `make`.")
@click.option(
    "--duration", type=DURATION, help="Compare montages of at most this duration: long songs need more good shots."
)
@click.option("--in-point", type=SECONDS, default=0.0, help="Where in the music to begin.")
@click.option("--film-range", type=SECONDS_RANGE, help="Use only this part of the films, such as 1:00-30:00.")
@click.option(
    "--beats", type=click.Choice(list(BEATS)), default="auto", show_default=True, help="What finds the beats."
)
@detector_option
@store_option
@server_option
@json_option
def command(files: tuple[Path, ...], for_song: Path | None, **chosen: Any) -> None:
    """Rank songs for a film: MOVIE SONG...; or with --for-song SONG rank films: MOVIE...

    A song's fit is what the best montage of the film to it would reach: the mean similarity of its shots' emotion with
    the song's, from -1 to 1, every bar counting alike. Where no shots fill the song exactly, what `make --relax` would
    relax is relaxed. The scenes that fit best are named with each; --top-scenes 1000 ranks them all. A film is analysed
    once: another song costs no more than itself.

    \b
    Examples:
      moodcut match film.mp4 one.mp3 two.mp3 three.mp3
      moodcut match film.mp4 album/*.mp3 --duration 60 --json
      moodcut match --for-song song.mp3 film.mp4 other.mp4
      moodcut match film.mp4 song.mp3 --top-scenes 20
    """
    if for_song is None and len(files) < 2:
        raise click.UsageError("name a film and at least one song, or films and --for-song SONG")
    check_server(chosen["server"])
    movies = _once(files[:1] if for_song is None else files)
    songs = _once(files[1:] if for_song is None else (for_song,))
    with open_session(chosen["server"], chosen["store"]) as session:
        known_movies, known_songs = _registered(session, movies), _registered(session, songs)
        names = {ref.sha256: str(path) for path, ref in (*known_movies, *known_songs)}
        with stage_progress() as progress:
            matches = session.client.match(
                movies=[ref for _, ref in known_movies],
                music=[ref for _, ref in known_songs],
                options=_options(chosen),
                scene_count=chosen["top_scenes"],
                on_progress=progress.update,
            )
    none_fits = all(match.HasField("error") for match in matches)
    if chosen["as_json"]:
        print_json({"matches": [match_json(match, names) for match in matches]})
    elif len(matches) > 1 or not none_fits:
        for line in match_lines(matches, names, for_song=for_song is not None):
            click.echo(line)
    if none_fits:
        first = matches[0].error
        raise RemoteError(first.message, code=first.code, reason=first.reason, metadata=dict(first.metadata))


def _options(chosen: dict[str, Any]) -> montage_pb2.MontageOptions:
    film_start, film_end = chosen["film_range"] or (0.0, 0.0)
    return montage_pb2.MontageOptions(
        constraint=CONSTRAINTS[chosen["constraint"]],
        max_scenes=chosen["max_scenes"],
        unit=UNITS[chosen["unit"]],
        duration_seconds=chosen["duration"] or 0.0,
        in_point_seconds=chosen["in_point"],
        film_start_seconds=film_start,
        film_end_seconds=film_end,
        beat_backend=BEATS[chosen["beats"]],
        movie=movie_options(chosen["detector"]),
        relax=True,
    )


def _once(paths: Sequence[Path]) -> list[Path]:
    return list(dict.fromkeys(paths))


def _registered(session: Session, paths: Sequence[Path]) -> list[tuple[Path, montage_pb2.MediaRef]]:
    """The files as the director knows them; one whose content was named before is passed over with a note."""
    found: dict[str, tuple[Path, montage_pb2.MediaRef]] = {}
    for path in paths:
        ref = session.register(path)
        if ref.sha256 in found:
            note(f"note: {path} is the same file as {found[ref.sha256][0]}")
        else:
            found[ref.sha256] = path, ref
    return list(found.values())
