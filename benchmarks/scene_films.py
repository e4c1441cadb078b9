"""Films of known scenes for benchmarks/scenes.py: composed of analysed clips, really joined, or generated."""

from __future__ import annotations

import json
import random
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from moodcut.demo import Emotion, FilmTruth, default_scenes, truth_path, write_film
from moodcut_kit.media.isolated import read_film_facts
from moodcut_segmenter import find_shots
from moodcut_segmenter.detectors import ShotDetector, Span, TransitionProbabilities
from moodcut_segmenter.detectors.base import PictureFormat
from moodcut_segmenter.film_pass import RangeResult, analyze_frames, film_shape
from moodcut_segmenter.picture_features import FEATURE_COUNT
from moodcut_segmenter.range_file import range_pieces, read_range
from moodcut_segmenter.shot_features import shot_table

Scenes = list[tuple[int, int]]
Clip = tuple[NDArray[np.float32], NDArray[np.float64]]
"""Features [shots, columns] and seconds [shots] of a clip's shots."""
STORY: tuple[Emotion, ...] = ("neutral", "excited", "fear", "relaxation", "sad")


@dataclass(frozen=True)
class Film:
    """Shots of known scenes. ``features``: [shots, columns]; ``seconds``: [shots]."""

    features: NDArray[np.float32]
    seconds: NDArray[np.float64]
    scenes: Scenes

    def without_sound(self) -> Film:
        return replace(self, features=self.features[:, :FEATURE_COUNT])


class KnownCuts(ShotDetector):
    """The cuts of a generated film."""

    name, version = "known", 1
    picture = PictureFormat(width=48, height=27, colour_order="rgb")

    def __init__(self, cuts: Sequence[int]) -> None:
        self._cuts = cuts

    def detect(
        self, pictures: Iterator[NDArray[np.uint8]], span: Span, *, check: Callable[[], None]
    ) -> TransitionProbabilities:
        found = np.zeros(sum(1 for _ in pictures), np.float32)
        found[[cut - 1 for cut in self._cuts]] = 1.0
        return TransitionProbabilities(found, found)


def analysed(path: Path, detector: ShotDetector, cache: Path | None) -> Clip:
    """Features and seconds of a clip's shots."""
    kept = cache / f"{path.name}.range" if cache else None
    facts = read_film_facts(path)
    index = facts.index
    if kept and kept.is_file():
        data = kept.read_bytes()
        result: RangeResult = read_range(lambda offset, count: data[offset : offset + count]).result
    else:
        shape, count = film_shape(path, facts), index.times.frame_count
        result = analyze_frames(path, index, shape, detector, start_frame=0, end_frame=count)
        if kept:
            kept.write_bytes(b"".join(range_pieces(replace(result, jpegs={}))))
    spans = find_shots(result.probabilities.single, result.probabilities.many)
    table = shot_table(
        spans, index.times, sample_frames=result.sample_frames, picture=[result.features], sound=[result.sound]
    )
    return table.features, table.durations_seconds


def composed(clips: Sequence[Clip], seed: int, minutes: float, *, whole: bool) -> Film:
    """A film of at least so many minutes, each clip, or a part of it, a scene."""
    rng, order = random.Random(seed), list[int]()
    chosen = list[Clip]()
    while sum(seconds.sum() for _, seconds in chosen) < minutes * 60:
        if not order:
            order = rng.sample(range(len(clips)), len(clips))
        clip = clips[order.pop()]
        chosen.append(clip if whole else part_of(clip, rng))
    ends = np.cumsum([len(seconds) for _, seconds in chosen]).tolist()
    return Film(
        np.concatenate([features for features, _ in chosen]),
        np.concatenate([seconds for _, seconds in chosen]),
        list(zip([0, *ends[:-1]], ends, strict=True)),
    )


def built(path: Path, detector: ShotDetector, cache: Path | None) -> Film:
    """A film that was really joined, with what is known of its scenes."""
    features, seconds = analysed(path, detector, cache)
    cuts = np.cumsum(seconds)[:-1]
    starts = [each["start_s"] for each in json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))["scenes"]]
    nearest = [int(np.abs(cuts - start).argmin()) + 1 for start in starts[1:]]
    return Film(features, seconds, at_boundaries(nearest, len(seconds)))


def part_of(clip: Clip, rng: random.Random) -> Clip:
    """A run of the clip's shots that lasts at least ten seconds, if it does."""
    features, seconds = clip
    lasting = seconds.sum()
    wanted = rng.uniform(min(10.0, lasting), lasting)
    at = np.concatenate(([0.0], np.cumsum(seconds)))
    first = int(np.searchsorted(at, rng.uniform(0.0, lasting - wanted), side="right")) - 1
    end = min(int(np.searchsorted(at, at[first] + wanted)), len(seconds))
    return features[first:end], seconds[first:end]


def generated(seed: int) -> Film:
    """A film that moodcut draws itself, by its own cuts."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "film.mp4"
        write_film(path, scenes=default_scenes(seed, story=STORY), seed=seed, size=(96, 54))
        truth = FilmTruth.read(truth_path(path))
        features, seconds = analysed(path, KnownCuts(truth.cuts), None)
    return Film(features, seconds, [(scene.first_shot, scene.end_shot) for scene in truth.scenes])


def at_boundaries(starts: Sequence[int], shot_count: int) -> Scenes:
    found = [0, *sorted({int(each) for each in starts if 0 < each < shot_count})]
    return list(zip(found, [*found[1:], shot_count], strict=True))
