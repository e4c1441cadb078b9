"""Analyses a piece of music: decode, track beats, lay bars."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from moodcut_kit.media.isolated import decode_sound
from moodcut_segmenter.bars import BarGrid, bar_grid
from moodcut_segmenter.beat_backends import SAMPLE_RATE, Backend, default_backend, make_tracker

NO_BEAT = (
    "no beat was found in the music: bars of two seconds are laid over it as a steady grid, so cuts will not follow it"
)
NO_BAR = "the music is too short for one complete bar"


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class MusicResult:
    """What was found in a piece of music. All times count samples of ``sample_rate`` from its first one."""

    sample_rate: int
    duration_pts: int
    grid: BarGrid
    backend: Backend
    warnings: tuple[str, ...]

    @property
    def duration_seconds(self) -> Fraction:
        """Exact length."""
        return Fraction(self.duration_pts, self.sample_rate)


def analyze_music(
    path: Path, *, backend: Backend | None = None, check: Callable[[], None] = lambda: None
) -> MusicResult:
    """Find beats and bars in the music file ``path``.

    Without ``backend``, madmom where its networks can run, else librosa. Music without a beat gets a steady grid and a
    warning. ``check`` is called now and then and may raise to stop the work.

    Raises BackendNotInstalledError, and the media errors of :mod:`moodcut_kit.media` for a file without sound.
    """
    sound = decode_sound(path, sample_rate=SAMPLE_RATE, channels=1, check=check)
    return analyze_sound(sound, backend=backend, check=check)


def analyze_sound(
    sound: NDArray[np.float32], *, backend: Backend | None = None, check: Callable[[], None] = lambda: None
) -> MusicResult:
    """The same for sound at hand: float32 [samples], mono, 44,100 a second."""
    check()
    used = backend or default_backend()
    tracker = make_tracker(used)
    track = tracker.track(sound, check=check)
    warnings = tracker.notices()
    if track is None:
        used = Backend.STEADY
        track = make_tracker(used).track(sound, check=check)
        warnings = [NO_BEAT]
    assert track is not None, "the steady grid needs no beat"
    grid = bar_grid(track, sound, sample_rate=SAMPLE_RATE)
    if not grid.bars:
        warnings.append(NO_BAR)
    return MusicResult(
        sample_rate=SAMPLE_RATE, duration_pts=len(sound), grid=grid, backend=used, warnings=tuple(warnings)
    )
