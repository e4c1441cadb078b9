"""Measures films with pieces of music: every film and every piece is analysed once, every pair is scored and solved.

Nothing of it is a job of its own: all that takes long is kept as objects under names of what it depends on, so that
whoever asks again after an interruption goes on from there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from moodcut_director.choose import choose
from moodcut_director.errors import MediaNotFoundError, OptionError
from moodcut_director.fit import (
    error_message,
    mean_posterior,
    mean_similarity,
    ranked,
    scene_matches,
    set_fit,
    usable_seconds,
)
from moodcut_director.messages import in_users_words, selection_from
from moodcut_director.montages import Progress
from moodcut_director.problem import usable_shots
from moodcut_director.steps import Steps
from moodcut_kit.client import MovieKeys
from moodcut_kit.contract import media_key
from moodcut_kit.errors import CancelledError, MoodcutError
from moodcut_kit.readable import frame_times_from
from moodcut_kit.store.base import ObjectStore
from moodcut_kit.v1 import media_pb2, montage_pb2, solver_pb2

MOST_PAIRS, MOST_SCENES = 500, 1000
# What a file or a pair is itself to blame for; anything else is no answer about it.
_OWN_FAULTS = frozenset({"INVALID_ARGUMENT", "FAILED_PRECONDITION", "NOT_FOUND", "DEADLINE_EXCEEDED"})

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def check_request(request: montage_pb2.MatchMusicRequest, store: ObjectStore, principal: str) -> None:
    """Raise OptionError for a request that cannot be answered, MediaNotFoundError for media that are not there."""
    selection_from(request.options)
    if request.options.random_scores and request.options.mood:
        raise OptionError("random_scores and mood exclude one another", field="mood")
    if not 0 <= request.scene_count <= MOST_SCENES:
        raise OptionError(f"scene_count must be between 0 and {MOST_SCENES}", field="scene_count")
    if len(request.movies) * len(request.music) > MOST_PAIRS:
        message = (
            f"{len(request.movies)} films and {len(request.music)} pieces of music are more than {MOST_PAIRS} pairs"
        )
        raise OptionError(message, field="music")
    for field, refs in (("movies", request.movies), ("music", request.music)):
        if not refs:
            raise OptionError(f"{field} names no file", field=field)
        seen: set[str] = set()
        for ref in refs:
            if store.stat(media_key(principal, ref.sha256)) is None:
                message = f"{ref.name or ref.sha256} is not in the store; upload it first"
                raise MediaNotFoundError(message, field=field, sha256=ref.sha256)
            if ref.sha256 in seen:
                raise OptionError(f"{ref.name or ref.sha256} is named twice in {field}", field=field)
            seen.add(ref.sha256)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Movie:
    ref: montage_pb2.MediaRef
    keys: MovieKeys
    analysis: media_pb2.MovieAnalysis


@dataclass(frozen=True, slots=True, kw_only=True)
class _Music:
    ref: montage_pb2.MediaRef
    analysis: media_pb2.MusicAnalysis


@dataclass(frozen=True, slots=True, kw_only=True)
class Matching:
    """Answers one request that was checked. ``calls_at_once``: pieces of music or pairs worked on side by side."""

    store: ObjectStore
    steps: Steps
    request: montage_pb2.MatchMusicRequest
    calls_at_once: int
    solve_time_limit_seconds: float
    on_progress: Callable[[Progress], None]

    def run(self) -> list[montage_pb2.MusicMatch]:
        """Every pair, best first. Raises MoodcutError; CancelledError where the caller's event is set."""
        movies = [self._movie(number, ref) for number, ref in enumerate(self.request.movies)]
        music = self._side_by_side("segment_music", self._music, self.request.music)
        pairs = [(movie, piece) for movie in movies for piece in music]
        return ranked(self._side_by_side("match", self._match, pairs))

    def _movie(self, number: int, ref: montage_pb2.MediaRef) -> _Movie | _Failed:
        count = len(self.request.movies)

        def on_progress(share: float) -> None:
            self.on_progress(Progress(stage="segment_movie", share=(number + share) / count))

        def analyse() -> _Movie:
            keys = self.steps.segment_movie(ref.sha256, on_progress)
            analysis = media_pb2.MovieAnalysis.FromString(self.store.get(keys.movie_analysis_key).data)
            return _Movie(ref=ref, keys=keys, analysis=analysis)

        on_progress(0.0)
        return _or_failed(ref, analyse)

    def _music(self, ref: montage_pb2.MediaRef) -> _Music | _Failed:
        def analyse() -> _Music:
            key = self.steps.segment_music(ref.sha256)
            return _Music(ref=ref, analysis=media_pb2.MusicAnalysis.FromString(self.store.get(key).data))

        return _or_failed(ref, analyse)

    def _match(self, pair: tuple[_Movie | _Failed, _Music | _Failed]) -> montage_pb2.MusicMatch:
        movie, music = pair
        match = montage_pb2.MusicMatch(movie=movie.ref, music=music.ref)
        for each in pair:
            if isinstance(each, _Failed):
                match.error.CopyFrom(error_message(each.error))
                return match
        assert isinstance(movie, _Movie)
        assert isinstance(music, _Music)
        failed = _or_failed(music.ref, partial(self._measure, match, movie, music))
        if failed is not None:
            match.error.CopyFrom(error_message(failed.error))
        return match

    def _measure(self, match: montage_pb2.MusicMatch, movie: _Movie, music: _Music) -> None:
        """Fill ``match``: what needs no selection first, so that it is there where none fits."""
        options = self.request.options
        selection, frame_times = selection_from(options), frame_times_from(movie.analysis.frame_times)
        shots = usable_shots(movie.analysis.shots, frame_times, selection)
        scores_key = self.steps.score(movie.ref.sha256, movie.keys, music.ref.sha256)
        scored = media_pb2.Scores.FromString(self.store.get(scores_key).data)
        scores = {shot.shot_id: shot for shot in scored.shots}
        seconds = usable_seconds(shots, frame_times)
        match.mean_similarity = mean_similarity(scores, seconds)
        match.music_emotion.CopyFrom(scored.music_emotion)
        match.movie_emotion.CopyFrom(mean_posterior(scores, seconds))
        placements: Sequence[solver_pb2.Placement] = ()
        try:
            chosen = choose(
                solver=self.steps.services.solver,
                caller=self.steps.caller,
                movie=movie.analysis,
                frame_times=frame_times,
                music=music.analysis,
                scores={shot.shot_id: shot.score for shot in scored.shots},
                selection=selection,
                relax=options.relax,
                time_limit_seconds=self.solve_time_limit_seconds,
            )
            placements = chosen.solution.placements
            set_fit(match, placements=placements, scores=scores, relaxations=chosen.relaxations)
        finally:
            match.scenes.extend(
                scene_matches(
                    movie=movie.analysis,
                    frame_times=frame_times,
                    shots=shots,
                    scores=scores,
                    placements=placements,
                    scene_count=self.request.scene_count,
                )
            )

    def _side_by_side(self, stage: str, work: Callable[[_Item], _Result], items: Sequence[_Item]) -> list[_Result]:
        """``work`` of all items, in their order. The first to fail ends the others, and is what is reported."""
        self.on_progress(Progress(stage=stage, share=0.0))
        with ThreadPoolExecutor(self.calls_at_once, thread_name_prefix="match") as pool:
            futures = [pool.submit(work, item) for item in items]
            for done, future in enumerate(as_completed(futures), 1):
                if future.exception() is not None:
                    self.steps.caller.cancelled.set()
                self.on_progress(Progress(stage=stage, share=done / len(items)))
        failures = [failure for failure in (future.exception() for future in futures) if failure is not None]
        for failure in sorted(failures, key=lambda each: isinstance(each, CancelledError)):
            raise failure
        return [future.result() for future in futures]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Failed:
    """A file that cannot be used, and why."""

    ref: montage_pb2.MediaRef
    error: MoodcutError


def _or_failed(ref: montage_pb2.MediaRef, work: Callable[[], _Result]) -> _Result | _Failed:
    """What ``work`` gives, or its error where the file or the pair itself is to blame."""
    try:
        return work()
    except MoodcutError as error:
        if error.code not in _OWN_FAULTS:
            raise
        return _Failed(ref=ref, error=in_users_words(error, [ref]))
