"""Scalars for TensorBoard: how a run goes, while it goes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from moodcut_training.errors import TensorBoardMissingError


def summary_writer() -> Any:
    """torch's writer of event files, a class. Raises TensorBoardMissingError."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise TensorBoardMissingError(
            "tensorboard = true needs the package 'tensorboard', which is not installed: pip install "
            "'moodcut[train]', or set tensorboard = false."
        ) from error
    return SummaryWriter


class Board:
    """Writes scalars into event files of a directory, or nothing if it is None. A context manager.

    Raises TensorBoardMissingError if the package ``tensorboard`` is not installed. ``first_step``: a run that goes on
    there takes away what was written from this step on before it was interrupted.
    """

    def __init__(self, directory: Path | None, *, first_step: int = 0) -> None:
        self._writer: Any = None
        if directory is None:
            return
        self._writer = summary_writer()(str(directory), purge_step=first_step or None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is not None:
            self._writer.close()

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        """Add a point to each named curve, such as ``loss/image_music``."""
        if self._writer is not None:
            for name, value in values.items():
                self._writer.add_scalar(name, value, step)
