"""TransNet V2 as moodcut runs it against full precision: the same shots, and how much faster.

Rule: both detectors see the same frames (48x27, in memory), all films after one another; "same" counts films whose
shots, usable parts included, are equal to the frame; F1 is over cuts at the very frame. Windows repeated are those that
8 bits left in doubt. Without films it makes one (moodcut demo).

    python benchmarks/shots.py [FILM...] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from measuring import machine
from numpy.typing import NDArray

from moodcut.demo import default_scenes, write_film
from moodcut_kit.media.picture import PictureConverter
from moodcut_kit.media.video import VideoReader
from moodcut_segmenter import ShotSpan, find_shots
from moodcut_segmenter.detectors import Span
from moodcut_segmenter.detectors.transnet import TransNetDetector, TransNetReferenceDetector
from moodcut_segmenter.transnet_model import FRAME_HEIGHT, FRAME_WIDTH


def small_frames(path: Path) -> NDArray[np.uint8]:
    """The film as the network sees it: uint8 [n, 27, 48, 3], RGB."""
    convert = PictureConverter(width=FRAME_WIDTH, height=FRAME_HEIGHT, scaling="bicubic")
    with VideoReader(path) as reader:
        return np.stack([convert.to_rgb(frame) for _, frame in reader.frames(0, reader.index.times.frame_count)])


def shots_of(detector: TransNetReferenceDetector, frames: NDArray[np.uint8]) -> tuple[list[ShotSpan], Any, float]:
    """Shots, probabilities and seconds."""
    began = time.perf_counter()
    found = detector.detect(iter(frames), Span.whole(len(frames)), check=lambda: None)
    return find_shots(found.single, found.many), found, time.perf_counter() - began


def main() -> int:
    """Print the table; the exit code says whether any cut differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("films", type=Path, nargs="*")
    parser.add_argument("--json", type=Path, help="write the totals here as well")
    arguments = parser.parse_args()
    exact, reference = TransNetDetector(), TransNetReferenceDetector()
    print(machine())
    print(f"{'film':32} {'frames':>7} {'shots':>6} {'reference f/s':>14} {'transnetv2 f/s':>15} {'ratio':>6}  same")
    totals = dict.fromkeys(("frames", "films", "same", "right", "found", "there"), 0)
    seconds = {"reference": 0.0, "exact": 0.0}
    largest = 0.0
    with tempfile.TemporaryDirectory() as directory:
        films = arguments.films
        if not films:
            films = [Path(directory) / "film.mp4"]
            write_film(films[0], scenes=default_scenes(3, shots_per_scene=4), seed=3, size=(320, 180), sound=False)
        for path in films:
            frames = small_frames(path)
            expected, all_expected, slow = shots_of(reference, frames)
            found, all_found, quick = shots_of(exact, frames)
            largest = max(largest, float(np.abs(all_found.single - all_expected.single).max()))
            cuts, true = ({shot.start_frame for shot in each[1:]} for each in (found, expected))
            totals["frames"] += len(frames)
            totals["films"] += 1
            totals["same"] += found == expected
            totals["right"] += len(cuts & true)
            totals["found"] += len(cuts)
            totals["there"] += len(true)
            seconds["reference"] += slow
            seconds["exact"] += quick
            print(f"{path.name[:32]:32} {len(frames):7} {len(expected):6} {len(frames) / slow:14.1f}"
                  f" {len(frames) / quick:15.1f} {slow / quick:6.2f}  {'yes' if found == expected else 'NO'}",
                  flush=True)  # fmt: skip
    whole = totals["found"] + totals["there"]
    score = 2 * totals["right"] / whole if whole else 1.0
    network = exact.network
    rates = {name: totals["frames"] / value for name, value in seconds.items()}
    faster = rates["exact"] / rates["reference"]
    print(f"{totals['same']} of {totals['films']} films have the same shots; F1 of {totals['there']} cuts {score:.4f};"
          f" {rates['reference']:.1f} and {rates['exact']:.1f} frames/s, ratio {faster:.2f};"
          f" {network.repeated_count} of {network.window_count} windows repeated;"
          f" largest difference of a probability {largest:.4f}")  # fmt: skip
    if arguments.json:
        arguments.json.write_text(json.dumps(totals | {"f1": score, **rates}), encoding="utf-8")
    return 0 if score == 1.0 else 1


if __name__ == "__main__":
    sys.exit(main())
