"""What is known of generated media: what a segmenter and a scorer should find. Stored as JSON beside it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from moodcut_kit.time import FrameTimes


@dataclass(frozen=True, slots=True, kw_only=True)
class ShotTruth:
    """A shot: frames from ``start_frame`` up to, without, ``end_frame``. ``camera`` is its framing in the scene."""

    start_frame: int
    end_frame: int
    scene_index: int
    camera: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneTruth:
    """A scene and the emotion it was drawn for. ``end_frame`` and ``end_shot`` are exclusive."""

    start_frame: int
    end_frame: int
    first_shot: int
    end_shot: int
    emotion: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dissolve:
    """Frames in which two shots are mixed: from ``start_frame`` up to, without, ``end_frame``."""

    start_frame: int
    end_frame: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmTruth:
    """All that is known of a generated film. Frames are numbered from 0 in presentation order.

    ``time_base``, ``first_pts`` and ``runs`` of (step, count) say when frames are shown; ``frame_rate`` is the nominal
    rate as "num/den".
    """

    seed: int
    width: int
    height: int
    frame_rate: str
    time_base: str
    first_pts: int
    runs: tuple[tuple[int, int], ...]
    shots: tuple[ShotTruth, ...]
    scenes: tuple[SceneTruth, ...]
    dissolves: tuple[Dissolve, ...]

    @property
    def frame_times(self) -> FrameTimes:
        """When each frame is shown."""
        return FrameTimes.from_runs(time_base=Fraction(self.time_base), first_pts=self.first_pts, runs=self.runs)

    @property
    def frame_count(self) -> int:
        """Number of frames."""
        return sum(count for _, count in self.runs)

    @property
    def cuts(self) -> tuple[int, ...]:
        """First frame of every shot but the first; in a dissolve the frame in its middle."""
        return tuple(shot.start_frame for shot in self.shots[1:])

    def write(self, path: Path) -> None:
        """Write as JSON."""
        _write(path, asdict(self))

    @classmethod
    def read(cls, path: Path) -> FilmTruth:
        """Read what :meth:`write` wrote."""
        fields: dict[str, Any] = json.loads(path.read_text())
        fields["runs"] = tuple((int(step), int(count)) for step, count in fields["runs"])
        fields["shots"] = tuple(ShotTruth(**each) for each in fields["shots"])
        fields["scenes"] = tuple(SceneTruth(**each) for each in fields["scenes"])
        fields["dissolves"] = tuple(Dissolve(**each) for each in fields["dissolves"])
        return cls(**fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class SongTruth:
    """All that is known of a generated song. Times are seconds from the first sample, exact to a sample.

    ``beats_seconds`` and ``beat_positions`` (from 1) hold every beat, a pick-up included; ``downbeats_seconds`` has
    one more entry than there are bars: the song ends with a chord on the downbeat after the last. ``moods`` has one
    entry per bar.
    """

    seed: int
    sample_rate: int
    duration_seconds: float
    bpm: float
    meter: int
    beats_seconds: tuple[float, ...]
    beat_positions: tuple[int, ...]
    downbeats_seconds: tuple[float, ...]
    moods: tuple[str, ...]

    def write(self, path: Path) -> None:
        """Write as JSON."""
        _write(path, asdict(self))

    @classmethod
    def read(cls, path: Path) -> SongTruth:
        """Read what :meth:`write` wrote."""
        fields: dict[str, Any] = json.loads(path.read_text())
        names = ("beats_seconds", "beat_positions", "downbeats_seconds", "moods")
        fields |= {name: tuple(fields[name]) for name in names}
        return cls(**fields)


def truth_path(media: Path) -> Path:
    """Where the truth of ``media`` lies: ``film.mp4`` has ``film.truth.json``."""
    return media.with_suffix(".truth.json")


def _write(path: Path, fields: dict[str, Any]) -> None:
    path.write_text(json.dumps(fields, indent=1) + "\n")
