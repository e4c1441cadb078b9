"""What can be wrong with a training run, as its user is told."""

from __future__ import annotations

from moodcut_kit.errors import CancelledError, FailedPreconditionError, InvalidArgumentError


class ConfigError(InvalidArgumentError):
    """The configuration says something that cannot be."""

    reason = "TRAINING_CONFIG_INVALID"


class DatasetError(InvalidArgumentError):
    """The manifest, or a file that it names, cannot be trained on."""

    reason = "TRAINING_DATA_INVALID"


class BackboneError(InvalidArgumentError):
    """There is no such backbone, or its checkpoint is missing or of another structure."""

    reason = "BACKBONE_INVALID"


class CheckpointError(FailedPreconditionError):
    """A checkpoint cannot be read, or belongs to another run."""

    reason = "CHECKPOINT_INVALID"


class ExportError(FailedPreconditionError):
    """The trained model has no form that the scorer can run."""

    reason = "EXPORT_IMPOSSIBLE"


class TensorBoardMissingError(FailedPreconditionError):
    """Scalars were asked for and the package ``tensorboard`` is not installed."""

    reason = "TENSORBOARD_MISSING"


class TrainingInterruptedError(CancelledError):
    """The run was interrupted and saved; the message says where it stands."""

    reason = "TRAINING_INTERRUPTED"


class TrainingDivergedError(FailedPreconditionError):
    """The loss is no finite number any more."""

    reason = "TRAINING_DIVERGED"
