"""Sessions of ONNX Runtime: which processor, how many threads, and what was really chosen."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnxruntime

from moodcut_kit.errors import InvalidArgumentError
from moodcut_kit.onnxmemory import session_options
from moodcut_scorer.errors import ModelDamagedError, ModelMissingError


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """How models run. ``thread_count`` 0 leaves it to ONNX Runtime; ``providers`` empty takes CUDA where it is there.

    Neither is part of a result's fingerprint.
    """

    thread_count: int = 0
    providers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raises InvalidArgumentError for a negative thread count or a provider this installation lacks."""
        if self.thread_count < 0:
            raise InvalidArgumentError(f"thread_count is {self.thread_count}; it must be 0 or more.")
        available = onnxruntime.get_available_providers()
        for provider in self.providers:
            if provider not in available:
                raise InvalidArgumentError(f"No execution provider {provider} here; choose of {', '.join(available)}.")

    def resolved_providers(self) -> list[str]:
        """Providers to ask for, best first; the CPU is always the last."""
        wanted = list(self.providers) or [
            name for name in ("CUDAExecutionProvider",) if name in onnxruntime.get_available_providers()
        ]
        return [*(name for name in wanted if name != "CPUExecutionProvider"), "CPUExecutionProvider"]


def open_session(path: Path, runtime: Runtime) -> Any:
    """A session for the model at ``path``.

    Asking for a GPU may still end on the CPU: see the session's own ``get_providers()``. Raises ModelMissingError
    if the file is not there, ModelDamagedError if it is not a usable model.
    """
    if not path.is_file():
        raise ModelMissingError(f"The model {path.name} is not at {path.parent}. Make it with: moodcut models build")
    options = session_options(threads=runtime.thread_count)
    options.inter_op_num_threads = 1
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=runtime.resolved_providers())
    except Exception as error:  # ONNX Runtime's exceptions share no public base class
        raise ModelDamagedError(f"The model {path} cannot be loaded: {error}") from error
