"""Ranked pairs of films and songs, as JSON and in a few lines for a person. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction

from moodcut_kit.contract import Json
from moodcut_kit.readable import posterior_dict
from moodcut_kit.v1 import media_pb2, montage_pb2


def match_json(match: montage_pb2.MusicMatch, names: Mapping[str, str]) -> dict[str, Json]:
    """A pair as `moodcut match --json` prints it; ``names`` are the user's, by content hash."""
    error = match.error
    found = not match.HasField("error")
    measured = match.HasField("movie_emotion")
    return {
        "movie": names[match.movie.sha256],
        "music": names[match.music.sha256],
        "fit": match.fit if found else None,
        "mean_similarity": match.mean_similarity if measured else None,
        "music_emotion": dict(posterior_dict(match.music_emotion)) if measured else None,
        "movie_emotion": dict(posterior_dict(match.movie_emotion)) if measured else None,
        "selection_emotion": dict(posterior_dict(match.selection_emotion)) if found else None,
        "unit_count": match.unit_count if found else None,
        "relaxations": list(match.relaxations),
        "scenes": [_scene_json(scene) for scene in match.scenes],
        "error": None if found else {"reason": error.reason, "message": error.message, **error.metadata},
    }


def _scene_json(scene: montage_pb2.SceneMatch) -> dict[str, Json]:
    return {
        "scene_id": scene.scene_id,
        "start_seconds": _seconds(scene.start_seconds),
        "end_seconds": _seconds(scene.end_seconds),
        "mean_similarity": scene.mean_similarity,
        "emotion": dict(posterior_dict(scene.emotion)),
        "unit_count": scene.unit_count,
    }


def match_lines(
    matches: Sequence[montage_pb2.MusicMatch], names: Mapping[str, str], *, for_song: bool
) -> Iterator[str]:
    """The ranking, each with what it carries and its best scenes; what could not be measured at the end."""
    for rank, match in enumerate(matches, 1):
        name = names[(match.movie if for_song else match.music).sha256]
        if match.HasField("error"):
            yield f"  -             {name}: {match.error.message}"
            continue
        yield f"{rank:3}  fit {match.fit:+.3f}  {name}"
        music, montage = _words(match.music_emotion), _words(match.selection_emotion)
        yield f"     music {music}; film {_words(match.movie_emotion)}; montage {montage}"
        for scene in match.scenes:
            start, end = _clock(scene.start_seconds), _clock(scene.end_seconds)
            shown = f"; {scene.unit_count} units of the montage" if scene.unit_count else ""
            what = f"{scene.scene_id}  {start}-{end}  {_words(scene.emotion)}{shown}"
            yield f"       {scene.mean_similarity:+.3f}  {what}"
        if match.relaxations:
            yield f"     relaxed: {'; '.join(match.relaxations)}"


def _words(emotion: media_pb2.EmotionPosterior) -> str:
    best = sorted(posterior_dict(emotion).items(), key=lambda each: -each[1])[:2]
    return ", ".join(f"{name} {share:.0%}" for name, share in best)


def _seconds(value: media_pb2.Rational) -> float:
    return float(Fraction(value.num, value.den))


def _clock(value: media_pb2.Rational) -> str:
    minutes, seconds = divmod(round(Fraction(value.num, value.den)), 60)
    return f"{minutes}:{seconds:02}"
