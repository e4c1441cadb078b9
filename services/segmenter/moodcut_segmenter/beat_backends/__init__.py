"""Beat trackers, one a file, behind :class:`BeatTracker`."""

from __future__ import annotations

from enum import Enum

from moodcut_segmenter.beat_backends.base import SAMPLE_RATE, BeatTracker

__all__ = ["SAMPLE_RATE", "Backend", "BeatTracker", "default_backend", "make_tracker"]


class Backend(Enum):
    """The beat trackers there are, by the name a user gives."""

    MADMOM = "madmom"
    LIBROSA = "librosa"
    STEADY = "steady"


def default_backend() -> Backend:
    """madmom where its networks can run, else librosa."""
    from moodcut_segmenter.beat_backends import madmom

    return Backend.MADMOM if madmom.installed() else Backend.LIBROSA


def make_tracker(backend: Backend) -> BeatTracker:
    """A tracker, ready to run. Raises BackendNotInstalledError."""
    if backend is Backend.MADMOM:
        from moodcut_segmenter.beat_backends.madmom import MadmomTracker

        return MadmomTracker()
    if backend is Backend.LIBROSA:
        from moodcut_segmenter.beat_backends.librosa_grid import LibrosaTracker

        return LibrosaTracker()
    from moodcut_segmenter.beat_backends.steady import SteadyTracker

    return SteadyTracker()
