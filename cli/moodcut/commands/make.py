"""`moodcut make`: a film and a song to a montage."""

from __future__ import annotations

import hashlib
import itertools
import json
import signal
from pathlib import Path
from typing import Any

import click

from moodcut.choices import CONSTRAINTS, LENGTHS, MOODS, UNITS, WEIGHTINGS
from moodcut.client import Client
from moodcut.console import note, print_json, stage_progress
from moodcut.hosting import installation
from moodcut.keep import keep_artifacts
from moodcut.music_options import chosen_music, music_options
from moodcut.params import (
    DURATION,
    INPUT_FILE,
    OUTPUT_FILE,
    SECONDS,
    SECONDS_RANGE,
    checked_mp4,
    checked_output,
    detector_option,
    json_option,
    movie_options,
    store_option,
)
from moodcut.scenes_option import scenes_option, set_scenes
from moodcut.session import check_server, open_session, server_option
from moodcut.summary import summary
from moodcut_kit.errors import CancelledError, MoodcutError
from moodcut_kit.status import RemoteError
from moodcut_kit.v1 import media_pb2, montage_pb2

# What each style sets unless an option says otherwise.
_STYLES = {
    "default": {"constraint": "hard", "max_scenes": 5, "length": "flexible", "weighting": "bar", "average": False},
    "paper": {"constraint": "hard", "max_scenes": 5, "length": "whole", "weighting": "shot", "average": True},
}


@click.command(name="make")
@click.argument("movie", type=INPUT_FILE)
@click.argument("music", type=INPUT_FILE)
@click.option("-o", "--output", type=OUTPUT_FILE, help="The montage, an .mp4 file.")
@click.option(
    "--style",
    type=click.Choice(list(_STYLES)),
    default="default",
    show_default=True,
    help="default: flexible lengths, weighted by bars, real bars. paper: whole shots, average bar, per shot.",
)
@click.option("--constraint", type=click.Choice(list(CONSTRAINTS)), help="How the story is kept.  [default: hard]")
@click.option("--max-scenes", type=click.IntRange(1, 1000), help="Most scenes to take shots from (N_c).  [default: 5]")
@click.option(
    "--unit",
    type=click.Choice(list(UNITS)),
    default="bar",
    show_default=True,
    help="Where cuts may fall; none is a grid of 100 ms.",
)
@click.option(
    "--length",
    type=click.Choice(list(LENGTHS)),
    help="whole: a shot fills all the units it can; flexible: any number.  [default: flexible]",
)
@click.option(
    "--max-units", type=click.IntRange(1, 100_000), help="Most units a shot may take.  [default: four bars' worth]"
)
@click.option("--weighting", type=click.Choice(list(WEIGHTINGS)), help="What a score counts for.  [default: bar]")
@click.option("--duration", type=DURATION, help="Longest duration; rounded down to whole units.")
@click.option("--in-point", type=SECONDS, default=0.0, help="Where in the music to begin.")
@click.option("--keep-pickup", is_flag=True, help="Begin with the pick-up before the first downbeat.")
@click.option("--film-range", type=SECONDS_RANGE, help="Use only this part of the film, such as 1:00-30:00.")
@detector_option
@music_options
@scenes_option
@click.option(
    "--scores",
    type=click.Choice(["model", "random"]),
    default="model",
    show_default=True,
    help="random: without emotion, for comparison.",
)
@click.option("--mood", type=click.Choice(list(MOODS)), help="Look for this emotion in place of the music's own.")
@click.option(
    "--seed", type=click.IntRange(-(2**63), 2**63 - 1), default=0, show_default=True, help="Seed of random scores."
)
@click.option(
    "--relax", is_flag=True, help="When nothing fits: flexible lengths, half bars, beats, more scenes, shorter."
)
@click.option(
    "--crf", type=click.IntRange(1, 51), help="Quality of the picture (x264), lower is better.  [default: 20]"
)
@click.option("--again", is_flag=True, help="Make it anew even if it was made before.")
@click.option("--dry-run", is_flag=True, help="Choose the shots, but render nothing.")
@store_option
@server_option
@click.option("--keep", type=click.Path(file_okay=False, path_type=Path), help="Write all artifacts here as files.")
@json_option
def command(movie: Path, music: Path, output: Path | None, **chosen: Any) -> None:
    """Cut MOVIE to MUSIC.

    The film's shots whose emotion is nearest to the music's are chosen so that at most a few scenes are used and every
    cut falls on a downbeat. A run that was interrupted goes on where it was when it is started again.

    \b
    Examples:
      moodcut make film.mp4 song.mp3 -o montage.mp4
      moodcut make film.mp4 song.mp3 -o montage.mp4 --duration 30 --max-scenes 3
      moodcut make film.mp4 song.mp3 -o montage.mp4 --style paper --relax
      moodcut make film.mp4 song.mp3 -o montage.mp4 --bpm 96 --beat-offset 0.35
      moodcut make film.mp4 song.mp3 --dry-run --json
    """
    output = _checked_output(output, movie, music, dry_run=chosen["dry_run"])
    if chosen["keep"] is not None:
        checked_output(chosen["keep"])
    check_server(chosen["server"], keeps=chosen["keep"] is not None)
    options = montage_options(chosen | {"movie": movie})
    with open_session(chosen["server"], chosen["store"]) as session:
        refs = session.register(movie), session.register(music)
        montage, reused = _run(session.client, *refs, options, again=chosen["again"])
        if montage.state != montage_pb2.MONTAGE_STATE_SUCCEEDED:
            failure = _failure(montage)
            if chosen["as_json"]:
                print_json({"error": {"reason": failure.reason, "message": failure.message, **failure.metadata}})
            raise failure
        report = json.loads(session.client.read(montage.montage_id, montage_pb2.MONTAGE_FILE_REPORT))
        report["reused"] = reused
        if output is not None:
            session.client.download(montage.montage_id, montage_pb2.MONTAGE_FILE_VIDEO, output)
            report["output"] = str(output)
        if chosen["keep"] is not None:
            assert session.store is not None
            keep_artifacts(session.store, montage.result, chosen["keep"])
            report["kept"] = str(chosen["keep"])
    if chosen["as_json"]:
        for warning in report["warnings"]:
            note(f"note: {warning}")
        print_json(report)
    else:
        click.echo(summary(report))


def montage_options(chosen: dict[str, Any]) -> montage_pb2.MontageOptions:
    """The request's options out of the command's."""
    style = _STYLES[chosen["style"]]

    def of(name: str) -> Any:
        return chosen[name] if chosen[name] is not None else style[name]

    if chosen["mood"] and chosen["scores"] == "random":
        raise click.UsageError("--mood and --scores random exclude one another")
    average = style["average"] and chosen["unit"] != "none"
    film_start, film_end = chosen["film_range"] or (0.0, 0.0)
    if chosen["max_units"] and of("length") == "whole":
        raise click.UsageError("--max-units needs --length flexible")
    backend, music = chosen_music(chosen)
    options = montage_pb2.MontageOptions(
        constraint=CONSTRAINTS[of("constraint")],
        max_scenes=of("max_scenes"),
        unit=UNITS[chosen["unit"]],
        boundaries=montage_pb2.GRID_BOUNDARIES_AVERAGE if average else montage_pb2.GRID_BOUNDARIES_REAL,
        length_mode=LENGTHS[of("length")],
        max_units=chosen["max_units"] or 0,
        weighting=WEIGHTINGS[of("weighting")],
        duration_seconds=chosen["duration"] or 0.0,
        in_point_seconds=chosen["in_point"],
        keep_pickup=chosen["keep_pickup"],
        film_start_seconds=film_start,
        film_end_seconds=film_end,
        beat_backend=backend,
        random_scores=chosen["scores"] == "random",
        seed=chosen["seed"] if chosen["scores"] == "random" else 0,
        mood=MOODS[chosen["mood"]] if chosen["mood"] else media_pb2.EMOTION_UNSPECIFIED,
        relax=chosen["relax"],
        skip_render=chosen["dry_run"],
        music=music,
    )
    options.movie.CopyFrom(movie_options(chosen["detector"]))
    set_scenes(options.movie, chosen["scenes"], chosen["movie"])
    options.render.crf = chosen["crf"] or 0
    return options


def _run(
    client: Client,
    movie: montage_pb2.MediaRef,
    music: montage_pb2.MediaRef,
    options: montage_pb2.MontageOptions,
    *,
    again: bool,
) -> tuple[montage_pb2.Montage, bool]:
    """The montage when it has ended, and whether it had been made before.

    The request's id is a hash of the request and of what is installed, so that an interrupted run goes on and a
    finished one is not made again. One that failed before, or with ``again`` any that has ended, is asked for anew.
    """
    body = b"".join(each.SerializeToString(deterministic=True) for each in (movie, music, options))
    digest = hashlib.sha256(body + installation().encode()).hexdigest()[:24]
    leave = {montage_pb2.MONTAGE_STATE_FAILED, montage_pb2.MONTAGE_STATE_CANCELLED}
    if again:
        leave.add(montage_pb2.MONTAGE_STATE_SUCCEEDED)
    for attempt in itertools.count():
        montage = client.create(request_id=f"make-{digest}-{attempt}", movie=movie, music=music, options=options)
        if montage.state not in leave:
            break
    if montage.state == montage_pb2.MONTAGE_STATE_SUCCEEDED:
        return montage, True
    try:
        with stage_progress() as progress:
            for latest in client.watch(montage.montage_id):
                progress.update(latest.stage, latest.stage_progress)
                montage = latest
    except KeyboardInterrupt:
        # The services now give their work back; another signal must not tear that apart.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        note("the same command goes on from here")
        raise
    return montage, False


def _failure(montage: montage_pb2.Montage) -> MoodcutError:
    if montage.state == montage_pb2.MONTAGE_STATE_CANCELLED:
        return CancelledError(f"the montage {montage.montage_id} was cancelled")
    error = montage.error
    return RemoteError(error.message, code=error.code, reason=error.reason, metadata=dict(error.metadata))


def _checked_output(output: Path | None, *inputs: Path, dry_run: bool) -> Path | None:
    """Where to write, checked before any work is done."""
    if dry_run:
        return None
    if output is None:
        raise click.UsageError("say where the montage goes with -o OUT.mp4, or ask for --dry-run")
    return checked_mp4(output, *inputs)
