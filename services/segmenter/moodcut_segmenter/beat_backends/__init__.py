"""Beat trackers, one a file, behind :class:`BeatTracker`."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from moodcut_segmenter.beat_backends.base import SAMPLE_RATE, BeatTracker

__all__ = ["SAMPLE_RATE", "Backend", "BeatTracker", "default_backend", "make_tracker", "model_digest"]


class Backend(Enum):
    """Where beats can come from, by the name a user gives. GIVEN is no tracker: the user knows them."""

    MADMOM = "madmom"
    BEAT_THIS = "beat_this"
    LIBROSA = "librosa"
    STEADY = "steady"
    GIVEN = "given"


def default_backend() -> Backend:
    """madmom where its networks can run, beat_this where its weights are, else librosa."""
    from moodcut_segmenter.beat_backends import beat_this, madmom

    if madmom.installed():
        return Backend.MADMOM
    return Backend.BEAT_THIS if beat_this.installed() else Backend.LIBROSA


def model_digest(backend: Backend) -> str:
    """SHA-256 of the weights that a user has put there; empty for a tracker that has none or brings its own."""
    from moodcut_segmenter.beat_backends import beat_this

    return beat_this.checkpoint_digest() if backend is Backend.BEAT_THIS else ""


def make_tracker(backend: Backend, *, meters: Sequence[int] = ()) -> BeatTracker:
    """A tracker, ready to run. ``meters``: the beats per bar it may choose from, if not its own choice.

    Raises BackendNotInstalledError.
    """
    if backend is Backend.MADMOM:
        from moodcut_segmenter.beat_backends.madmom import MadmomTracker

        return MadmomTracker(meters=meters)
    if backend is Backend.BEAT_THIS:
        from moodcut_segmenter.beat_backends.beat_this import BeatThisTracker

        return BeatThisTracker(meters=meters)
    if backend is Backend.LIBROSA:
        from moodcut_segmenter.beat_backends.librosa_grid import LibrosaTracker

        return LibrosaTracker(meters=meters)
    if backend is Backend.STEADY:
        from moodcut_segmenter.beat_backends.steady import SteadyTracker

        return SteadyTracker(meter=4 if not meters or 4 in meters else meters[0])
    raise ValueError(f"{backend} is no tracker")
