"""TransNet V2 where it is needed: the default."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from moodcut_kit import modelcache
from moodcut_segmenter import cut_classifier
from moodcut_segmenter.detectors.small_frames import SmallFrames
from moodcut_segmenter.detectors.transnet import TransNetReferenceDetector, digest_of
from moodcut_segmenter.shots import THRESHOLD
from moodcut_segmenter.transnet_exact import ExactTransNet
from moodcut_segmenter.transnet_model import (
    CONTEXT_FRAMES,
    KEPT_FRAMES,
    int8_model_path,
    model_path,
)

_QUIET, _CLEAR = 0.05, 0.9
_FENCE = 0.05
_BESIDE_FRAMES = 2


class TransNetFastDetector(TransNetReferenceDetector):
    """Clear cuts and quiet stretches are told by :mod:`moodcut_segmenter.cut_classifier`, the rest by the network in 8
    bits. Its cuts are the reference's but for about one in two hundred."""

    name = "transnetv2-fast"
    version = 1
    context_frames = max(CONTEXT_FRAMES, _BESIDE_FRAMES + cut_classifier.CONTEXT_FRAMES)

    def __init__(self, *, path: Path | None = None, int8_path: Path | None = None, threads: int = 0) -> None:
        """Load the models of the cache, or the files named. Raises ModelNotBuiltError."""
        files = path or model_path(), int8_path or int8_model_path()
        self.network = ExactTransNet(path=files[0], int8_path=files[1], threads=threads, repeat=_on_the_fence)
        self._window = self.network.window
        self._digest = digest_of(
            *(modelcache.sha256_of(file) for file in files if file.is_file()), cut_classifier.weights_sha256()
        )

    def _windows(self, small: SmallFrames, single: NDArray[np.float32], many: NDArray[np.float32]) -> Iterator[int]:
        for first, last in small.blocks():
            known = small.verdicts(first - _BESIDE_FRAMES, last + _BESIDE_FRAMES, quiet=_QUIET, clear=_CLEAR)
            cuts = first - small.span.start_frame + np.flatnonzero(known.clear[_BESIDE_FRAMES:-_BESIDE_FRAMES])
            single[cuts] = many[cuts] = 1.0
            for start in range(first, last, KEPT_FRAMES):
                if known.open[start - first : start - first + KEPT_FRAMES + 2 * _BESIDE_FRAMES].any():
                    yield start


def _on_the_fence(single: NDArray[np.float32], many: NDArray[np.float32]) -> bool:
    """Whether 8 bits may have put a frame on the wrong side of the threshold."""
    return bool(np.any(np.abs(single - THRESHOLD) < _FENCE))
