"""Does a montage carry the music's emotion? Films of known emotion, cut to music of known emotion.

Rule: CLIPS is a directory of labelled clips with a manifest.csv (columns file, emotion, group). For every clip with
sound, the music, a film is drawn from clips of other groups, two or more of every emotion in random order; it is cut to
the music (hard, soft, no constraint; N_c = 5; what fits nowhere is relaxed as by `moodcut make --relax`), and of every
second of the montage it is asked whether the clip it comes from carries the music's label. The model never met music or
film: groups are divided into folds, heads are trained on the other folds (and on --songs, the felt emotions of music),
and film and music come from one fold. Each clip is analysed once, in the shape it has in a joined film, and films are
composed of these analyses; scenes are found in the composed film. --validate N really joins N of the films, runs
`moodcut make` on them with the shipped model, and compares with the composed answer by the same model.

Rows: by the model; random scores (mean over the seeds) and an oracle that knows the labels, under the same constraints;
and the paper's ablations: without emotion (random scores), without story (no constraint), without rhythm (a grid of
100 ms); "shots alone" are not seen in their scenes. Columns: share of montage seconds of the music's emotion with the
95 % interval from resampling the music's groups; scenes used; mean length of stretches within a scene; share of cuts
within 40 ms of a downbeat. "blind" is the share of the film's usable seconds. With --shipped the shipped heads are
judged, which met the clips in training.

Without CLIPS, or with --small, film and music are generated, and the shipped model is judged, which never met such.
Training needs the text encoder (moodcut models build).

    python benchmarks/emotion.py CLIPS [--songs SONGS] --cache DIR [--folds 3] [--style paper] [--validate 1]
    python benchmarks/emotion.py --small
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from build_film import Shape, TooFewClipsError, draw_clips
from clip_analyses import ClipReader, ClipShots
from emotion_trial import (
    Judgement,
    Trial,
    compose,
    downbeats,
    judge,
    mean_judgement,
    montage,
    shot_embeddings,
    summary,
)
from emotion_validation import agreement
from measuring import machine

from moodcut.demo import SceneSpec, write_film, write_song
from moodcut_director.grid import Unit
from moodcut_director.options import Selection, Story
from moodcut_kit.v1 import media_pb2
from moodcut_scorer import EMOTIONS, piece_embedding, random_scores, shot_scores
from moodcut_scorer.heads import JointSpace, load_heads
from moodcut_scorer.registry import shipped_path
from moodcut_training.data import Clip, grouped_folds, read_clips
from moodcut_training.features import ClipFeatures, FeatureReader
from moodcut_training.posteriors import PosteriorConfig, Songs, fit_heads
from moodcut_training.small import prompt_features, read_songs

STYLES = {
    "default": Selection(),
    "paper": Selection(average_units=True, flexible=False, per_unit=False),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """Everything known of the clips, by number; ``shots`` None of those without picture. ``songs`` help to train."""

    clips: Sequence[Clip]
    shots: Sequence[ClipShots | None]
    features: Sequence[ClipFeatures]
    music: Sequence[media_pb2.MusicAnalysis | None]
    songs: Songs | None

    @property
    def groups(self) -> list[str]:
        return [clip.group for clip in self.clips]

    @property
    def labels(self) -> np.ndarray:
        return np.array([clip.emotion for clip in self.clips])


def read_material(
    clips: Sequence[Clip], cache: Path, *, is_music: Callable[[Clip], bool], songs: Path | None = None
) -> Material:
    """Analyse what is not in the cache yet, saying how far it is."""
    reader, features = ClipReader(cache, Shape()), FeatureReader(cache / "features")
    shots, heard, music = [], [], []
    for number, clip in enumerate(clips, 1):
        print(f"\ranalysing clip {number} of {len(clips)}", end="", file=sys.stderr, flush=True)
        shots.append(reader.shots(clip.path))
        heard.append(features.clip(clip.path))
        music.append(reader.music(clip.path) if is_music(clip) and len(heard[-1].windows) else None)
    print(file=sys.stderr)
    return Material(
        clips=clips,
        shots=shots,
        features=heard,
        music=music,
        songs=read_songs(songs, features) if songs is not None else None,
    )


def make_trial(
    material: Material, number: int, held: Sequence[int], heads: JointSpace, arguments: argparse.Namespace
) -> Trial:
    """Draw the film from the ``held`` clips. Raises TooFewClipsError."""
    able = {material.clips[i].path: i for i in held if material.shots[i] is not None}
    drawn = draw_clips(
        [material.clips[i] for i in able.values()],
        seed=number,
        per_emotion=arguments.per_emotion,
        exclude_groups={material.clips[number].group},
    )
    numbers = [able[clip.path] for clip in drawn]
    found = [shots for i in numbers if (shots := material.shots[i]) is not None]
    film = compose(found, [clip.emotion for clip in drawn], fps=Shape().fps, known_scenes=arguments.known_scenes)
    whole = piece_embedding(heads.embed_music(material.features[number].windows))
    music = material.music[number]
    assert music is not None
    return Trial(
        number=number,
        drawn=drawn,
        film=film,
        music=music,
        emotion=material.clips[number].emotion,
        scores=shot_scores(shot_embeddings(found, heads, film.scene_of_shot), whole),
        scores_alone=shot_scores(shot_embeddings(found, heads), whole),
    )


def trials(material: Material, arguments: argparse.Namespace) -> Iterator[Trial]:
    """A film for every piece of music, by heads that met neither; one repeat after the other."""
    everything = list(range(len(material.clips)))
    if arguments.shipped:
        yield from _of(material, everything, everything, load_heads(shipped_path("heads.npz")), arguments)
        return
    prompts, songs = prompt_features(), material.songs
    for seed in range(arguments.repeats):
        folds = grouped_folds(material.labels.tolist(), material.groups, fold_count=arguments.folds, seed=seed)
        for fold in range(arguments.folds):
            kept, held = np.flatnonzero(folds != fold).tolist(), np.flatnonzero(folds == fold).tolist()
            heads = fit_heads(
                [material.features[i] for i in kept],
                material.labels[kept],
                [material.clips[i].group for i in kept],
                prompts,
                PosteriorConfig(),
                songs=songs,
            )
            yield from _of(material, held, held, heads, arguments)


def _of(
    material: Material, pieces: Sequence[int], held: Sequence[int], heads: JointSpace, arguments: argparse.Namespace
) -> Iterator[Trial]:
    for number in pieces:
        if material.music[number] is None:
            continue
        try:
            yield make_trial(material, number, held, heads, arguments)
        except TooFewClipsError as error:
            print(f"{material.clips[number].path.name} is left out: {error}", file=sys.stderr)


def rows_of(style: Selection, seeds: int) -> dict[str, Callable[[Trial], list[Judgement]]]:
    """What each row of the table does with a trial."""
    stories = {name: replace(style, story=Story(name)) for name in ("hard", "soft", "none")}
    no_rhythm = replace(style, unit=Unit.NONE, average_units=False)

    def cut(trial: Trial, scores: np.ndarray, selection: Selection) -> list[Judgement]:
        pieces = montage(trial.film, trial.music, scores, selection)
        if pieces is None:
            return []
        return [judge(pieces, trial.film.emotion_of_shot, trial.emotion, downbeats(trial.music))]

    def at_random(trial: Trial, selection: Selection) -> list[Judgement]:
        count = len(trial.scores)
        drawn = [cut(trial, random_scores(count, seed=seed), selection) for seed in range(seeds)]
        return [each for judgements in drawn for each in judgements]

    def oracle(trial: Trial, selection: Selection) -> list[Judgement]:
        return cut(trial, (trial.film.emotion_of_shot == trial.emotion).astype(np.float32), selection)

    rows: dict[str, Callable[[Trial], list[Judgement]]] = {}
    for name, selection in stories.items():
        rows[f"model, {name}"] = lambda trial, chosen=selection: cut(trial, trial.scores, chosen)  # type: ignore[misc]
    rows["model, hard, shots alone"] = lambda trial: cut(trial, trial.scores_alone, style)
    rows["model, hard, no rhythm"] = lambda trial: cut(trial, trial.scores, no_rhythm)
    for name, selection in stories.items():
        rows[f"oracle, {name}"] = lambda trial, chosen=selection: oracle(trial, chosen)  # type: ignore[misc]
    for name, selection in stories.items():
        rows[f"random, {name}"] = lambda trial, chosen=selection: at_random(trial, chosen)  # type: ignore[misc]
    return rows


def judged(material: Material, made: Sequence[Trial], arguments: argparse.Namespace) -> dict[str, object]:
    """All rows over all trials, printed as they are there."""
    header = ("share", "95 % interval", "scenes", "run s", "on beat", "length s", "pieces")
    print(f"{'':24}" + "".join(f"{name:>15}" for name in header))
    report: dict[str, object] = {}
    style = replace(STYLES[arguments.style], max_scenes=arguments.max_scenes)
    for name, row in rows_of(style, arguments.random_seeds).items():
        found: dict[int, list[Judgement]] = {}
        for trial in made:
            found.setdefault(trial.number, []).extend(row(trial))
        means = {number: mean for number, each in found.items() if (mean := mean_judgement(each)) is not None}
        report[name] = summary(means, material.groups)
        print_row(name, report[name])
    report["blind"] = float(np.mean([trial.film.usable_share(trial.emotion) for trial in made]))
    print(f"{'blind':24}{report['blind']:>15.3f}")
    return report


def print_row(name: str, row: Mapping[str, Any]) -> None:
    """A row for a person."""
    if not row["count"]:
        print(f"{name:24}{'nothing fits':>15}", flush=True)
        return
    low, high = row["interval"]
    values = (
        f"{row['share']:.3f}",
        f"{low:.3f}-{high:.3f}",
        f"{row['scene_count']:.2f}",
        f"{row['run_seconds']:.2f}",
        f"{row['on_downbeats']:.3f}",
        f"{row['seconds']:.1f}",
        str(row["count"]),
    )
    print(f"{name:24}" + "".join(f"{value:>15}" for value in values), flush=True)


def validated(material: Material, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """Some films really joined and cut, against the composed ones, both by the shipped heads."""
    heads, everything = load_heads(shipped_path("heads.npz")), list(range(len(material.clips)))
    able = [number for number in everything if material.music[number] is not None]
    found = []
    for number in able[:: max(1, len(able) // arguments.validate)][: arguments.validate]:
        trial = make_trial(material, number, everything, heads, arguments)
        found.append(agreement(trial, material.clips[number].path, Shape()))
        print(json.dumps(found[-1]), flush=True)
    return found


def generated(directory: Path) -> list[Clip]:
    """Two scenes and a song of every emotion, of moodcut's own making."""
    clips = []
    for number, emotion in enumerate(EMOTIONS):
        for take in range(2):
            path = directory / f"{emotion}-{take}.mp4"
            scene = SceneSpec(emotion=emotion, shot_seconds=(2.6, 3.1, 2.3, 4.6))
            write_film(path, scenes=[scene], seed=10 * number + take, size=(160, 90))
            clips.append(Clip(path=path, emotion=number, group=path.name))
        song = directory / f"{emotion}.wav"
        write_song(song, bpm=112, bars=14, mood=emotion, seed=number)
        clips.append(Clip(path=song, emotion=number, group=song.name))
    return clips


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path, nargs="?", help="directory with manifest.csv")
    parser.add_argument("--songs", type=Path, help="directory with manifest.csv of songs with felt emotions")
    parser.add_argument("--small", action="store_true", help="generated film and music, three random seeds")
    parser.add_argument("--cache", type=Path, help="keep the analyses of the clips here")
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=1, help="how many times the folds are drawn")
    parser.add_argument("--per-emotion", type=int, default=2, help="scenes of every emotion in a film")
    parser.add_argument("--random-seeds", type=int, default=20)
    parser.add_argument("--style", choices=list(STYLES), default="default")
    parser.add_argument("--max-scenes", type=int, default=5, help="N_c")
    parser.add_argument("--known-scenes", action="store_true", help="every clip is a scene, none are sought")
    parser.add_argument("--shipped", action="store_true", help="judge the shipped heads, trained on the clips or not")
    parser.add_argument("--validate", type=int, default=0, metavar="N", help="compare with N really joined films")
    parser.add_argument("--json", type=Path, help="write the table here as well")
    arguments = parser.parse_args()
    generate = arguments.small or arguments.clips is None
    print(machine())
    with tempfile.TemporaryDirectory(prefix="moodcut-emotion-") as directory:
        if generate:
            arguments.shipped, arguments.random_seeds = True, min(arguments.random_seeds, 3)
            clips = generated(Path(directory))
            material = read_material(
                clips, arguments.cache or Path(directory) / "cache", is_music=lambda clip: clip.path.suffix == ".wav"
            )
        else:
            clips = read_clips(arguments.clips / "manifest.csv")
            material = read_material(
                clips,
                arguments.cache or Path(directory) / "cache",
                is_music=lambda clip: True,
                songs=arguments.songs and arguments.songs / "manifest.csv",
            )
        report = judged(material, list(trials(material, arguments)), arguments)
        if arguments.validate:
            report["validated"] = validated(material, arguments)
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
