"""Chapters of a film, as its container states them."""

from __future__ import annotations

from fractions import Fraction

from moodcut_kit.media.open import DEFAULT_LIMITS, MediaLimits, open_container, translated
from moodcut_kit.media.source import Source
from moodcut_kit.time import FrameTimes

_MOST_CHAPTERS = 10_000


def read_chapters(path: Source, times: FrameTimes, *, limits: MediaLimits = DEFAULT_LIMITS) -> tuple[Fraction, ...]:
    """When chapters begin: seconds from the film's first frame, increasing, within the film; empty if there are none.

    A chapter that begins before the first frame begins with it; those after the last are left out, and all after the
    first 10,000. Raises what :func:`~moodcut_kit.media.open.open_container` raises.
    """
    with open_container(path, limits=limits) as container, translated(path):
        stated = container.chapters()[:_MOST_CHAPTERS]
    first_frame_seconds = int(times.boundaries_pts[0]) * times.time_base
    # What one hostile time base times another gives need not fit anywhere: nanoseconds are fine enough.
    starts = {
        max(Fraction(0), int(each["start"]) * Fraction(each["time_base"] or 0) - first_frame_seconds).limit_denominator(
            10**9
        )
        for each in stated
    }
    return tuple(sorted(each for each in starts if each < times.duration_seconds))
