"""From trained heads to the file the scorer reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from moodcut_kit.modelcache import publish
from moodcut_scorer.heads import Heads, heads_to_arrays
from moodcut_scorer.posteriorheads import PosteriorHeads, posterior_arrays


def export_heads(heads: Heads, path: Path) -> Path:
    """Write ``heads.npz``. Equal heads give equal bytes."""
    arrays = heads_to_arrays(heads)
    return publish(path, lambda target: np.savez(target, **arrays))  # type: ignore[arg-type]


def export_posterior_heads(heads: PosteriorHeads, path: Path) -> Path:
    """Write ``heads.npz`` of the kind that ships. Equal heads give equal bytes."""
    arrays = posterior_arrays(heads)
    return publish(path, lambda target: np.savez(target, **arrays))  # type: ignore[arg-type]
