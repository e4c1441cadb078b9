"""Runs PySceneDetect's detectors (Castellano, BSD-3-Clause) behind the detector interface."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from moodcut_segmenter.detectors.base import PictureFormat, ShotDetector, Span, TransitionProbabilities
from moodcut_segmenter.errors import BackendNotInstalledError

_CHECK_FRAMES = 50


class PySceneDetectDetector(ShotDetector):
    """A detector of PySceneDetect with that package's own settings.

    Such a detector carries state from the first frame to the last (it enforces a least distance between cuts), so it
    sees the whole film in one range. Pictures have the width PySceneDetect itself scales down to; it expects BGR.
    """

    version = 1
    picture = PictureFormat(width=256, height=0, colour_order="bgr")

    @abstractmethod
    def make(self) -> Any:
        """A fresh ``scenedetect.detector.SceneDetector``."""

    def detect(
        self, pictures: Iterator[NDArray[np.uint8]], span: Span, *, check: Callable[[], None]
    ) -> TransitionProbabilities:
        """See :class:`ShotDetector`; both probabilities are 1 on the frame before a cut, else 0."""
        try:
            from scenedetect import FrameTimecode
        except ImportError as error:
            message = f"The detector {self.name} needs PySceneDetect: pip install scenedetect-headless"
            raise BackendNotInstalledError(message, detector=self.name) from error
        detector = self.make()
        cuts: list[int] = []
        position = FrameTimecode(span.first_frame, fps=span.frame_rate)
        for number, picture in enumerate(pictures, start=span.first_frame):
            if number % _CHECK_FRAMES == 0:
                check()
            position = FrameTimecode(number, fps=span.frame_rate)
            cuts += [cut.frame_num for cut in detector.process_frame(position, picture)]
        cuts += [cut.frame_num for cut in detector.post_process(position)]
        single = np.zeros(span.end_frame - span.start_frame, dtype=np.float32)
        inside = [cut - 1 - span.start_frame for cut in cuts if span.start_frame < cut < span.end_frame]
        single[inside] = 1.0
        return TransitionProbabilities(single, single.copy())
