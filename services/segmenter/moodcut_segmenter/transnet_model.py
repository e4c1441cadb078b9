"""TransNet V2 on ONNX Runtime: 48x27 frames in, a probability per frame out.

The authors' procedure: windows of 100 frames of which the middle 50 are kept, the first and last frame of the film
repeated beyond its ends. Windows lie on multiples of 50 frames of the film, so a film analysed in ranges that do gives
exactly the probabilities of one pass.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from moodcut_kit import modelcache
from moodcut_kit.onnxmemory import session_options
from moodcut_segmenter.errors import ModelNotBuiltError

MODEL_FILE, INT8_FILE, INT8_SHORT_FILE = "transnetv2.onnx", "transnetv2-int8.onnx", "transnetv2-int8-short.onnx"
FRAME_WIDTH, FRAME_HEIGHT = 48, 27
WINDOW_FRAMES, KEPT_FRAMES = 100, 50
CONTEXT_FRAMES = (WINDOW_FRAMES - KEPT_FRAMES) // 2
SHORT_KEPT_FRAMES = 10
SHORT_WINDOW_FRAMES = SHORT_KEPT_FRAMES + 2 * CONTEXT_FRAMES
_BINS = 512


def model_path() -> Path:
    """Where the model lies in the model cache, built or not."""
    return modelcache.cache_dir() / MODEL_FILE


def int8_model_path() -> Path:
    """Where the 8-bit model lies in the model cache, built or not."""
    return modelcache.cache_dir() / INT8_FILE


def int8_short_model_path() -> Path:
    """Where the 8-bit model for short windows lies in the model cache, built or not."""
    return modelcache.cache_dir() / INT8_SHORT_FILE


def color_histograms(frames: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Colour histograms of frames uint8 [n, height, width, 3], RGB: float32 [n, 512], 3 bits a channel, length 1."""
    count = len(frames)
    high = frames.astype(np.int32) >> 5
    bins = (high[..., 0] << 6) + (high[..., 1] << 3) + high[..., 2]
    bins = bins.reshape(count, -1) + np.arange(count, dtype=np.int32)[:, None] * _BINS
    histograms = np.bincount(bins.ravel(), minlength=count * _BINS).reshape(count, _BINS).astype(np.float32)
    lengths = np.linalg.norm(histograms, axis=1, keepdims=True)
    return np.asarray(histograms / np.maximum(lengths, 1e-12), dtype=np.float32)


def window_frames(start_frame: int, frame_count: int, kept_frames: int = KEPT_FRAMES) -> NDArray[np.int64]:
    """Frames of the window that answers for ``kept_frames`` from ``start_frame`` on: int64 [kept_frames + 50].

    The film's first and last frame are repeated beyond its ends.
    """
    first, last = start_frame - CONTEXT_FRAMES, start_frame + kept_frames + CONTEXT_FRAMES
    return np.clip(np.arange(first, last, dtype=np.int64), 0, frame_count - 1)


class TransNetModel:
    """The network, loaded. Safe to use from several threads."""

    def __init__(self, path: Path | None = None, *, threads: int = 0, providers: tuple[str, ...] = ()) -> None:
        """Load the model of the cache, or ``path``.

        ``threads`` 0 takes every core. ``providers`` are ONNX Runtime's, best first; by default CUDA where it is
        there, else the CPU. Raises ModelNotBuiltError.
        """
        chosen = path or model_path()
        if not chosen.is_file():
            message = f"The shot detector's model {chosen} is not there; build it with: moodcut models build"
            raise ModelNotBuiltError(message, path=chosen)
        options = session_options(threads=threads)
        # Waiting threads sleep: a decoder, or another range on the same cores, can use the time.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        available = ort.get_available_providers()
        wanted = providers or ("CUDAExecutionProvider", "CPUExecutionProvider")
        names = [name for name in wanted if name in available]
        self._session = ort.InferenceSession(str(chosen), options, providers=names)
        self.provider: str = self._session.get_providers()[0]

    def window(
        self, frames: NDArray[np.uint8], histograms: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """``single`` and ``many`` (float32 [50]) of the middle 50 of 100 frames, or 10 of 60 with a model of those.

        ``frames``: uint8 [100, 27, 48, 3], RGB; ``histograms``: float32 [100, 512], from :func:`color_histograms`.
        """
        single, many = self._session.run(
            ["single", "many"], {"frames": frames[np.newaxis], "histograms": histograms[np.newaxis]}
        )
        kept = slice(CONTEXT_FRAMES, len(frames) - CONTEXT_FRAMES)
        return single[0, kept], many[0, kept]
