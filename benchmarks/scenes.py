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
import sys
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from measuring import machine
from scene_films import Clip, Film, analysed, built, composed, generated
from scene_methods import (
    MEASURES,
    Answer,
    Method,
    best_threshold,
    clustering,
    colour_threshold,
    equal_lengths,
    judged,
    ours,
)

from moodcut_segmenter.detectors import DEFAULT_DETECTOR, make_detector
from moodcut_segmenter.scenes import SceneOptions


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
        halves: tuple[list[Clip], list[Clip]] = ([], [])
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
