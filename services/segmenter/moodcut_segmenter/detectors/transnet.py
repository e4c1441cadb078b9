"""TransNet V2 over every window of a film, or every window in which something happens; the same cuts either way."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from moodcut_kit import modelcache
from moodcut_segmenter import cut_classifier
from moodcut_segmenter.detectors.base import PictureFormat, ShotDetector, Span, TransitionProbabilities
from moodcut_segmenter.detectors.small_frames import SmallFrames
from moodcut_segmenter.transnet_exact import ExactTransNet
from moodcut_segmenter.transnet_model import (
    CONTEXT_FRAMES,
    FRAME_HEIGHT,
    FRAME_WIDTH,
    KEPT_FRAMES,
    TransNetModel,
    int8_model_path,
    model_path,
)

_NEVER = 0.01
_REACH_FRAMES = 25

Window = Callable[[NDArray[np.uint8], NDArray[np.float32]], tuple[NDArray[np.float32], NDArray[np.float32]]]

Kept = tuple[int, int]
"""The first frame a window answers for, and how many."""


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
        step = self.alignment_frames
        if span.start_frame % step or (span.end_frame % step and span.end_frame != span.frame_count):
            raise ValueError(f"range {span.start_frame}..{span.end_frame} is not on multiples of {step}")
        small = SmallFrames(pictures, span)
        single = np.zeros(span.end_frame - span.start_frame, dtype=np.float32)
        many = np.zeros_like(single)
        for start, kept in self._windows(small, single, many):
            small.read_to(start + kept + CONTEXT_FRAMES)
            check()
            found_single, found_many = self._window(*small.window(start, kept))
            end = min(start + kept, span.end_frame)
            here = slice(start - span.start_frame, end - span.start_frame)
            single[here], many[here] = found_single[: end - start], found_many[: end - start]
        small.read_to(span.last_frame_end)
        return TransitionProbabilities(single, many)

    def _windows(self, small: SmallFrames, single: NDArray[np.float32], many: NDArray[np.float32]) -> Iterator[Kept]:
        """The windows the network has to answer for, in order; what is known without it is filled in."""
        for start in range(small.span.start_frame, small.span.end_frame, KEPT_FRAMES):
            yield start, KEPT_FRAMES


class TransNetDetector(TransNetReferenceDetector):
    """The same cuts, faster: 8-bit convolutions where they leave no doubt (:mod:`moodcut_segmenter.transnet_exact`),
    and no window where nothing happens far and wide."""

    name = "transnetv2"
    version = 5
    context_frames = _REACH_FRAMES + cut_classifier.CONTEXT_FRAMES

    def __init__(self, *, path: Path | None = None, int8_path: Path | None = None, threads: int = 0) -> None:
        """Load the models of the cache, or the files named. Raises ModelNotBuiltError."""
        files = path or model_path(), int8_path or int8_model_path()
        self.network = ExactTransNet(path=files[0], int8_path=files[1], threads=threads)
        self._window = self.network.window
        self._digest = digest_of(
            *(modelcache.sha256_of(file) for file in files if file.is_file()), cut_classifier.weights_sha256()
        )

    def _windows(self, small: SmallFrames, single: NDArray[np.float32], many: NDArray[np.float32]) -> Iterator[Kept]:
        for first, last in small.blocks():
            known = small.verdicts(first - _REACH_FRAMES, last + _REACH_FRAMES, quiet=_NEVER, clear=1.0)
            for start in range(first, last, KEPT_FRAMES):
                if known.open[start - first : start - first + KEPT_FRAMES + 2 * _REACH_FRAMES].any():
                    yield start, KEPT_FRAMES


def digest_of(*parts: str) -> str:
    """One hash for several."""
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()
