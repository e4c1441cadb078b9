"""PySceneDetect's histogram detector."""

from __future__ import annotations

from typing import Any

from moodcut_segmenter.detectors.pyscenedetect import PySceneDetectDetector


class HistogramShotDetector(PySceneDetectDetector):
    """Cuts where the brightness histograms of two frames correlate little."""

    name = "histogram"

    def make(self) -> Any:
        """A fresh detector."""
        from scenedetect.detectors import HistogramDetector

        return HistogramDetector()
