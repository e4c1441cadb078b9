"""TransNet V2 where it is needed: the default."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from moodcut_kit import modelcache
from moodcut_segmenter import cut_classifier
from moodcut_segmenter.detectors.small_frames import SmallFrames
from moodcut_segmenter.detectors.transnet import Kept, TransNetReferenceDetector, digest_of
from moodcut_segmenter.shots import THRESHOLD
from moodcut_segmenter.transnet_exact import unclear
from moodcut_segmenter.transnet_model import (
    CONTEXT_FRAMES,
    KEPT_FRAMES,
    SHORT_KEPT_FRAMES,
    SHORT_WINDOW_FRAMES,
    TransNetModel,
    int8_model_path,
    int8_short_model_path,
    model_path,
)

_QUIET, _CLEAR = 0.15, 0.85
_BESIDE_FRAMES = 2
# Added to logits: 8 bits were seen to lower those of probabilities near the threshold by 0.05 (median over 60 films),
# short windows by 0.34, of which the larger part is added back.
_INT8_SHIFT, _SHORT_SHIFT = 0.05, 0.25
_INT8_FENCE, _SHORT_FENCE = 0.02, 0.05
_TIE = 0.03

Floats = NDArray[np.float32]


class TransNetFastDetector(TransNetReferenceDetector):
    """Clear cuts and quiet stretches are told by :mod:`moodcut_segmenter.cut_classifier`, the rest by the network in 8
    bits, over short windows where little is open. What those leave in doubt is asked again, over the whole window and
    at last in full precision. Its cuts are the reference's but for a few in a thousand.

    ``run_counts``: how many windows each network has looked at ("short", "int8", "full").
    """

    name = "transnetv2-fast"
    version = 2
    picture = replace(TransNetReferenceDetector.picture, draft=True)
    context_frames = max(CONTEXT_FRAMES, _BESIDE_FRAMES + cut_classifier.CONTEXT_FRAMES)

    def __init__(self, *, threads: int = 0) -> None:
        """Load the models of the cache; on a GPU the full one alone. Raises ModelNotBuiltError."""
        self._full = TransNetModel(threads=threads)
        self._int8: TransNetModel | None = None
        self._short: TransNetModel | None = None
        paths = [model_path()]
        if self._full.provider == "CPUExecutionProvider":
            paths += [int8_model_path(), int8_short_model_path()]
            self._int8 = TransNetModel(paths[1], threads=threads)
            self._short = TransNetModel(paths[2], threads=threads)
        self.run_counts: Counter[str] = Counter()
        self._window = self._answer
        self._digest = digest_of(*map(modelcache.sha256_of, paths), cut_classifier.weights_sha256())

    def _answer(self, frames: NDArray[np.uint8], histograms: Floats) -> tuple[Floats, Floats]:
        if self._short is not None and len(frames) == SHORT_WINDOW_FRAMES:
            self.run_counts["short"] += 1
            single, many = self._short.window(frames, histograms)
            return _raised(single, _SHORT_SHIFT), many
        if self._int8 is not None:
            self.run_counts["int8"] += 1
            single, many = self._int8.window(frames, histograms)
            single = _raised(single, _INT8_SHIFT)
            if not _in_doubt(single, _INT8_FENCE):
                return single, many
        self.run_counts["full"] += 1
        return self._full.window(frames, histograms)

    def _windows(self, small: SmallFrames, single: Floats, many: Floats) -> Iterator[Kept]:
        origin = small.span.start_frame
        for first, last in small.blocks():
            known = small.verdicts(first - _BESIDE_FRAMES, last + _BESIDE_FRAMES, quiet=_QUIET, clear=_CLEAR)
            cuts = first - origin + np.flatnonzero(known.clear[_BESIDE_FRAMES:-_BESIDE_FRAMES])
            single[cuts] = many[cuts] = 1.0
            wanted = np.convolve(known.open, np.ones(2 * _BESIDE_FRAMES + 1, dtype=np.int64), "valid") > 0
            for start in range(first, last, KEPT_FRAMES):
                steps = np.flatnonzero(wanted[start - first : start - first + KEPT_FRAMES])
                if not len(steps):
                    continue
                at, kept = self._window_for(start, int(steps[0]), int(steps[-1]) + 1)
                yield at, kept
                here = slice(at - origin, at - origin + kept)
                if kept < KEPT_FRAMES and (_in_doubt(single[here], _SHORT_FENCE) or _reaches_out(many[here])):
                    yield start, KEPT_FRAMES

    def _window_for(self, start: int, low: int, high: int) -> Kept:
        """The window for frames ``low`` to ``high`` of the 50 from ``start`` on: a short one if that will do.

        A whole one lies where the reference's does: the network's answers depend a little on where a window begins.
        """
        if self._short is None or high - low > SHORT_KEPT_FRAMES:
            return start, KEPT_FRAMES
        at = (low + high - SHORT_KEPT_FRAMES) // 2
        return start + min(max(at, 0), KEPT_FRAMES - SHORT_KEPT_FRAMES), SHORT_KEPT_FRAMES


def _raised(single: Floats, shift: float) -> Floats:
    """Probabilities whose logits are raised by ``shift``."""
    odds = np.exp(shift)
    return np.asarray(single * odds / (1 + single * (odds - 1)), dtype=np.float32)


def _in_doubt(single: Floats, fence: float) -> bool:
    """Whether a small error could put a frame on the other side of the threshold, or a cut on another frame."""
    return unclear(single, below=fence, above=fence, apart=_TIE)


def _reaches_out(many: Floats) -> bool:
    """Whether a transition goes on before or after these frames."""
    return bool(many[0] > THRESHOLD or many[-1] > THRESHOLD)
