"""Errors of the segmenter."""

from __future__ import annotations

from moodcut_kit.errors import FailedPreconditionError, InvalidArgumentError, MoodcutError


class ModelSourceMismatchError(FailedPreconditionError):
    """The checkpoint a model is built from does not hold the network it should."""

    reason = "MODEL_SOURCE_MISMATCH"


class ModelNotBuiltError(FailedPreconditionError):
    """A model is needed that has not been built on this machine."""

    reason = "MODEL_NOT_BUILT"


class BadSceneModelError(FailedPreconditionError):
    """The user's scene model is no ONNX file of the shape that is asked for."""

    reason = "BAD_SCENE_MODEL"


class NoChaptersError(FailedPreconditionError):
    """Scenes were to be the film's chapters, and it has none."""

    reason = "NO_CHAPTERS"


class BackendNotInstalledError(FailedPreconditionError):
    """A detector or beat tracker was asked for by name whose package is not installed."""

    reason = "BACKEND_NOT_INSTALLED"


class PluginError(FailedPreconditionError):
    """A plug-in was asked for that is not installed, cannot be loaded, or is not what it should be."""

    reason = "BAD_PLUGIN"


class BadOptionsError(InvalidArgumentError):
    """Options that contradict themselves or the film."""

    reason = "BAD_OPTIONS"


class BadPlanError(InvalidArgumentError):
    """A plan or a range that does not belong to the film and the options it came with."""

    reason = "BAD_PLAN"


class OtherVersionError(MoodcutError):
    """A plan or a range made by a segmenter of another version or with other models, as during an upgrade.

    One like that segmenter can go on with it; else the film is planned again.
    """

    code = "ABORTED"
    reason = "OTHER_VERSION"
    retryable = True
