"""Frozen features of clips, songs and pictures, read through the encoders that ship and kept on disk.

The same code that runs in the service makes the features, so the heads are trained on what they will see.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from moodcut_kit.modelcache import publish, sha256_of
from moodcut_scorer.encoders import HeardMusic, ImageFeatures, MusicFeatures
from moodcut_scorer.evaluation import affect
from moodcut_scorer.evaluation.media import Media, read_media
from moodcut_scorer.mel import SAMPLE_RATE
from moodcut_scorer.registry import shipped_path
from moodcut_scorer.sessions import Runtime
from moodcut_scorer.windows import even_windows

_LOG = logging.getLogger(__name__)
# To be raised whenever files are read or measured in another way: what is kept would otherwise be taken for the same.
_LAYOUT_VERSION = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipFeatures:
    """One clip: ``frames`` [f, 1280], none if it has no picture; ``windows`` [w, 900], none without sound.

    ``colour`` [2] and ``sound`` [3] are what :mod:`moodcut_scorer.evaluation.affect` measures, NaN where there is none.
    """

    frames: np.ndarray
    windows: np.ndarray
    colour: np.ndarray
    sound: np.ndarray


class FeatureReader:
    """Turns media files into features, remembering them in ``cache`` by content and by encoder."""

    def __init__(self, cache: Path, *, thread_count: int = 2) -> None:
        runtime = Runtime(thread_count=thread_count, providers=("CPUExecutionProvider",))
        paths = [shipped_path(name) for name in ("image.onnx", "music-mtt.onnx", "music-msd.onnx")]
        self._image = ImageFeatures(paths[0], runtime)
        self._music = MusicFeatures(paths[1], paths[2], runtime)
        self._cache = cache
        self._encoders = hashlib.sha256("".join(sha256_of(path) for path in paths).encode()).hexdigest()[:12]

    def clips(self, paths: Sequence[Path]) -> list[ClipFeatures]:
        """Features of each file, in order."""
        found = []
        for number, path in enumerate(paths, 1):
            _LOG.debug("file %d of %d: %s", number, len(paths), path.name)
            found.append(self.clip(path))
        return found

    def clip(self, path: Path) -> ClipFeatures:
        """Features of one film or sound file."""
        key = hashlib.sha256(f"{_LAYOUT_VERSION} {self._encoders} {sha256_of(path)}".encode()).hexdigest()
        kept = self._cache / f"{key}.npz"
        if not kept.is_file():
            media = read_media(path)
            arrays = {
                "frames": self._image(media.frames),
                "windows": self._windows(media),
                "colour": affect.colour(media.frames) if media.frames else np.full(2, np.nan),
                "sound": np.full(3, np.nan) if media.samples is None else affect.sound(media.samples),
            }
            publish(kept, lambda target: np.savez(target, **arrays))  # type: ignore[arg-type]
        with np.load(kept) as file:
            return ClipFeatures(**{name: file[name] for name in ("frames", "windows", "colour", "sound")})

    def _windows(self, media: Media) -> np.ndarray:
        if media.samples is None:
            return np.zeros((0, MusicFeatures.size), dtype=np.float32)
        heard: HeardMusic = self._music(media.samples, SAMPLE_RATE)
        return heard.pooled(even_windows(heard.duration_seconds))
