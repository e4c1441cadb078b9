"""PySceneDetect's content detector."""

from __future__ import annotations

from typing import Any

from moodcut_segmenter.detectors.pyscenedetect import PySceneDetectDetector


class ContentShotDetector(PySceneDetectDetector):
    """Cuts where hue, saturation and brightness together change by more than a threshold from frame to frame."""

    name = "content"

    def make(self) -> Any:
        """A fresh detector."""
        from scenedetect.detectors import ContentDetector

        return ContentDetector()
