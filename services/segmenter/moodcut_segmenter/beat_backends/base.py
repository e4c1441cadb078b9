"""What a beat tracker is: sound in, beats with their places in the bar out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from moodcut_segmenter.bars import BeatTrack
from moodcut_segmenter.spectra import Spectra

SAMPLE_RATE = 44100
"""Samples per second of the sound every tracker is given, and of all times it answers."""


class BeatTracker(ABC):
    """Finds beats and downbeats. ``name`` and ``version`` enter the fingerprint.

    Below ``clear_confidence`` its beats are as unsure as those it finds in speech, rain and noise.
    """

    name: str
    clear_confidence: float = 0.0
    version: int

    @abstractmethod
    def track(self, sound: NDArray[np.float32], spectra: Spectra, *, check: Callable[[], None]) -> BeatTrack | None:
        """Beats of ``sound`` (mono, float32 [samples], 44,100 a second), or None if it has none that can be followed.

        ``spectra`` are those of the sound.
        ``check`` is called now and then and may raise to stop the work.
        """

    def notices(self) -> list[str]:
        """What a user has to be told when this tracker is used, such as its licence."""
        return []
