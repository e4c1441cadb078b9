"""The shots of a film that fit pieces of music best and worst, as pictures for people to judge.

    ranked_shots.py FILM OUT.jpg SONG...                ten best and ten worst shots for each song
    ranked_shots.py FILM OUT.jpg SONG... --count 6      six

Two rows for each song, the best first and the worst last; beneath each shot its score and the emotion it is read as.
Shots that cannot be used are left out. The analyses are those of `moodcut segment movie` and `moodcut score`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from contact_sheet import sheet, thumbnails
from PIL import Image

_COLUMNS = 10


def asked(*arguments: str) -> dict[str, Any]:
    """What a command of moodcut prints as JSON; leaves with its words if it fails."""
    done = subprocess.run([sys.executable, "-m", "moodcut", *arguments, "--json"], capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def ranked(film: dict[str, Any], scores: dict[str, Any], count: int) -> tuple[list[Any], list[Any]]:
    """(middle in seconds, label) of the best and of the worst usable shots, best first; none is in both."""
    shots = {shot["shot_id"]: shot for shot in film["shots"] if not shot["unusable"]}
    order = sorted((each for each in scores["shots"] if each["shot_id"] in shots), key=lambda each: -each["score"])
    found = []
    for each in order:
        shot = shots[each["shot_id"]]
        emotion = max(each["emotion"], key=each["emotion"].get)
        found.append(((shot["start_seconds"] + shot["end_seconds"]) / 2, f"{each['score']:+.2f} {emotion}"))
    best = found[:count]
    return best, found[len(best) :][-count:]


def pictures_of(film: Path, wanted: list[tuple[float, str]]) -> list[tuple[Image.Image, str]]:
    """Thumbnails in the order of ``wanted``, whatever that of their times."""
    order = sorted(range(len(wanted)), key=lambda index: wanted[index][0])
    made = dict(zip(order, thumbnails(film, [wanted[index] for index in order]), strict=True))
    return [made[index] for index in range(len(wanted))]


def main() -> int:
    """Write the sheet, and say how each song is read."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("film", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("songs", type=Path, nargs="+")
    parser.add_argument("--count", type=int, default=_COLUMNS, choices=range(1, _COLUMNS + 1))
    given = parser.parse_args()
    film = asked("segment", "movie", str(given.film))
    pictures: list[tuple[Image.Image, str]] = []
    for song in given.songs:
        scores = asked("score", str(given.film), str(song))
        reading = sorted(scores["emotion"].items(), key=lambda each: -each[1])[:2]
        print(song.stem, ", ".join(f"{name} {share:.0%}" for name, share in reading))
        for row in ranked(film, scores, given.count):
            made = pictures_of(given.film, row)
            blank = Image.new("RGB", made[0][0].size) if made else Image.new("RGB", (1, 1))
            pictures += made + [(blank, "")] * (_COLUMNS - len(made))
    sheet(pictures, columns=_COLUMNS).save(given.out, quality=85)
    return 0


if __name__ == "__main__":
    sys.exit(main())
