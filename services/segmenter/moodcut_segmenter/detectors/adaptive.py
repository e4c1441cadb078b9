"""PySceneDetect's adaptive detector."""

from __future__ import annotations

from typing import Any

from moodcut_segmenter.detectors.pyscenedetect import PySceneDetectDetector


class AdaptiveShotDetector(PySceneDetectDetector):
    """Cuts where the change of content stands out from that of the frames around it, so that camera motion does not."""

    name = "adaptive"

    def make(self) -> Any:
        """A fresh detector."""
        from scenedetect.detectors import AdaptiveDetector

        return AdaptiveDetector()
