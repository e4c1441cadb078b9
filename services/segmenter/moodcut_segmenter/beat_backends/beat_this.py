"""The transformer of Foscarin, Schlüter and Widmer, "Beat this!" (2024).

It runs through the package ``beat-this`` (MIT, brings PyTorch), which has no weights: one of the authors' checkpoints
must lie where the environment variable MOODCUT_BEAT_THIS says, or in the model cache. Nothing is downloaded here.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from moodcut_kit import modelcache
from moodcut_segmenter.bar_pointer import BarPointerModel, decode_meters
from moodcut_segmenter.bars import BeatTrack, count_positions
from moodcut_segmenter.beat_backends.base import SAMPLE_RATE, BeatTracker
from moodcut_segmenter.errors import BackendNotInstalledError, ModelSourceMismatchError
from moodcut_segmenter.spectra import Spectra

CHECKPOINT_VARIABLE = "MOODCUT_BEAT_THIS"
_FRAME_RATE = 50
_HOP = SAMPLE_RATE // _FRAME_RATE
_LEAST_BEATS = 4
_PIECE_SECONDS, _CONTEXT_SECONDS = 120, 10


def checkpoint_path() -> Path:
    """Where the weights have to lie."""
    given = os.environ.get(CHECKPOINT_VARIABLE)
    return Path(given).expanduser() if given else modelcache.cache_dir() / "beat-this.ckpt"


def package_installed() -> bool:
    """Whether the package that runs the network is there."""
    return importlib.util.find_spec("beat_this") is not None


def installed() -> bool:
    """Whether the network can run: package and weights are there."""
    return package_installed() and checkpoint_path().is_file()


def checkpoint_digest() -> str:
    """SHA-256 of the weights; empty where there are none."""
    path = checkpoint_path()
    return _digest(path, path.stat().st_mtime_ns) if path.is_file() else ""


class BeatThisTracker(BeatTracker):
    """Beats and downbeats as the network's own peaks give them, so tempo and meter may change at any time.

    With ``meters`` the peaks are decoded by the bar-pointer model instead, as the authors' option ``dbn`` does.
    """

    name = "beat_this"
    clear_confidence = 0.3
    version = 1

    def __init__(self, *, meters: Sequence[int] = ()) -> None:
        """``meters``: the beats per bar to choose from; without them bars are as long as they are.

        Raises BackendNotInstalledError, or ModelSourceMismatchError for a file that is no checkpoint of the network.
        """
        path = checkpoint_path()
        lacking = [] if package_installed() else ["the package: pip install beat-this"]
        if not path.is_file():
            lacking.append(
                f"its weights: put the authors' checkpoint at {path}, or say with {CHECKPOINT_VARIABLE} where"
            )
        if lacking:
            message = f"beat_this lacks {' and '.join(lacking)} (or choose --beats librosa)"
            raise BackendNotInstalledError(message, backend="beat_this")
        from beat_this.inference import Audio2Frames
        from beat_this.model.postprocessor import Postprocessor

        try:
            self._frames: Any = Audio2Frames(checkpoint_path=str(path), device="cpu")
        except Exception as error:
            raise ModelSourceMismatchError(f"{path} is no checkpoint of beat_this: {error}", path=path) from error
        self._peaks: Any = Postprocessor(type="minimal", fps=_FRAME_RATE)
        self._meters = tuple(meters)

    def track(self, sound: NDArray[np.float32], spectra: Spectra, *, check: Callable[[], None]) -> BeatTrack | None:
        """See :class:`BeatTracker`."""
        logits = self._logits(sound, check)
        check()
        likely = 1.0 / (1.0 + np.exp(-np.clip(logits, -60.0, 60.0)))
        found = self._decoded(likely) if self._meters else self._picked(logits)
        if found is None:
            return None
        frames, positions, meter = found
        inside = frames * _HOP < len(sound)
        frames, positions = frames[inside], positions[inside]
        if len(frames) < _LEAST_BEATS:
            return None
        return BeatTrack(pts=frames * _HOP, positions=positions, strength=likely[frames, 0], meter=meter)

    def _logits(self, sound: NDArray[np.float32], check: Callable[[], None]) -> NDArray[np.float64]:
        """Logits of beat and of downbeat, float64 [frames, 2], fifty a second, found in pieces with some context."""
        frame_count = 1 + len(sound) // _HOP
        piece, context = _PIECE_SECONDS * _FRAME_RATE, _CONTEXT_SECONDS * _FRAME_RATE
        parts = []
        for start in range(0, frame_count, piece):
            check()
            first, end = max(0, start - context), min(frame_count, start + piece)
            heard = sound[first * _HOP : (end + context) * _HOP]
            beat, downbeat = (np.asarray(each, dtype=np.float64) for each in self._frames(heard, SAMPLE_RATE))
            parts.append(np.stack((beat, downbeat), axis=1)[start - first : end - first])
        return np.concatenate(parts)

    def _picked(self, logits: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64], int] | None:
        """Frames and positions of the peaks, and the usual number of beats in a bar."""
        # The network's own tensors make new ones: PyTorch is its affair.
        tensor = next(self._frames.model.parameters()).new_tensor
        beats, downbeats = self._peaks(tensor(logits[:, 0]), tensor(logits[:, 1]))
        frames = np.unique(np.round(np.asarray(beats) * _FRAME_RATE).astype(np.int64))
        first = np.isin(frames, np.round(np.asarray(downbeats) * _FRAME_RATE).astype(np.int64))
        if len(frames) == 0 or not first.any():
            return None
        positions, meter = count_positions(first)
        return frames, positions, meter

    def _decoded(self, likely: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64], int] | None:
        """The same by the bar-pointer model in the likeliest of the meters."""
        beat_alone = np.maximum(likely[:, 0] - likely[:, 1], 0.0)
        model = BarPointerModel(frame_rate=_FRAME_RATE)
        best, meter = decode_meters(np.stack((beat_alone, likely[:, 1]), axis=1), meters=self._meters, model=model)
        return (best.frames, best.positions, meter) if len(best.frames) else None


@lru_cache(maxsize=4)
def _digest(path: Path, _modified: int) -> str:
    return modelcache.sha256_of(path)
