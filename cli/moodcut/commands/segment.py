"""`moodcut segment movie|music`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from moodcut.console import note, print_json
from moodcut.music_options import chosen_music, music_options
from moodcut.params import INPUT_FILE, detector_option, json_option, movie_options, store_option
from moodcut.scenes_option import scenes_option, set_scenes
from moodcut.services import local_services
from moodcut_kit.readable import movie_json, music_json
from moodcut_kit.v1 import media_pb2


@click.group(name="segment")
def command() -> None:
    """Find shots and scenes in a film, or beats and bars in a piece of music.

    \b
    Examples:
      moodcut segment movie film.mp4 --json
      moodcut segment music song.mp3
    """


@command.command()
@click.argument("file", type=INPUT_FILE)
@detector_option
@scenes_option
@store_option
@json_option
def movie(file: Path, detector: str, scenes: int | str | Path | None, store: str | None, as_json: bool) -> None:
    """Find the shots and scenes of the film FILE."""
    options = movie_options(detector)
    set_scenes(options, scenes, file)
    with local_services(store, "segmenter") as local:
        _, keys = local.segment_movie(file, options)
        analysis = media_pb2.MovieAnalysis.FromString(local.store.get(keys.movie_analysis_key).data)
    found = movie_json(analysis)
    for warning in analysis.warnings:
        note(f"note: {warning}")
    if as_json:
        print_json(found)
        return
    click.echo(
        f"{analysis.frame_count} frames at {found['fps']} fps, {found['duration_seconds']:.2f} s: "
        f"{len(analysis.shots)} shots in {len(analysis.scenes)} scenes"
    )
    for shot in found["shots"]:  # type: ignore[union-attr]
        line = "{shot_id}  {scene_id}  {start_seconds:9.3f} s  {end_seconds:9.3f} s".format(**shot)  # type: ignore[arg-type]
        click.echo(f"{line}  {shot['unusable']}" if shot["unusable"] else line)  # type: ignore[call-overload,index]


@command.command()
@click.argument("file", type=INPUT_FILE)
@music_options
@store_option
@json_option
def music(file: Path, store: str | None, as_json: bool, **chosen: Any) -> None:
    """Find the beats, bars and sections of the piece of music FILE.

    What --json prints can be corrected by hand and given back with --bars.
    """
    backend, options = chosen_music(chosen)
    with local_services(store, "segmenter") as local:
        _, key = local.segment_music(file, backend, options)
        analysis = media_pb2.MusicAnalysis.FromString(local.store.get(key).data)
    found = music_json(analysis)
    for warning in analysis.warnings:
        note(f"note: {warning}")
    if as_json:
        print_json(found)
        return
    click.echo(
        f"{found['bpm']:.1f} BPM, {found['meter']} beats a bar, {len(analysis.bars)} bars "
        f"({found['backend']}, confidence {found['confidence']:.2f})"
    )
    for section in found["sections"]:  # type: ignore[union-attr]
        line = "section {label:2}  {start_seconds:9.3f} s  {end_seconds:9.3f} s  bars {first_bar} to {last_bar}"
        click.echo(line.format(**section, last_bar=section["end_bar"] - 1))  # type: ignore[arg-type,call-overload,index,operator]
    for bar in found["bars"]:  # type: ignore[union-attr]
        line = "bar {index:4d}  {start_seconds:9.3f} s  {end_seconds:9.3f} s  {section:2}  {loudness_dbfs:6.1f} dBFS"
        click.echo((line + "  onsets {onset_strength:5.2f}").format(**bar))  # type: ignore[arg-type]
