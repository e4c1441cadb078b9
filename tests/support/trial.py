"""What the system tests try things on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from moodcut.demo import FilmTruth, SongTruth


@dataclass(frozen=True)
class Trial:
    """A small film and song of known truth, and a store in which their analyses are kept."""

    film: Path
    song: Path
    film_truth: FilmTruth
    song_truth: SongTruth
    store: Path
