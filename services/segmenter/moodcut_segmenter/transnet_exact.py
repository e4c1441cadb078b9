"""TransNet V2's cuts at up to twice the speed: 8-bit convolutions, and full precision wherever those leave a doubt.

A window is run again in full precision if the difference between the two could change anything that is read from it: a
probability near the threshold, two frames that are equally likely to be the cut, a transition that reaches over the
window's edge or whose reach is not clear. The probabilities differ a little from the reference; the cuts do not.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from moodcut_segmenter.shots import THRESHOLD, runs
from moodcut_segmenter.transnet_model import TransNetModel, int8_model_path, model_path

BELOW, ABOVE, APART = 0.15, 0.06, 0.1
"""How far 8 bits may put a probability of a cut below the true one and above it, and two frames' apart or one of a
transition off: more than was seen near the threshold (0.13, 0, 0.05 in 387 windows of 60 films)."""

Probabilities = tuple[NDArray[np.float32], NDArray[np.float32]]


class ExactTransNet:
    """Both networks, loaded. On a GPU the full one alone: 8 bits bring nothing there.

    ``run_counts``: how many windows each network has looked at ("int8", "full").
    """

    def __init__(
        self,
        *,
        path: Path | None = None,
        int8_path: Path | None = None,
        threads: int = 0,
    ) -> None:
        """Load the models of the cache, or the files named. Raises ModelNotBuiltError."""
        self._full = TransNetModel(path or model_path(), threads=threads)
        self._int8: TransNetModel | None = None
        if self._full.provider == "CPUExecutionProvider":
            self._int8 = TransNetModel(int8_path or int8_model_path(), threads=threads)
        self.run_counts: Counter[str] = Counter()

    def window(self, frames: NDArray[np.uint8], histograms: NDArray[np.float32]) -> Probabilities:
        """As :meth:`TransNetModel.window`."""
        if self._int8 is not None:
            self.run_counts["int8"] += 1
            single, many = self._int8.window(frames, histograms)
            if not doubtful(single, many):
                return single, many
        self.run_counts["full"] += 1
        return self._full.window(frames, histograms)


def doubtful(single: NDArray[np.float32], many: NDArray[np.float32]) -> bool:
    """Whether probabilities that are off as far as 8 bits may put them could give other shots. Both [frames]."""
    if unclear(single, below=BELOW, above=ABOVE, apart=APART):
        return True
    wide = (many > THRESHOLD) | (single > THRESHOLD)
    for start, end in runs(single > THRESHOLD):
        first, last = start, end
        while first > 0 and wide[first - 1]:
            first -= 1
        while last < len(wide) and wide[last]:
            last += 1
        if first == 0 or last == len(wide):
            return True
        reach = slice(first - 1, last + 1)
        if np.any((np.abs(many[reach] - THRESHOLD) < APART) & ~(single[reach] > THRESHOLD)):
            return True
    return False


def unclear(single: NDArray[np.float32], *, below: float, above: float, apart: float) -> bool:
    """Whether a frame is so near below or above the threshold that it may belong on the other side, or two frames of
    one transition so near to one another that the cut may be after either. ``single``: [frames]."""
    if np.any((single > THRESHOLD - below) & (single < THRESHOLD + above)):
        return True
    for start, end in runs(single > THRESHOLD):
        likely = np.sort(single[start:end])
        if len(likely) > 1 and likely[-1] - likely[-2] < apart:
            return True
    return False
