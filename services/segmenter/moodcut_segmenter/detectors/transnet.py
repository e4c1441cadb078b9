"""TransNet V2, the default detector."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from moodcut_kit import modelcache
from moodcut_segmenter.detectors.base import PictureFormat, ShotDetector, Span, TransitionProbabilities
from moodcut_segmenter.transnet_model import (
    CONTEXT_FRAMES,
    FRAME_HEIGHT,
    FRAME_WIDTH,
    KEPT_FRAMES,
    TransNetModel,
    color_histograms,
    model_path,
    window_frames,
)


class TransNetDetector(ShotDetector):
    """Souček and Lokoč's network over windows of 100 frames (see :mod:`moodcut_segmenter.transnet_model`)."""

    name = "transnetv2"
    version = 1
    picture = PictureFormat(width=FRAME_WIDTH, height=FRAME_HEIGHT, colour_order="rgb")
    alignment_frames = KEPT_FRAMES
    context_frames = CONTEXT_FRAMES

    def __init__(self, *, path: Path | None = None, threads: int = 0) -> None:
        """Load the model of the cache, or ``path``. Raises ModelNotBuiltError."""
        self._path = path or model_path()
        self._model = TransNetModel(self._path, threads=threads)
        self._digest = modelcache.sha256_of(self._path)

    @property
    def model_digest(self) -> str:
        """SHA-256 of the ONNX file."""
        return self._digest

    def detect(
        self, pictures: Iterator[NDArray[np.uint8]], span: Span, *, check: Callable[[], None]
    ) -> TransitionProbabilities:
        """See :class:`ShotDetector`; a window runs as soon as its last frame is there."""
        if span.start_frame % KEPT_FRAMES or (span.end_frame % KEPT_FRAMES and span.end_frame != span.frame_count):
            raise ValueError(f"range {span.start_frame}..{span.end_frame} is not on multiples of {KEPT_FRAMES}")
        frames = np.empty((span.last_frame_end - span.first_frame, FRAME_HEIGHT, FRAME_WIDTH, 3), dtype=np.uint8)
        single = np.empty(span.end_frame - span.start_frame, dtype=np.float32)
        many = np.empty_like(single)
        seen = 0
        for start in range(span.start_frame, span.end_frame, KEPT_FRAMES):
            index = window_frames(start, span.frame_count) - span.first_frame
            while seen <= index[-1]:
                frames[seen] = next(pictures)
                seen += 1
            check()
            unique, where = np.unique(index, return_inverse=True)
            histograms = color_histograms(frames[unique])[where]
            found_single, found_many = self._model.window(frames[index], histograms)
            end = min(start + KEPT_FRAMES, span.end_frame)
            here = slice(start - span.start_frame, end - span.start_frame)
            single[here], many[here] = found_single[: end - start], found_many[: end - start]
        return TransitionProbabilities(single, many)
