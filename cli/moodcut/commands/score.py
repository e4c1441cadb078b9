"""`moodcut score`: how well each shot fits the music."""

from __future__ import annotations

from pathlib import Path

import click

from moodcut.choices import MOODS
from moodcut.console import print_json, stage_progress
from moodcut.media import register
from moodcut.params import INPUT_FILE, detector_option, json_option, movie_options, store_option
from moodcut.services import local_services
from moodcut_kit.contract import LOCAL_PRINCIPAL, Json
from moodcut_kit.readable import posterior_dict
from moodcut_kit.v1 import media_pb2, scorer_pb2

_SCORE_SECONDS = 3600.0


@click.command(name="score")
@click.argument("movie", type=INPUT_FILE)
@click.argument("music", type=INPUT_FILE)
@detector_option
@click.option("--mood", type=click.Choice(list(MOODS)), help="Look for this emotion in place of the music's own.")
@store_option
@json_option
def command(movie: Path, music: Path, detector: str, mood: str | None, store: str | None, as_json: bool) -> None:
    """Score each shot of MOVIE against MUSIC: cosine similarity of their emotion, from -1 to 1, best first.

    \b
    Example:
      moodcut score film.mp4 song.mp3 --json
    """
    with local_services(store, "segmenter", "scorer") as local:
        sha256, keys = local.segment_movie(movie, movie_options(detector))
        request = scorer_pb2.ScoreShotsRequest(
            principal=LOCAL_PRINCIPAL,
            movie_sha256=sha256,
            keyframe_index_key=keys.keyframe_index_key,
            keyframe_pack_key=keys.keyframe_pack_key,
            movie_analysis_key=keys.movie_analysis_key,
            music_sha256=register(local.store, music).sha256,
            mood=MOODS[mood] if mood else media_pb2.EMOTION_UNSPECIFIED,
        )
        with stage_progress() as progress:
            progress.update("score", 0.0)
            response = local.caller.unary(local.scorer.ScoreShots, request, timeout_seconds=_SCORE_SECONDS)
        scores = media_pb2.Scores.FromString(local.store.get(response.scores_key).data)
    shots: list[Json] = [
        {"shot_id": shot.shot_id, "score": shot.score, "emotion": dict(posterior_dict(shot.emotion))}
        for shot in scores.shots
    ]
    if as_json:
        print_json({"model": scores.model, "emotion": dict(posterior_dict(scores.music_emotion)), "shots": shots})
        return
    click.echo("music      " + _words(scores.music_emotion))
    for shot in sorted(scores.shots, key=lambda each: -each.score):
        click.echo(f"{shot.shot_id}  {shot.score:+.3f}  {_words(shot.emotion)}")


def _words(emotion: media_pb2.EmotionPosterior) -> str:
    best = sorted(posterior_dict(emotion).items(), key=lambda each: -each[1])[:2]
    return ", ".join(f"{name} {share:.0%}" for name, share in best)
