"""Names of the objects of one film's analysis. They depend on all that can change what is in them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

from moodcut_kit.contract import analysis_key, fingerprint
from moodcut_segmenter.detectors import ShotDetector
from moodcut_segmenter.errors import OtherVersionError
from moodcut_segmenter.movie import MovieOptions
from moodcut_segmenter.scene_finding import SceneSource
from moodcut_segmenter.scene_model import SceneModel

_RANGE_VERSION = 3
_MOVIE_VERSION = 4


class MovieNames:
    """Names of the objects of one film's analysis.

    The ranges do not depend on how shots are grouped: a learned model is asked for when the name of a finished analysis
    is.
    """

    def __init__(
        self,
        principal: str,
        sha256: str,
        options: MovieOptions,
        detector: ShotDetector,
        find_scene_model: Callable[[], SceneModel],
    ) -> None:
        self.options, self.detector = options, detector
        self._principal, self._sha256, self._find_scene_model = principal, sha256, find_scene_model
        self._range = fingerprint(
            stage="segment-range",
            version=_RANGE_VERSION,
            model_digest=detector.model_digest,
            parameters={
                "detector": detector.name,
                "detector_version": detector.version,
                "plugin": isinstance(options.detector, str),
            },
            inputs=[sha256],
        )

    @cached_property
    def scene_model(self) -> SceneModel | None:
        """The learned model, if scenes come from one. Raises as :class:`SceneModel` does."""
        return self._find_scene_model() if self.options.scene_source is SceneSource.MODEL else None

    @cached_property
    def _movie(self) -> str:
        return fingerprint(
            stage="segment-movie",
            version=_MOVIE_VERSION,
            model_digest=self.scene_model.digest if self.scene_model else "",
            parameters={
                "scene_count": self.options.scene_count,
                "scene_source": self.options.scene_source.value,
                "scene_starts": [str(each) for each in self.options.scene_starts_seconds],
            },
            inputs=[self._range],
        )

    def of(self, name: str) -> str:
        """An object of the finished analysis."""
        return analysis_key(self._principal, self._sha256, self._movie, name)

    def of_range(self, name: str) -> str:
        """The plan, or an analysed range."""
        return analysis_key(self._principal, self._sha256, self._range, name)

    def check_own(self, key: str) -> str:
        """``key`` if it names a plan or range that this segmenter would have made. Raises OtherVersionError."""
        if key.rpartition("/")[0] != self.of_range("plan.npz").rpartition("/")[0]:
            message = "the plan or range was made by another version of the segmenter, or for another film or detector"
            raise OtherVersionError(message, key=key)
        return key
