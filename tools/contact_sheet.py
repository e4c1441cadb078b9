"""A contact sheet of a video for people: thumbnails with their times.

    contact_sheet.py MONTAGE.mp4 OUT.png                one thumbnail a second
    contact_sheet.py MONTAGE.mp4 OUT.png --every 5      one every five seconds
    contact_sheet.py MONTAGE.mp4 OUT.png --report REPORT.json
                                                        one in the middle of every clip, with its shot and scene

REPORT.json is what `moodcut make --json` printed.
"""

from __future__ import annotations

import argparse
import json
import sys
from itertools import pairwise
from pathlib import Path

import av
from PIL import Image, ImageDraw

_COLUMNS, _WIDTH, _LABEL_HEIGHT, _GAP = 6, 240, 16, 4
_INK, _PAPER = (235, 235, 235), (24, 24, 24)


def wanted_times(duration_seconds: float, *, every_seconds: float) -> list[tuple[float, str]]:
    """The middle of every stretch of ``every_seconds``, with a label."""
    count = max(1, int(duration_seconds / every_seconds))
    times = [(index + 0.5) * every_seconds for index in range(count)]
    return [(min(time, duration_seconds), f"{time:.1f} s") for time in times]


def clip_times(report: dict[str, object]) -> list[tuple[float, str]]:
    """The middle of every clip of a montage's report, with its start, shot and scene."""
    cuts = [0.0, *report["cuts_seconds"], report["duration_seconds"]]  # type: ignore[misc]
    clips: list[dict[str, object]] = report["selection"]  # type: ignore[assignment]
    return [
        ((start + end) / 2, f"{start:.2f} s  {clip['shot_id']}  {clip['scene_id']}")
        for (start, end), clip in zip(pairwise(cuts), clips, strict=True)
    ]


def thumbnails(path: Path, wanted: list[tuple[float, str]]) -> list[tuple[Image.Image, str]]:
    """The frame shown at each wanted time, in order, ``_WIDTH`` pixels wide."""
    made: list[tuple[Image.Image, str]] = []
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        last: Image.Image | None = None
        for frame in container.decode(stream):
            while len(made) < len(wanted) and frame.time is not None and frame.time >= wanted[len(made)][0]:
                height = max(1, round(_WIDTH * frame.height / frame.width))
                last = Image.fromarray(frame.to_ndarray(format="rgb24", width=_WIDTH, height=height))
                made.append((last, wanted[len(made)][1]))
    if last is not None:
        made.extend((last, label) for _, label in wanted[len(made) :])
    return made


def sheet(pictures: list[tuple[Image.Image, str]], *, columns: int = _COLUMNS) -> Image.Image:
    """All thumbnails in rows of ``columns``, labels beneath."""
    height = max(picture.height for picture, _ in pictures) + _LABEL_HEIGHT + _GAP
    rows = -(-len(pictures) // columns)
    page = Image.new("RGB", (columns * (_WIDTH + _GAP), rows * height), _PAPER)
    pen = ImageDraw.Draw(page)
    for index, (picture, label) in enumerate(pictures):
        x, y = index % columns * (_WIDTH + _GAP), index // columns * height
        page.paste(picture, (x, y))
        pen.text((x + 2, y + height - _LABEL_HEIGHT - _GAP + 2), label, fill=_INK)
    return page


def main() -> int:
    """Write the sheet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--every", type=float, default=1.0, metavar="SECONDS")
    parser.add_argument("--report", type=Path)
    given = parser.parse_args()
    if given.report is not None:
        wanted = clip_times(json.loads(given.report.read_text()))
    else:
        with av.open(str(given.video)) as container:
            duration = float((container.duration or 0) / av.time_base)
        wanted = wanted_times(duration, every_seconds=given.every)
    pictures = thumbnails(given.video, wanted)
    if not pictures:
        print(f"{given.video} has no picture at the times asked for", file=sys.stderr)
        return 1
    sheet(pictures).save(given.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
