"""A small set of labelled clips whose emotion a few layers can see and hear: a colour and a pitch of its own each."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

from moodcut_scorer.emotions import EMOTIONS

GROUP_COUNT = 5
SECONDS = 2
_COLOURS = ("yellow", "black", "gray", "green", "blue", "red")
_HERTZ = (1760, 110, 440, 220, 880, 3520)


def make_clips(ffmpeg: Callable[..., None], directory: Path, *, group_count: int = GROUP_COUNT) -> Path:
    """One clip per emotion and group, and a manifest of them; gives the manifest.

    The first group's clip of the first emotion has no picture, and that of the second one no sound.
    """
    directory.mkdir(parents=True, exist_ok=True)
    rows = []
    for index, emotion in enumerate(EMOTIONS):
        for group in range(group_count):
            picture = ("-f", "lavfi", "-i", f"color=c={_COLOURS[index]}:s=64x48:r=8:d={SECONDS}")
            sound = ("-f", "lavfi", "-i", f"sine=f={_HERTZ[index] * (1 + group / 40)}:r=16000:d={SECONDS}")
            only_sound, only_picture = (index, group) == (0, 0), (index, group) == (1, 0)
            name = f"{emotion}-{group}.{'wav' if only_sound else 'mp4'}"
            inputs = sound if only_sound else picture if only_picture else (*picture, *sound)
            ffmpeg(*inputs, directory / name)
            rows.append({"file": name, "emotion": emotion, "group": f"source-{index}-{group}"})
    manifest = directory / "manifest.csv"
    with manifest.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["file", "emotion", "group"])
        writer.writeheader()
        writer.writerows(rows)
    return manifest
