"""The same run gives the same numbers: generators seeded, deterministic kernels, and both given back afterwards."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

from moodcut_training.checkpoint import random_state, restore_random_state
from moodcut_training.errors import ConfigError

# cuBLAS is deterministic only with a workspace of fixed size.
_WORKSPACE_VARIABLE, _WORKSPACE = "CUBLAS_WORKSPACE_CONFIG", ":4096:8"


@contextmanager
def deterministic(seed: int) -> Iterator[None]:
    """Seed Python's, numpy's and torch's global generators and ask torch for deterministic kernels.

    An operation that has none on a GPU warns and runs all the same. Results are the same on one kind of machine with
    one number of threads; across machines sums may round otherwise.
    """
    before, enabled = random_state(), torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    os.environ.setdefault(_WORKSPACE_VARIABLE, _WORKSPACE)
    torch.use_deterministic_algorithms(True, warn_only=True)
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002  # a backbone may use the global generator
    torch.manual_seed(seed)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(enabled, warn_only=warn_only)
        restore_random_state(before)


def pick_device(wanted: str) -> torch.device:
    """``auto`` takes a GPU where there is one. Raises ConfigError if CUDA is asked for and not there."""
    there = torch.cuda.is_available()
    if wanted == "cuda" and not there:
        raise ConfigError(
            'device = "cuda", but torch sees no GPU here. Set device = "auto", or install a CUDA build of torch.',
            key="device",
        )
    return torch.device("cuda" if there and wanted != "cpu" else "cpu")
