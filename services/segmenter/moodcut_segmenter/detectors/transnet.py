"""TransNet V2, the default detector."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from moodcut_kit import modelcache
from moodcut_segmenter.detectors.base import PictureFormat, ShotDetector, Span, TransitionProbabilities
from moodcut_segmenter.transnet_exact import ExactTransNet
from moodcut_segmenter.transnet_model import (
    CONTEXT_FRAMES,
    FRAME_HEIGHT,
    FRAME_WIDTH,
    KEPT_FRAMES,
    TransNetModel,
    color_histograms,
    int8_model_path,
    model_path,
    window_frames,
)

Window = Callable[[NDArray[np.uint8], NDArray[np.float32]], tuple[NDArray[np.float32], NDArray[np.float32]]]


class TransNetReferenceDetector(ShotDetector):
    """Souček and Lokoč's network over windows of 100 frames in full precision, as its authors run it."""

    name = "transnetv2-reference"
    version = 1
    picture = PictureFormat(width=FRAME_WIDTH, height=FRAME_HEIGHT, colour_order="rgb")
    alignment_frames = KEPT_FRAMES
    context_frames = CONTEXT_FRAMES

    def __init__(self, *, path: Path | None = None, threads: int = 0) -> None:
        """Load the model of the cache, or ``path``. Raises ModelNotBuiltError."""
        chosen = path or model_path()
        self._window: Window = TransNetModel(chosen, threads=threads).window
        self._digest = modelcache.sha256_of(chosen)

    @property
    def model_digest(self) -> str:
        """SHA-256 that stands for the ONNX files used."""
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
            found_single, found_many = self._window(frames[index], histograms)
            end = min(start + KEPT_FRAMES, span.end_frame)
            here = slice(start - span.start_frame, end - span.start_frame)
            single[here], many[here] = found_single[: end - start], found_many[: end - start]
        return TransitionProbabilities(single, many)


class TransNetDetector(TransNetReferenceDetector):
    """The same cuts, faster: see :mod:`moodcut_segmenter.transnet_exact`."""

    name = "transnetv2"
    version = 2

    def __init__(self, *, path: Path | None = None, int8_path: Path | None = None, threads: int = 0) -> None:
        """Load the models of the cache, or the files named. Raises ModelNotBuiltError."""
        files = path or model_path(), int8_path or int8_model_path()
        self.network = ExactTransNet(path=files[0], int8_path=files[1], threads=threads)
        self._window = self.network.window
        digests = [modelcache.sha256_of(file) for file in files if file.is_file()]
        self._digest = hashlib.sha256(" ".join(digests).encode()).hexdigest()
