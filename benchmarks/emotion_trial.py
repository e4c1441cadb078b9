"""Films composed of analysed clips, montages of them to a piece of music, and what they are judged by. Pure but for the
solver.

Every clip of a film carries its label, so of every second of a montage it is known which emotion it should carry.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby
from typing import Any

import numpy as np
from clip_analyses import ClipShots

from moodcut_director.choose import choose
from moodcut_director.errors import MusicTooShortError, NoSelectionError, SolverTimeoutError, UnitTooShortError
from moodcut_director.messages import music_from
from moodcut_director.options import Selection
from moodcut_kit.time import FrameTimes
from moodcut_kit.v1 import media_pb2, solver_pb2
from moodcut_scorer import embed_shots
from moodcut_scorer.evaluation.metrics import bootstrap_interval
from moodcut_scorer.heads import JointSpace
from moodcut_segmenter import group_scenes
from moodcut_segmenter.shot_features import feature_blocks
from moodcut_solver.messages import solve_message
from moodcut_training.data import Clip

# A cut is on a downbeat if it is no further from it than a frame at 25 frames a second.
ON_BEAT_SECONDS = 0.04
_TIME_LIMIT_SECONDS = 20.0
_NOTHING_FITS = (NoSelectionError, MusicTooShortError, UnitTooShortError, SolverTimeoutError)


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposedFilm:
    """``movie`` is the analysis of a film that clips were joined into; ``clip_of_shot`` int64 [shots] says which of
    them each shot comes from, ``emotion_of_shot`` int64 [shots] its label."""

    movie: media_pb2.MovieAnalysis
    frame_times: FrameTimes
    clip_of_shot: np.ndarray
    emotion_of_shot: np.ndarray

    @property
    def scene_of_shot(self) -> np.ndarray:
        """int64 [shots]: the scene that each shot was found to be in."""
        lengths = [scene.end_shot_index - scene.first_shot_index for scene in self.movie.scenes]
        return np.repeat(np.arange(len(lengths)), lengths)

    def usable_share(self, emotion: int) -> float:
        """Share of the film's usable seconds that carry an emotion: what choosing blindly would find."""
        usable = np.array(
            [
                (shot.usable_end_frame - shot.usable_start_frame) * (not shot.unusable_reason)
                for shot in self.movie.shots
            ]
        )
        return float(usable[self.emotion_of_shot == emotion].sum() / usable.sum())


def compose(
    clips: Sequence[ClipShots], emotions: Sequence[int], *, fps: int, known_scenes: bool = False
) -> ComposedFilm:
    """The analysis of the film that ``clips`` would be joined into: their shots, with a cut where two clips meet.

    Scenes are found from the shots' features as in any film, or with ``known_scenes`` every clip is one.
    """
    lengths = [len(clip.frames) for clip in clips]
    clip_of_shot = np.repeat(np.arange(len(clips)), lengths)
    offsets = np.cumsum([0, *(clip.frame_count for clip in clips)])
    frames = np.concatenate([clip.frames + offset for clip, offset in zip(clips, offsets, strict=False)])
    unusable = np.concatenate([clip.unusable for clip in clips])
    if known_scenes:
        ends = np.cumsum(lengths).tolist()
        scenes = list(zip([0, *ends[:-1]], ends, strict=True))
    else:
        table = np.concatenate([clip.table for clip in clips])
        seconds = np.concatenate([clip.seconds for clip in clips])
        scenes = list(group_scenes(table, seconds, feature_blocks(table.shape[1])))
    movie = media_pb2.MovieAnalysis(
        frame_count=int(offsets[-1]), frame_rate=media_pb2.Rational(num=fps, den=1), detector="composed"
    )
    for number, (start, end) in enumerate(scenes):
        movie.scenes.add(scene_id=f"scene-{number + 1:03d}", first_shot_index=start, end_shot_index=end)
        for shot in range(start, end):
            first, last, usable_first, usable_last = frames[shot].tolist()
            movie.shots.add(
                shot_id=f"shot-{shot + 1:04d}",
                scene_id=f"scene-{number + 1:03d}",
                start_frame=first,
                end_frame=last,
                usable_start_frame=usable_first,
                usable_end_frame=usable_last,
                unusable_reason=int(unusable[shot]),  # type: ignore[arg-type]
            )
    return ComposedFilm(
        movie=movie,
        frame_times=FrameTimes.from_runs(time_base=Fraction(1, fps), first_pts=0, runs=[(1, int(offsets[-1]))]),
        clip_of_shot=clip_of_shot,
        emotion_of_shot=np.asarray(emotions)[clip_of_shot],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A film, a piece of music (by number) and the model's scores of the one against the other: shots seen in their
    scenes, and alone."""

    number: int
    drawn: Sequence[Clip]
    film: ComposedFilm
    music: media_pb2.MusicAnalysis
    emotion: int
    scores: np.ndarray
    scores_alone: np.ndarray


def shot_embeddings(
    clips: Sequence[ClipShots], heads: JointSpace, scene_of_shot: np.ndarray | None = None
) -> np.ndarray:
    """Unit vectors float32 [shots, d] of the composed film's shots, seen in their scenes if these are given."""
    offsets = np.cumsum([0, *(len(clip.frames) for clip in clips)])
    owner = np.concatenate([clip.shot_of_keyframe + offset for clip, offset in zip(clips, offsets, strict=False)])
    features = np.concatenate([clip.keyframes for clip in clips])
    return embed_shots(heads, features, owner, int(offsets[-1]), scene_of_shot=scene_of_shot)


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One shot's place in a montage; times are those of the music."""

    shot: int
    scene_id: str
    start_seconds: float
    end_seconds: float

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return self.end_seconds - self.start_seconds


class _LocalSolver:
    """What the director's choosing asks of the solver service and of a caller, answered here."""

    @staticmethod
    def Solve(request: solver_pb2.SolveRequest) -> solver_pb2.SolveResponse:  # noqa: N802
        return solve_message(request)

    @staticmethod
    def unary(method: Callable[..., object], request: object, *, timeout_seconds: float) -> object:
        return method(request)


def montage(
    film: ComposedFilm, music: media_pb2.MusicAnalysis, scores: np.ndarray, selection: Selection
) -> list[Piece] | None:
    """The montage that `moodcut make --relax` chooses by S_i float [shots]; None where nothing fits whatsoever."""
    shot_ids = [shot.shot_id for shot in film.movie.shots]
    try:
        chosen = choose(
            solver=_LocalSolver,  # type: ignore[arg-type]
            caller=_LocalSolver,  # type: ignore[arg-type]
            movie=film.movie,
            frame_times=film.frame_times,
            music=music,
            scores=dict(zip(shot_ids, scores.tolist(), strict=True)),
            selection=selection,
            relax=True,
            time_limit_seconds=_TIME_LIMIT_SECONDS,
        )
    except _NOTHING_FITS:
        return None
    ticks = chosen.grid.boundary_ticks(chosen.rate, average=chosen.selection.average_units)
    begin = chosen.grid.boundaries_pts[0] * chosen.grid.time_base
    index = {name: number for number, name in enumerate(shot_ids)}
    return [
        Piece(
            shot=index[place.shot_id],
            scene_id=place.scene_id,
            start_seconds=float(begin + ticks[place.first_bar] / chosen.rate),
            end_seconds=float(begin + ticks[place.first_bar + place.bar_count] / chosen.rate),
        )
        for place in chosen.solution.placements
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What one montage is judged by.

    ``share``: of its seconds, those whose clip carries the music's emotion. ``scene_count``: scenes used.
    ``run_seconds``: mean length of stretches that stay within a scene. ``on_downbeats``: share of its cuts that fall on
    a downbeat (nan without a cut). ``seconds``: how long it is.
    """

    share: float
    scene_count: float
    run_seconds: float
    on_downbeats: float
    seconds: float


def judge(
    pieces: Sequence[Piece], emotion_of_shot: np.ndarray, emotion: int, downbeats_seconds: Sequence[float]
) -> Judgement:
    """Judge a montage to music of an emotion (index into EMOTIONS)."""
    seconds = sum(piece.seconds for piece in pieces)
    right = sum(piece.seconds for piece in pieces if emotion_of_shot[piece.shot] == emotion)
    runs = [sum(piece.seconds for piece in run) for _, run in groupby(pieces, key=lambda piece: piece.scene_id)]
    cuts = [piece.start_seconds for piece in pieces[1:]]
    hits = [min((abs(cut - beat) for beat in downbeats_seconds), default=np.inf) <= ON_BEAT_SECONDS for cut in cuts]
    return Judgement(
        share=right / seconds,
        scene_count=float(len({piece.scene_id for piece in pieces})),
        run_seconds=float(np.mean(runs)),
        on_downbeats=float(np.mean(hits)) if hits else float("nan"),
        seconds=seconds,
    )


def downbeats(music: media_pb2.MusicAnalysis) -> list[float]:
    """Where bars begin and end, in seconds."""
    found = music_from(music)
    return [float(pts * found.time_base) for pts in sorted({pts for bar in found.bars for pts in bar})]


def mean_judgement(judgements: Sequence[Judgement]) -> Judgement | None:
    """The mean of several montages to one piece of music; None of none."""
    if not judgements:
        return None
    table = np.array([[getattr(each, name) for name in Judgement.__slots__] for each in judgements])
    known = ~np.isnan(table)
    means = np.where(known, table, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    means[known.sum(axis=0) == 0] = np.nan
    return Judgement(**dict(zip(Judgement.__slots__, means.tolist(), strict=True)))


def summary(judgements: Mapping[int, Judgement], groups: Sequence[str]) -> dict[str, Any]:
    """Means over the pieces of music (by number), and the share's 95 % interval from resampling groups."""
    numbers = sorted(judgements)
    mean = mean_judgement([judgements[number] for number in numbers])
    if mean is None:
        return {"count": 0}
    shares = np.array([judgements[number].share for number in numbers])
    interval = bootstrap_interval(shares, np.array([groups[number] for number in numbers]))
    return {"count": len(numbers), **{name: getattr(mean, name) for name in Judgement.__slots__}, "interval": interval}
