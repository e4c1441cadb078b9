"""TransNet V2 as moodcut runs it against full precision: the same cuts, and how much faster.

Rule: all three detectors see the film's frames (48x27, in memory), film after film; those of films of 720 lines or more
are drafts for transnetv2-fast, as in a film's analysis. F1 is over cuts at the very frame, against those of
transnetv2-reference; "same" counts films whose shots, usable parts included, are equal to the frame. "short", "int8"
and "full" are the windows the networks ran on: of 60 frames and of 100 in 8 bits, and in full precision. Without films
it makes one (moodcut demo).

    python benchmarks/shots.py [FILM...] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from measuring import machine
from numpy.typing import NDArray

from moodcut.demo import default_scenes, write_film
from moodcut_kit.media.picture import PictureConverter
from moodcut_kit.media.video import VideoReader
from moodcut_segmenter import ShotSpan, find_shots
from moodcut_segmenter.detectors import Span
from moodcut_segmenter.detectors.transnet import TransNetDetector, TransNetReferenceDetector
from moodcut_segmenter.detectors.transnet_fast import TransNetFastDetector
from moodcut_segmenter.transnet_model import FRAME_HEIGHT, FRAME_WIDTH, KEPT_FRAMES

LEAST_FAST_F1 = 0.99


@dataclass
class Total:
    """What one detector has done so far."""

    seconds: float = 0.0
    same_films: int = 0
    right: int = 0
    found: int = 0

    def f1(self, there: int) -> float:
        """Against ``there`` true cuts."""
        return 2 * self.right / (self.found + there) if self.found + there else 1.0


def small_frames(path: Path, *, draft: bool = False) -> NDArray[np.uint8]:
    """The film as the network sees it: uint8 [n, 27, 48, 3], RGB."""
    convert = PictureConverter(width=FRAME_WIDTH, height=FRAME_HEIGHT, scaling="bicubic", draft=draft)
    with VideoReader(path, draft=draft) as reader:
        return np.stack([convert.to_rgb(frame) for _, frame in reader.frames(0, reader.index.times.frame_count)])


def has_drafts(path: Path) -> bool:
    """Whether the fast detector looks at drafts of this film."""
    with VideoReader(path) as reader:
        info = reader.info()
    return TransNetFastDetector.picture.draft_for(info.display_width, info.display_height)


def shots_of(detector: TransNetReferenceDetector, frames: NDArray[np.uint8]) -> tuple[list[ShotSpan], float]:
    """Shots and seconds."""
    began = time.perf_counter()
    found = detector.detect(iter(frames), Span.whole(len(frames)), check=lambda: None)
    return find_shots(found.single, found.many), time.perf_counter() - began


def main() -> int:
    """Print the table; the exit code says whether a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("films", type=Path, nargs="*")
    parser.add_argument("--json", type=Path, help="write the totals here as well")
    arguments = parser.parse_args()
    reference, exact, fast = TransNetReferenceDetector(), TransNetDetector(), TransNetFastDetector()
    detectors = {"reference": reference, "exact": exact, "fast": fast}
    totals = {name: Total() for name in detectors}
    frame_count = cut_count = film_count = window_count = 0
    print(machine())
    print(
        f"{'film':30} {'frames':>7} {'cuts':>5} {'reference':>10} {'exact':>10} {'fast':>10} frames/s   differing cuts"
    )
    with tempfile.TemporaryDirectory() as directory:
        films = arguments.films
        if not films:
            films = [Path(directory) / "film.mp4"]
            write_film(films[0], scenes=default_scenes(3, shots_per_scene=4), seed=3, size=(320, 180), sound=False)
        for path in films:
            frames = small_frames(path)
            drafts = small_frames(path, draft=True) if has_drafts(path) else frames
            shots, rates = {}, []
            for name, detector in detectors.items():
                shots[name], seconds = shots_of(detector, drafts if detector.picture.draft else frames)
                totals[name].seconds += seconds
                rates.append(f"{len(frames) / seconds:10.1f}")
            true = {shot.start_frame for shot in shots["reference"][1:]}
            differing = []
            for name, total in totals.items():
                cuts = {shot.start_frame for shot in shots[name][1:]}
                total.right, total.found = total.right + len(cuts & true), total.found + len(cuts)
                total.same_films += shots[name] == shots["reference"]
                if cuts != true:
                    differing.append(f"{name} {sorted(cuts ^ true)}")
            frame_count, cut_count, film_count = frame_count + len(frames), cut_count + len(true), film_count + 1
            window_count += -(-len(frames) // KEPT_FRAMES)
            row = f"{path.name[:30]:30} {len(frames):7} {len(true):5} {' '.join(rates)}            "
            print(row + "; ".join(differing), flush=True)
    print(f"\n{film_count} films, {frame_count} frames, {cut_count} cuts, {window_count} windows,"
          f" one cut every {frame_count / max(1, cut_count):.0f} frames")  # fmt: skip
    print(f"{'':10} {'frames/s':>9} {'ratio':>6} {'F1':>7} {'same':>5} {'short':>6} {'int8':>6} {'full':>6}")
    runs: dict[str, Mapping[str, int]] = {
        "reference": {"full": window_count},
        "exact": exact.network.run_counts,
        "fast": fast.run_counts,
    }
    for name, total in totals.items():
        ran = " ".join(f"{runs[name].get(each, 0):6}" for each in ("short", "int8", "full"))
        print(f"{name:10} {frame_count / total.seconds:9.1f} {totals['reference'].seconds / total.seconds:6.2f}"
              f" {total.f1(cut_count):7.4f} {total.same_films:5} {ran}")  # fmt: skip
    if arguments.json:
        found = {name: asdict(total) | {"f1": total.f1(cut_count)} for name, total in totals.items()}
        arguments.json.write_text(json.dumps({"frames": frame_count, "cuts": cut_count, **found}), encoding="utf-8")
    return 0 if totals["exact"].f1(cut_count) == 1.0 and totals["fast"].f1(cut_count) >= LEAST_FAST_F1 else 1


if __name__ == "__main__":
    sys.exit(main())
