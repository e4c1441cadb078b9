"""How well a film and a piece of music fit: the measures of MatchMusic, and the ranking by them. Pure.

The measure is what the best montage would reach: the mean of its shots' similarities S_i (method, Eq. 3), each weighed
by the units of the grid that it fills. It asks what could be made of the film, as Lin et al. do when they choose music
from a fixed set; the mean over all of the film, which is given beside it, asks how the film is as a whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

from moodcut_director.messages import rational
from moodcut_director.problem import UsableShot
from moodcut_kit.errors import MoodcutError
from moodcut_kit.readable import EMOTIONS
from moodcut_kit.time import FrameTimes
from moodcut_kit.v1 import media_pb2, montage_pb2, solver_pb2

DEFAULT_SCENE_COUNT = 5


def mean_similarity(scores: Mapping[str, media_pb2.ShotScore], weights: Mapping[str, Fraction]) -> float:
    """Weighted mean of S_i over shots; ``weights`` by shot_id, not all of them zero."""
    return sum(scores[name].score * float(weight) for name, weight in weights.items()) / float(sum(weights.values()))


def mean_posterior(
    scores: Mapping[str, media_pb2.ShotScore], weights: Mapping[str, Fraction]
) -> media_pb2.EmotionPosterior:
    """Weighted mean of the shots' posteriors, likewise."""
    total = float(sum(weights.values()))
    means = {
        emotion: sum(getattr(scores[name].emotion, emotion) * float(weight) for name, weight in weights.items()) / total
        for emotion in EMOTIONS
    }
    return media_pb2.EmotionPosterior(**means)


def usable_seconds(shots: Iterable[UsableShot], frame_times: FrameTimes) -> dict[str, Fraction]:
    """Seconds that can be used of each shot that can be used at all, by shot_id."""
    return {
        shot.shot_id: frame_times.start_seconds(shot.end_frame) - frame_times.start_seconds(shot.start_frame)
        for shot in shots
        if shot.end_frame > shot.start_frame
    }


def units_by(placements: Iterable[solver_pb2.Placement], field: str) -> dict[str, Fraction]:
    """Units that a selection gives to each shot (``field`` "shot_id") or scene ("scene_id")."""
    units: dict[str, Fraction] = {}
    for placement in placements:
        name = getattr(placement, field)
        units[name] = units.get(name, Fraction(0)) + placement.bar_count
    return units


def scene_matches(
    *,
    movie: media_pb2.MovieAnalysis,
    frame_times: FrameTimes,
    shots: Sequence[UsableShot],
    scores: Mapping[str, media_pb2.ShotScore],
    placements: Iterable[solver_pb2.Placement],
    scene_count: int,
) -> list[montage_pb2.SceneMatch]:
    """The ``scene_count`` scenes most similar to the music, best first, those alike in film order.

    A scene of which nothing can be used has no similarity and is left out.
    """
    seconds, units = usable_seconds(shots, frame_times), units_by(placements, "scene_id")
    found = []
    for scene in movie.scenes:
        inside = movie.shots[scene.first_shot_index : scene.end_shot_index]
        weights = {shot.shot_id: seconds[shot.shot_id] for shot in inside if shot.shot_id in seconds}
        if weights:
            found.append(
                montage_pb2.SceneMatch(
                    scene_id=scene.scene_id,
                    start_seconds=rational(frame_times.start_seconds(inside[0].start_frame)),
                    end_seconds=rational(frame_times.start_seconds(inside[-1].end_frame)),
                    mean_similarity=mean_similarity(scores, weights),
                    emotion=mean_posterior(scores, weights),
                    unit_count=int(units.get(scene.scene_id, 0)),
                )
            )
    return sorted(found, key=lambda each: -each.mean_similarity)[: scene_count or DEFAULT_SCENE_COUNT]


def set_fit(
    match: montage_pb2.MusicMatch,
    *,
    placements: Sequence[solver_pb2.Placement],
    scores: Mapping[str, media_pb2.ShotScore],
    relaxations: Iterable[str],
) -> None:
    """Write what the best selection reaches into ``match``."""
    units = units_by(placements, "shot_id")
    match.fit = mean_similarity(scores, units)
    match.selection_emotion.CopyFrom(mean_posterior(scores, units))
    match.unit_count = int(sum(units.values()))
    match.relaxations.extend(relaxations)


def error_message(error: MoodcutError) -> montage_pb2.MontageError:
    """An error as an answer."""
    return montage_pb2.MontageError(
        code=error.code, reason=error.reason, message=error.message, metadata=error.metadata
    )


def ranked(matches: Iterable[montage_pb2.MusicMatch]) -> list[montage_pb2.MusicMatch]:
    """Best fit first; then by mean similarity, then as they come. Pairs without a fit are last."""
    return sorted(matches, key=lambda each: (each.HasField("error"), -each.fit, -each.mean_similarity))
