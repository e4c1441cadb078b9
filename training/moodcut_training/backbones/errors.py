"""What can go wrong when a backbone is loaded."""

from __future__ import annotations

from moodcut_kit.errors import FailedPreconditionError
from moodcut_training.errors import BackboneError


class UnknownBackboneError(BackboneError):
    """No backbone of that name, or it does not take that option."""

    reason = "BACKBONE_UNKNOWN"


class CheckpointMissingError(FailedPreconditionError):
    """The checkpoint a backbone needs was not named, or is not where it was said to be."""

    reason = "CHECKPOINT_MISSING"


class CheckpointMismatchError(FailedPreconditionError):
    """The file is a checkpoint, but of another network."""

    reason = "CHECKPOINT_MISMATCH"


class PackageMissingError(FailedPreconditionError):
    """A package that the backbone runs on is not installed."""

    reason = "PACKAGE_MISSING"


class ExportUnsupportedError(FailedPreconditionError):
    """The encoder cannot be written as an ONNX graph, or the exporter is not installed."""

    reason = "EXPORT_UNSUPPORTED"
