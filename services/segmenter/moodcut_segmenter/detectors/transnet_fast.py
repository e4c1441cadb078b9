"""TransNet V2 where it is needed: the default."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from moodcut_kit import modelcache
from moodcut_segmenter import cut_classifier
from moodcut_segmenter.detectors.small_frames import SmallFrames
from moodcut_segmenter.detectors.transnet import Kept, TransNetReferenceDetector, digest_of
from moodcut_segmenter.shots import THRESHOLD
from moodcut_segmenter.transnet_exact import ExactTransNet
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

_QUIET, _CLEAR = 0.05, 0.9
_FENCE = 0.03
_BESIDE_FRAMES = 2


class TransNetFastDetector(TransNetReferenceDetector):
    """Clear cuts and quiet stretches are told by :mod:`moodcut_segmenter.cut_classifier`, the rest by the network in 8
    bits, over short windows where little is open. Its cuts are the reference's but for about one in two hundred."""

    name = "transnetv2-fast"
    version = 1
    context_frames = max(CONTEXT_FRAMES + SHORT_KEPT_FRAMES, _BESIDE_FRAMES + cut_classifier.CONTEXT_FRAMES)

    def __init__(self, *, threads: int = 0) -> None:
        """Load the models of the cache. Raises ModelNotBuiltError."""
        self.network = ExactTransNet(threads=threads, repeat=_on_the_fence)
        self.short_count = 0
        paths = [model_path()]
        self._short: TransNetModel | None = None
        if self.network.has_int8:
            paths += [int8_model_path(), int8_short_model_path()]
            self._short = TransNetModel(int8_short_model_path(), threads=threads)
        self._window = self._answer
        digests = [modelcache.sha256_of(path) for path in paths]
        self._digest = digest_of(*digests, cut_classifier.weights_sha256())

    def _answer(
        self, frames: NDArray[np.uint8], histograms: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        if self._short is not None and len(frames) == SHORT_WINDOW_FRAMES:
            self.short_count += 1
            return self._short.window(frames, histograms)
        return self.network.window(frames, histograms)

    def _windows(self, small: SmallFrames, single: NDArray[np.float32], many: NDArray[np.float32]) -> Iterator[Kept]:
        origin = small.span.start_frame
        for first, last in small.blocks():
            known = small.verdicts(first - _BESIDE_FRAMES, last + _BESIDE_FRAMES, quiet=_QUIET, clear=_CLEAR)
            cuts = first - origin + np.flatnonzero(known.clear[_BESIDE_FRAMES:-_BESIDE_FRAMES])
            single[cuts] = many[cuts] = 1.0
            for start in range(first, last, KEPT_FRAMES):
                inside = known.open[start - first : start - first + KEPT_FRAMES + 2 * _BESIDE_FRAMES]
                if not inside.any():
                    continue
                at, kept = self._around(start, np.flatnonzero(inside) - _BESIDE_FRAMES)
                yield at, kept
                here = slice(at - origin, at - origin + kept)
                if kept < KEPT_FRAMES and (_on_the_fence(single[here], many[here]) or _reaches_out(many[here])):
                    yield start, KEPT_FRAMES

    def _around(self, start: int, open_steps: NDArray[np.int64]) -> Kept:
        """The window for what is open in the 50 frames from ``start`` on: a short one if that will do."""
        low = max(0, int(open_steps[0]) - _BESIDE_FRAMES)
        high = min(KEPT_FRAMES, int(open_steps[-1]) + _BESIDE_FRAMES + 1)
        if self._short is None or high - low > SHORT_KEPT_FRAMES:
            return start, KEPT_FRAMES
        middle = (low + high - SHORT_KEPT_FRAMES) // 2
        return start + min(max(middle, 0), KEPT_FRAMES - SHORT_KEPT_FRAMES), SHORT_KEPT_FRAMES


def _on_the_fence(single: NDArray[np.float32], many: NDArray[np.float32]) -> bool:
    """Whether 8 bits may have put a frame on the wrong side of the threshold."""
    return bool(np.any(np.abs(single - THRESHOLD) < _FENCE))


def _reaches_out(many: NDArray[np.float32]) -> bool:
    """Whether a transition goes on before or after these frames."""
    return bool(many[0] > THRESHOLD or many[-1] > THRESHOLD)
