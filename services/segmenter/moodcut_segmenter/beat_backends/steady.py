"""A steady grid, for music without a beat."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from moodcut_segmenter.bars import BeatTrack, steady_track
from moodcut_segmenter.beat_backends.base import SAMPLE_RATE, BeatTracker
from moodcut_segmenter.spectra import Spectra


class SteadyTracker(BeatTracker):
    """120 beats a minute, whatever the music does; in bars of four a bar every two seconds."""

    name = "steady"
    version = 1

    def __init__(self, *, bpm: float = 120.0, meter: int = 4) -> None:
        self._bpm, self._meter = bpm, meter

    def track(self, sound: NDArray[np.float32], spectra: Spectra, *, check: Callable[[], None]) -> BeatTrack | None:
        """See :class:`BeatTracker`."""
        return steady_track(len(sound), sample_rate=SAMPLE_RATE, bpm=self._bpm, meter=self._meter)
