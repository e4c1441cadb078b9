"""PySceneDetect's threshold detector."""

from __future__ import annotations

from typing import Any

from moodcut_segmenter.detectors.pyscenedetect import PySceneDetectDetector


class ThresholdShotDetector(PySceneDetectDetector):
    """Cuts in the middle of a fade through black."""

    name = "threshold"

    def make(self) -> Any:
        """A fresh detector."""
        from scenedetect.detectors import ThresholdDetector

        return ThresholdDetector()
