"""Frozen features of clips, songs and pictures, read through the encoders that ship and kept on disk.

The same code that runs in the service makes the features, so the heads are trained on what they will see.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

from moodcut_kit.media.audio import decode_audio
from moodcut_kit.media.errors import MediaWithoutSoundError
from moodcut_kit.modelcache import publish, sha256_of
from moodcut_scorer.encoders import HeardMusic, ImageFeatures, MusicFeatures
from moodcut_scorer.mel import SAMPLE_RATE
from moodcut_scorer.registry import shipped_path
from moodcut_scorer.sessions import Runtime
from moodcut_scorer.windows import even_windows
from moodcut_training.data import Clip

_LOG = logging.getLogger(__name__)
FRAMES_PER_CLIP = 24
_LAYOUT_VERSION = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipFeatures:
    """One clip: ``frames`` [f, 1280], none if it has no picture; ``windows`` [w, 900], none without sound."""

    frames: np.ndarray
    windows: np.ndarray


class FeatureReader:
    """Turns media files into features, remembering them in ``cache`` by content and by encoder."""

    def __init__(self, cache: Path, *, thread_count: int = 2) -> None:
        runtime = Runtime(thread_count=thread_count, providers=("CPUExecutionProvider",))
        paths = [shipped_path(name) for name in ("image.onnx", "music-mtt.onnx", "music-msd.onnx")]
        self._image = ImageFeatures(paths[0], runtime)
        self._music = MusicFeatures(paths[1], paths[2], runtime)
        self._cache = cache
        self._encoders = hashlib.sha256("".join(sha256_of(path) for path in paths).encode()).hexdigest()[:12]

    def clips(self, clips: Sequence[Clip]) -> list[ClipFeatures]:
        """Features of each clip, in order."""
        found = []
        for number, clip in enumerate(clips, 1):
            _LOG.debug("clip %d of %d: %s", number, len(clips), clip.path.name)
            found.append(self.clip(clip.path))
        return found

    def clip(self, path: Path) -> ClipFeatures:
        """Features of one film or sound file."""
        key = hashlib.sha256(f"{_LAYOUT_VERSION} {self._encoders} {sha256_of(path)}".encode()).hexdigest()
        kept = self._cache / f"{key}.npz"
        if not kept.is_file():
            frames = self._image(sample_frames(path, FRAMES_PER_CLIP))
            windows = self._windows(path)
            publish(kept, lambda target: np.savez(target, frames=frames, windows=windows))
        with np.load(kept) as file:
            return ClipFeatures(frames=file["frames"], windows=file["windows"])

    def _windows(self, path: Path) -> np.ndarray:
        try:
            samples = decode_audio(path, sample_rate=SAMPLE_RATE, channels=1)
        except MediaWithoutSoundError:
            return np.zeros((0, MusicFeatures.size), dtype=np.float32)
        heard: HeardMusic = self._music(samples, SAMPLE_RATE)
        return heard.pooled(even_windows(heard.duration_seconds))


def sample_frames(path: Path, count: int) -> list[np.ndarray]:
    """``count`` frames evenly over a film, uint8 [height, width, 3] RGB; none if it has no picture."""
    with av.open(str(path)) as container:
        if not container.streams.video:
            return []
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        duration = float(container.duration or 0) / 1e6
        wanted = [(index + 0.5) * duration / count for index in range(count)]
        frames: list[np.ndarray] = []
        for frame in container.decode(stream):
            while len(frames) < count and frame.time is not None and frame.time >= wanted[len(frames)]:
                frames.append(frame.to_ndarray(format="rgb24"))
        return frames
