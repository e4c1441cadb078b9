"""Every shot detector on a generated film whose transitions are known: cuts, dissolves, fades, flashes, whip pans.

Rule: one film (320x180, 25 frames/s, H.264) goes through `analyze_movie` once with each detector. A transition counts
as found if a cut lies in it, or within two frames of it; every other cut is a false alarm, also a second one in the
same transition. Flashes (white frames within a shot) and whip pans (the camera swings through half a picture in a few
frames) are no transitions: cuts there are counted on their own as well. PySceneDetect's detectors run with its
defaults.

    python benchmarks/detectors.py [--shots 48] [--seed 1]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import av
import numpy as np
from measuring import machine
from numpy.typing import NDArray

from moodcut.demo.moods import Emotion
from moodcut.demo.picture import ShotArt, make_scene
from moodcut_segmenter import Detector, MovieOptions, analyze_movie

RATE = 25
WIDTH, HEIGHT = 320, 180
JOINS = ("cut", "cut", "dissolve 12", "dissolve 25", "fade 24")
INSIDE = ("nothing", "flash", "whip pan", "nothing")
TOLERANCE = 2

Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class Event:
    """Frames ``start`` to ``end`` in which something happens."""

    kind: str
    start: int
    end: int

    def near(self, frame: int) -> bool:
        """Whether a cut before ``frame`` belongs to it."""
        return self.start - TOLERANCE <= frame <= self.end + TOLERANCE


def draw_shot(rng: np.random.Generator, length: int, inside: str) -> list[Picture]:
    """A shot's frames, with a flash or a whip pan in its middle if asked for."""
    emotion: Emotion = get_args(Emotion)[int(rng.integers(len(get_args(Emotion))))]
    scene = make_scene(rng, emotion, kind=int(rng.integers(6)), width=WIDTH, height=HEIGHT)
    art = ShotArt(rng, scene, int(rng.integers(3)), width=WIDTH, height=HEIGHT)
    frames = [art.draw(number, number / RATE) for number in range(length)]
    middle = length // 2
    if inside == "flash":
        for number in range(middle, middle + 2):
            frames[number] = np.maximum(frames[number], 235).astype(np.uint8)
    if inside == "whip pan":
        steps = np.concatenate((np.linspace(0, WIDTH // 2, 7), np.full(length - middle - 7, WIDTH // 2)))
        for number, step in zip(range(middle, length), steps, strict=True):
            frames[number] = np.roll(frames[number], -round(step), axis=1)
    return frames


def build(shot_count: int, seed: int) -> tuple[list[Picture], list[Event]]:
    """The film's frames and its events, transitions and others."""
    rng = np.random.default_rng(seed)
    frames: list[Picture] = []
    events: list[Event] = []
    for shot in range(shot_count):
        inside = INSIDE[shot % len(INSIDE)]
        added = draw_shot(rng, int(rng.integers(60, 110)), inside)
        if inside != "nothing":
            middle = len(frames) + len(added) // 2
            events.append(Event(inside, middle, middle + 7))
        if frames:
            kind, _, length = JOINS[shot % len(JOINS)].partition(" ")
            overlap = int(length or 0)
            if kind == "dissolve":
                for number in range(overlap):
                    share = (number + 1) / (overlap + 1)
                    mixed = (1 - share) * frames[len(frames) - overlap + number] + share * added[number]
                    frames[len(frames) - overlap + number] = np.round(mixed).astype(np.uint8)
                added = added[overlap:]
                # What lies in the shot's middle has moved with it.
                events = [
                    Event(each.kind, each.start - overlap, each.end - overlap) if each.start >= len(frames) else each
                    for each in events
                ]
                events.append(Event("dissolve", len(frames) - overlap, len(frames)))
            elif kind == "fade":
                half = overlap // 2
                for number in range(half):
                    share = number / half
                    frames[-1 - number] = np.round(frames[-1 - number] * share).astype(np.uint8)
                    added[number] = np.round(added[number] * share).astype(np.uint8)
                events.append(Event("fade", len(frames) - half, len(frames) + half))
            else:
                events.append(Event("cut", len(frames), len(frames)))
        frames += added
    return frames, events


def encode(path: Path, frames: list[Picture]) -> None:
    """Write the film."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.options = {"crf": "20", "preset": "superfast"}
        for picture in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shots", type=int, default=48)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    frames, events = build(arguments.shots, arguments.seed)
    transitions = [each for each in events if each.kind in ("cut", "dissolve", "fade")]
    others = [each for each in events if each not in transitions]
    counts = {
        kind: sum(each.kind == kind for each in events) for kind in ("cut", "dissolve", "fade", "flash", "whip pan")
    }
    print(machine())
    print(f"{len(frames)} frames: " + ", ".join(f"{count} {kind}s" for kind, count in counts.items()))
    print(f"{'':22} {'cuts':>6} {'dissolves':>9} {'fades':>6} {'false':>6} {'at flashes':>10} {'at whip pans':>12}"
          f" {'F1':>6} {'frames/s':>9}")  # fmt: skip
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "film.mp4"
        encode(path, frames)
        for detector in Detector:
            began = time.perf_counter()
            result = analyze_movie(path, MovieOptions(detector=detector)).result
            seconds = time.perf_counter() - began
            cuts = [shot.span.start_frame for shot in result.shots[1:]]
            found = [each for each in transitions if any(each.near(cut) for cut in cuts)]
            false = len(cuts) - len(found)
            shares = [
                f"{sum(each.kind == kind for each in found)}/{counts[kind]}" for kind in ("cut", "dissolve", "fade")
            ]
            at = [sum(each.near(cut) for each in others if each.kind == kind for cut in cuts)
                  for kind in ("flash", "whip pan")]  # fmt: skip
            f1 = 2 * len(found) / (len(cuts) + len(transitions))
            print(f"{detector.value:22} {shares[0]:>6} {shares[1]:>9} {shares[2]:>6} {false:6} {at[0]:10} {at[1]:12}"
                  f" {f1:6.3f} {len(frames) / seconds:9.1f}", flush=True)  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
