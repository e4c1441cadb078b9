"""How far a film's analysis has come, while its ranges are worked on side by side. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

_MOST_OF_A_RANGE = 0.9
# A range that is there already is answered sooner, and says nothing about how long the others take.
_LEAST_PACE_SECONDS = 1.0


class RangeProgress:
    """The share of a film's frames that are analysed; it never falls.

    Finished ranges count whole. Those under way count by the time they have taken, at the pace of the slowest range
    finished so far, and for nine tenths at most: servers say nothing before a range is done. Together they count for no
    more frames than that pace was measured on.
    """

    def __init__(self, frame_counts: Sequence[int]) -> None:
        self._frame_counts = list(frame_counts)
        self._seconds: dict[int, float] = {}
        self._share = 0.0

    def share(self, done: Collection[int], running_seconds: Mapping[int, float]) -> float:
        """The share, 0 to 1, where ``done`` ranges are finished and others have run for so many seconds."""
        timed = [
            number
            for number in done
            if self._seconds.get(number, 0.0) >= _LEAST_PACE_SECONDS and self._frame_counts[number]
        ]
        self._seconds.update(running_seconds)
        frames = float(sum(self._frame_counts[number] for number in done))
        if timed:
            pace = min(self._frame_counts[number] / self._seconds[number] for number in timed)
            estimate = sum(
                min(seconds * pace, _MOST_OF_A_RANGE * self._frame_counts[number])
                for number, seconds in running_seconds.items()
            )
            frames += min(estimate, sum(self._frame_counts[number] for number in timed))
        self._share = max(self._share, frames / max(1, sum(self._frame_counts)))
        return self._share
