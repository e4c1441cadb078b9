"""PySceneDetect's perceptual-hash detector."""

from __future__ import annotations

from typing import Any

from moodcut_segmenter.detectors.pyscenedetect import PySceneDetectDetector


class HashShotDetector(PySceneDetectDetector):
    """Cuts where the perceptual hashes of two frames differ in many bits."""

    name = "hash"

    def make(self) -> Any:
        """A fresh detector."""
        from scenedetect.detectors import HashDetector

        return HashDetector()
