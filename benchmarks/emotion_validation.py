"""Does the composed answer agree with that of a really joined film? Both by the model that `moodcut make` runs."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from build_film import Shape, build_film
from emotion_trial import Piece, Trial, downbeats, judge, montage

from moodcut_director.options import Selection

_STEP_SECONDS = 0.1


def agreement(trial: Trial, song: Path, shape: Shape) -> dict[str, Any]:
    """Join the trial's film, run `moodcut make --dry-run --relax` on it, and compare with the composed montage."""
    pieces = montage(trial.film, trial.music, trial.scores, Selection()) or []
    with tempfile.TemporaryDirectory(prefix="moodcut-validate-") as directory:
        film = Path(directory) / "film.mp4"
        truth = build_film(trial.drawn, film, shape)
        made = _made(film, song, Path(directory) / "store")
    return compared(trial, pieces, truth, made)


def _made(film: Path, song: Path, store: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "moodcut", "make", str(film), str(song)]
    options = ["--dry-run", "--json", "--relax", "--store", str(store)]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"moodcut make failed: {done.stderr}")
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def compared(
    trial: Trial, pieces: Sequence[Piece], truth: Mapping[str, Any], made: Mapping[str, Any]
) -> dict[str, Any]:
    """Composed value first, then that of the really joined film.

    ``shots``, ``scenes``: how many; ``equal_cuts``: share of all cuts that both have; ``share``: of montage seconds of
    the music's emotion; ``seconds_of_the_same_clip``: share of the music during which both show the same clip.
    """
    cuts = {shot.start_frame for shot in trial.film.movie.shots}, {shot["start_frame"] for shot in made["shots"]}
    begin, end = made["music_start_seconds"], made["music_end_seconds"]
    steps = np.arange(begin + _STEP_SECONDS / 2, end, _STEP_SECONDS)
    ours = [(piece.start_seconds, piece.end_seconds, int(trial.film.clip_of_shot[piece.shot])) for piece in pieces]
    # A frame past its beginning, so that a shot that begins with its clip is not taken for the one before.
    ends = np.array([scene["end_seconds"] for scene in truth["scenes"]])
    real = [
        (
            begin + each["start_seconds"],
            begin + each["end_seconds"],
            int(np.searchsorted(ends, each["source_start_seconds"] + 1 / truth["fps"], side="right")),
        )
        for each in made["selection"]
    ]
    clip_ours, clip_real = _clip_at(steps, ours, nothing=-1), _clip_at(steps, real, nothing=-2)
    emotion_of_clip = np.array([clip.emotion for clip in trial.drawn])
    composed = judge(pieces, trial.film.emotion_of_shot, trial.emotion, downbeats(trial.music))
    right = sum(stop - start for start, stop, clip in real if emotion_of_clip[clip] == trial.emotion)
    return {
        "music": trial.number,
        "shots": [len(each) for each in cuts],
        "equal_cuts": len(cuts[0] & cuts[1]) / len(cuts[0] | cuts[1]),
        "scenes": [len(trial.film.movie.scenes), len(made["scenes"])],
        "share": [composed.share, right / sum(stop - start for start, stop, _ in real)],
        "seconds_of_the_same_clip": float((clip_ours == clip_real).mean()),
    }


def _clip_at(steps: np.ndarray, spans: Sequence[tuple[float, float, int]], *, nothing: int) -> np.ndarray:
    """The clip shown at each of ``steps`` seconds."""
    found = np.full(len(steps), nothing)
    for start, end, clip in spans:
        found[(steps >= start) & (steps < end)] = clip
    return found
