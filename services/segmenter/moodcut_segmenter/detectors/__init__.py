"""Shot detectors, one a file, behind :class:`ShotDetector`."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from moodcut_segmenter.detectors.base import PictureFormat, ShotDetector, Span, TransitionProbabilities
from moodcut_segmenter.detectors.plugins import load_plugin

__all__ = [
    "DEFAULT_DETECTOR",
    "Detector",
    "PictureFormat",
    "ShotDetector",
    "Span",
    "TransitionProbabilities",
    "make_detector",
]


class Detector(Enum):
    """The detectors there are, by the name a user gives."""

    TRANSNETV2_FAST = "transnetv2-fast"
    TRANSNETV2 = "transnetv2"
    TRANSNETV2_REFERENCE = "transnetv2-reference"
    CONTENT = "content"
    ADAPTIVE = "adaptive"
    HASH = "hash"
    HISTOGRAM = "histogram"
    THRESHOLD = "threshold"


DEFAULT_DETECTOR = Detector.TRANSNETV2_FAST


def make_detector(detector: Detector | str, *, threads: int = 0) -> ShotDetector:
    """A detector, ready to run: one of moodcut's, or the plug-in of that name.

    ``threads`` (0: every core) is for the ones that run a network. Raises ModelNotBuiltError if a network's model is
    not in the model cache, PluginError for a plug-in that is not there or is no detector.
    """
    if isinstance(detector, str):
        return load_plugin(detector, threads=threads)
    return _MAKERS[detector](threads)


def _transnet_fast(threads: int) -> ShotDetector:
    from moodcut_segmenter.detectors.transnet_fast import TransNetFastDetector

    return TransNetFastDetector(threads=threads)


def _transnet(threads: int) -> ShotDetector:
    from moodcut_segmenter.detectors.transnet import TransNetDetector

    return TransNetDetector(threads=threads)


def _transnet_reference(threads: int) -> ShotDetector:
    from moodcut_segmenter.detectors.transnet import TransNetReferenceDetector

    return TransNetReferenceDetector(threads=threads)


def _content(_: int) -> ShotDetector:
    from moodcut_segmenter.detectors.content import ContentShotDetector

    return ContentShotDetector()


def _adaptive(_: int) -> ShotDetector:
    from moodcut_segmenter.detectors.adaptive import AdaptiveShotDetector

    return AdaptiveShotDetector()


def _hash(_: int) -> ShotDetector:
    from moodcut_segmenter.detectors.perceptual_hash import HashShotDetector

    return HashShotDetector()


def _histogram(_: int) -> ShotDetector:
    from moodcut_segmenter.detectors.histogram import HistogramShotDetector

    return HistogramShotDetector()


def _threshold(_: int) -> ShotDetector:
    from moodcut_segmenter.detectors.threshold import ThresholdShotDetector

    return ThresholdShotDetector()


_MAKERS: dict[Detector, Callable[[int], ShotDetector]] = {
    Detector.TRANSNETV2_FAST: _transnet_fast,
    Detector.TRANSNETV2: _transnet,
    Detector.TRANSNETV2_REFERENCE: _transnet_reference,
    Detector.CONTENT: _content,
    Detector.ADAPTIVE: _adaptive,
    Detector.HASH: _hash,
    Detector.HISTOGRAM: _histogram,
    Detector.THRESHOLD: _threshold,
}
