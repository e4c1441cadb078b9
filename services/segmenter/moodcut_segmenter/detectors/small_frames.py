"""The small pictures TransNet V2 looks at, as they come in, and what can be told from them before the network runs."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from moodcut_segmenter.cut_classifier import CONTEXT_FRAMES, Verdicts, verdicts_between
from moodcut_segmenter.detectors.base import Span
from moodcut_segmenter.transnet_model import FRAME_HEIGHT, FRAME_WIDTH, KEPT_FRAMES, color_histograms, window_frames

_BLOCK_FRAMES = 10 * KEPT_FRAMES


class SmallFrames:
    """The pictures of a span as they come in: ``frames`` uint8 [n, 27, 48, 3], RGB, of which ``seen`` are there."""

    def __init__(self, pictures: Iterator[NDArray[np.uint8]], span: Span) -> None:
        self.span = span
        self.frames = np.empty((span.last_frame_end - span.first_frame, FRAME_HEIGHT, FRAME_WIDTH, 3), dtype=np.uint8)
        self.seen = 0
        self._pictures = pictures

    def read_to(self, end_frame: int) -> None:
        """Wait for the film's frames before ``end_frame``, or for all there are."""
        wanted = min(end_frame, self.span.last_frame_end) - self.span.first_frame
        while self.seen < wanted:
            self.frames[self.seen] = next(self._pictures)
            self.seen += 1

    def verdicts(self, start_frame: int, end_frame: int, *, quiet: float, clear: float) -> Verdicts:
        """What can be said of frames of the film (:func:`~moodcut_segmenter.cut_classifier.verdicts`); waits for them.

        What lies before the film or after it is quiet. The span must reach far enough beyond the frames asked for.
        """
        self.read_to(end_frame + CONTEXT_FRAMES)
        first = self.span.first_frame
        start, end = max(start_frame, 0), min(end_frame, self.span.frame_count)
        found = verdicts_between(self.frames[: self.seen], start - first, end - first, quiet=quiet, clear=clear)
        beyond = start - start_frame, end_frame - end
        return Verdicts(np.pad(found.clear, beyond), np.pad(found.open, beyond))

    def window(self, start_frame: int, kept_frames: int = KEPT_FRAMES) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """What the network takes to answer for so many frames from ``start_frame`` on: frames and histograms."""
        index = window_frames(start_frame, self.span.frame_count, kept_frames) - self.span.first_frame
        unique, where = np.unique(index, return_inverse=True)
        return self.frames[index], color_histograms(self.frames[unique])[where]

    def blocks(self) -> Iterator[tuple[int, int]]:
        """The frames the span answers for, so many at a time that the classifier's context costs little."""
        for first in range(self.span.start_frame, self.span.end_frame, _BLOCK_FRAMES):
            yield first, min(first + _BLOCK_FRAMES, self.span.end_frame)
