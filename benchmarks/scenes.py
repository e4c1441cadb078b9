"""Scenes as moodcut groups them against equal lengths, a colour threshold and hierarchical clustering.

Rule: CLIPS is a directory of short films with a manifest.csv (columns file, group). Each clip is analysed once (shots
by the default detector, samples, sound) and counts as one scene; a film is composed of the analyses of clips drawn at
random, each used once before any is used again, until it lasts ten minutes: its shots are those of the clips, with a
cut where two clips meet. Of each clip a run of shots is taken that lasts from ten seconds to all of it, drawn evenly;
with --whole all of it (clips that all last alike make equal lengths unbeatable). Groups are divided by a checksum of
their name: films from one half choose the peers' thresholds (and, with --tune, show how moodcut's own choices were
made), films from the other half are judged. With --built FILM... those films, really joined and analysed whole, are
judged instead; FILM.json beside each says where its scenes begin ({"scenes": [{"start_s": ...}, ...]}), and the truth
is the cut nearest to each. They should hold clips of the second half only. "given": the method is told the true number
of scenes. Every method sees the same shots, and clustering the same features as moodcut. With --small, or without
CLIPS, they are two generated films with their own cuts, one for tuning.

    python benchmarks/scenes.py CLIPS [--films 10] [--whole] [--built FILM...] [--cache DIR] [--tune] [--json FILE]
    python benchmarks/scenes.py --small
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from measuring import machine
from numpy.typing import NDArray
from scipy.sparse import diags
from sklearn.cluster import AgglomerativeClustering

from moodcut.demo import Emotion, FilmTruth, default_scenes, truth_path, write_film
from moodcut_kit.media.isolated import read_film_facts
from moodcut_segmenter import find_shots
from moodcut_segmenter.detectors import (
    DEFAULT_DETECTOR,
    ShotDetector,
    Span,
    TransitionProbabilities,
    make_detector,
)
from moodcut_segmenter.detectors.base import PictureFormat
from moodcut_segmenter.film_pass import RangeResult, analyze_frames, film_shape
from moodcut_segmenter.picture_features import COLOUR_COUNT, FEATURE_COUNT
from moodcut_segmenter.range_file import range_pieces, read_range
from moodcut_segmenter.scene_metrics import (
    average_precision,
    boundaries_of,
    boundary_f1,
    f_coverage_overflow,
    mean_iou,
    recall_within,
)
from moodcut_segmenter.scenes import SceneOptions, boundary_probabilities, group_scenes
from moodcut_segmenter.shot_features import feature_blocks, shot_table

Scenes = list[tuple[int, int]]
Clip = tuple[NDArray[np.float32], NDArray[np.float64]]
STORY: tuple[Emotion, ...] = ("neutral", "excited", "fear", "relaxation", "sad")
MEASURES = ("F1 +-1 shot", "F_co", "mIoU", "recall 3 s", "AP", "found/true")


@dataclass(frozen=True)
class Film:
    """Shots of known scenes. ``features``: [shots, columns]; ``seconds``: [shots]."""

    features: NDArray[np.float32]
    seconds: NDArray[np.float64]
    scenes: Scenes

    def without_sound(self) -> Film:
        return replace(self, features=self.features[:, :FEATURE_COUNT])


@dataclass(frozen=True)
class Answer:
    """What a method found; ``probabilities`` of the boundaries where it has any."""

    scenes: Scenes
    probabilities: NDArray[np.floating] | None = None


Method = Callable[[Film, int | None], Answer]


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


def ours(options: SceneOptions, film: Film, count: int | None) -> Answer:
    blocks = feature_blocks(film.features.shape[1])
    scenes = group_scenes(film.features, film.seconds, blocks, scene_count=count, options=options)
    return Answer(scenes, boundary_probabilities(film.features, film.seconds, blocks, options=options))


def equal_lengths(film: Film, count: int | None) -> Answer:
    assert count is not None
    times = np.concatenate(([0.0], np.cumsum(film.seconds)))
    wanted = times[-1] * np.arange(1, count) / count
    return Answer(at_boundaries(np.abs(times[None, :] - wanted[:, None]).argmin(axis=1).tolist(), len(film.seconds)))


def colour_distances(film: Film) -> NDArray[np.float64]:
    """Distance (Hellinger) of the colour histograms of neighbouring shots."""
    return np.linalg.norm(np.diff(film.features[:, :COLOUR_COUNT], axis=0), axis=1) / np.sqrt(2)


def colour_threshold(threshold: float, film: Film, count: int | None) -> Answer:
    distances = colour_distances(film)
    chosen = np.flatnonzero(distances >= threshold) if count is None else np.argsort(-distances)[: count - 1]
    return Answer(at_boundaries((chosen + 1).tolist(), len(film.seconds)), distances)


def clustering(linkage: str, threshold: float, film: Film, count: int | None) -> Answer:
    """Agglomerative clustering of shots, only neighbours joined; each block scaled to its median distance."""
    rng = np.random.default_rng(0)
    pairs = rng.integers(0, len(film.features), (2, 4096))
    parts = []
    for block in feature_blocks(film.features.shape[1]):
        part = film.features[:, block.start : block.end]
        width = np.median(np.square(part[pairs[0]] - part[pairs[1]]).sum(axis=1)) or 1.0
        parts.append(part * np.sqrt(block.weight / width))
    size = len(film.seconds)
    chain = diags([np.ones(size - 1), np.ones(size - 1)], [-1, 1])
    model = AgglomerativeClustering(
        n_clusters=count,
        distance_threshold=threshold if count is None else None,
        connectivity=chain,
        linkage=linkage,
    )
    labels = model.fit_predict(np.concatenate(parts, axis=1))
    return Answer(at_boundaries((np.flatnonzero(np.diff(labels)) + 1).tolist(), size))


def judged(method: Method, films: Sequence[Film], *, given: bool) -> NDArray[np.float64]:
    """Means of MEASURES over the films."""
    rows = []
    for film in films:
        answer = method(film, len(film.scenes) if given else None)
        labels = np.zeros(len(film.seconds) - 1, np.bool_)
        labels[[start - 1 for start in boundaries_of(film.scenes)]] = True
        rows.append(
            (
                boundary_f1(answer.scenes, film.scenes),
                f_coverage_overflow(answer.scenes, film.scenes),
                mean_iou(answer.scenes, film.scenes, film.seconds),
                recall_within(answer.scenes, film.scenes, film.seconds),
                np.nan if answer.probabilities is None else average_precision(answer.probabilities, labels),
                len(answer.scenes) / len(film.scenes),
            )
        )
    return np.array(rows).mean(axis=0)


def best_threshold(of: Callable[[float], Method], values: Sequence[float], films: Sequence[Film]) -> float:
    """The value with the best F1 over films."""
    return max(values, key=lambda value: judged(of(value), films, given=False)[0])


def compare(films: Sequence[Film], tuning: Sequence[Film]) -> dict[str, list[float]]:
    """All methods judged, printed as they are."""

    def own(film: Film, count: int | None) -> Answer:
        return ours(SceneOptions(), film, count)

    def seen(film: Film, count: int | None) -> Answer:
        return own(film.without_sound(), count)

    def colours(value: float) -> Method:
        return lambda film, count: colour_threshold(value, film, count)

    def clusters(linkage: str) -> Callable[[float], Method]:
        return lambda value: lambda film, count: clustering(linkage, value, film, count)

    threshold = best_threshold(colours, np.linspace(0.3, 0.95, 27).tolist(), tuning)
    average = best_threshold(clusters("average"), np.linspace(0.5, 4, 29).tolist(), tuning)
    ward = best_threshold(clusters("ward"), np.linspace(1, 12, 29).tolist(), tuning)
    methods: list[tuple[str, Method, bool]] = [
        ("moodcut", own, False),
        ("moodcut, picture alone", seen, False),
        (f"colour threshold {threshold:.2f}", colours(threshold), False),
        (f"clustering, average {average:.2f}", clusters("average")(average), False),
        (f"clustering, Ward {ward:.2f}", clusters("ward")(ward), False),
        ("moodcut", own, True),
        ("moodcut, picture alone", seen, True),
        ("equal lengths", equal_lengths, True),
        ("colour distance, largest", colours(threshold), True),
        ("clustering, average", clusters("average")(average), True),
        ("clustering, Ward", clusters("ward")(ward), True),
    ]
    print(f"{'method':28} {'count':6}" + "".join(f"{name:>12}" for name in MEASURES))
    found = {}
    for name, method, given in methods:
        count = "given" if given else "free"
        values = judged(method, films, given=given)
        print(f"{name:28} {count:6}" + "".join(f"{'-' if np.isnan(value) else f'{value:.3f}':>12}" for value in values))
        found[f"{name}, {count}"] = [float(value) for value in values]
    return found


def tune(films: Sequence[Film]) -> None:
    """What moodcut's own choices do on the films for tuning."""
    print(f"{'price':>6} {'length_weight':>14}" + "".join(f"{name:>12}" for name in MEASURES))
    for price in (1.1, 1.25, 1.4, 1.6, 1.8):
        for weight in (0.05, 0.1):
            options = SceneOptions(price=price, length_weight=weight)

            def own(film: Film, count: int | None, chosen: SceneOptions = options) -> Answer:
                return ours(chosen, film, count)

            values = judged(own, films, given=False)
            print(f"{price:6.2f} {weight:14.2f}" + "".join(f"{value:12.3f}" for value in values), flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path, nargs="?")
    parser.add_argument("--small", action="store_true", help="generated films")
    parser.add_argument("--films", type=int, default=10)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--whole", action="store_true", help="scenes are whole clips")
    parser.add_argument("--built", type=Path, nargs="+", help="films that were joined, judged instead of composed ones")
    parser.add_argument("--cache", type=Path, help="keep the analyses of the clips here")
    parser.add_argument("--tune", action="store_true", help="show moodcut's own choices on the films for tuning")
    parser.add_argument("--json", type=Path, help="write the table here as well")
    arguments = parser.parse_args()
    print(machine())
    if arguments.small or arguments.clips is None:
        films, tuning = [generated(seed=3)], [generated(seed=4)]
    else:
        if arguments.cache:
            arguments.cache.mkdir(parents=True, exist_ok=True)
        detector = make_detector(DEFAULT_DETECTOR)
        halves: tuple[list[Any], list[Any]] = ([], [])
        with (arguments.clips / "manifest.csv").open(encoding="utf-8", newline="") as file:
            rows = [row for row in csv.DictReader(file) if row["file"].endswith(".mp4")]
        for row in rows:
            clip = analysed(arguments.clips / row["file"], detector, arguments.cache)
            halves[zlib.crc32(row["group"].encode()) % 2].append(clip)
        print(f"{len(halves[0])} clips for tuning, {len(halves[1])} of other groups for judging")
        tuning, films = (
            [composed(clips, seed, arguments.minutes, whole=arguments.whole) for seed in range(arguments.films)]
            for clips in halves
        )
        if arguments.built:
            films = [built(path, detector, arguments.cache) for path in arguments.built]
    if arguments.tune:
        tune(tuning)
    shots, scenes = sum(len(film.seconds) for film in films), sum(len(film.scenes) for film in films)
    seconds = sum(film.seconds.sum() for film in films)
    print(f"{len(films)} films, {seconds / 60:.1f} minutes, {shots} shots of {seconds / shots:.2f} s, {scenes} scenes")
    found = compare(films, tuning)
    if arguments.json:
        arguments.json.write_text(json.dumps(found), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
