"""How a segmenter service runs. Nothing here changes a result without changing its name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from moodcut_kit.media.open import DEFAULT_LIMITS, MediaLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmenterSettings:
    """``network_threads`` and ``decoder_threads``: 0 takes every core. ``range_frames``: how much one AnalyzeRange call
    does. ``scene_model``: a learned model of scenes, None for ``scenes.onnx`` of the model cache. ``limits``: which
    media are accepted."""

    network_threads: int = 0
    decoder_threads: int = 0
    range_frames: int = 4000
    scene_model: Path | None = None
    limits: MediaLimits = DEFAULT_LIMITS

    def __post_init__(self) -> None:
        if self.range_frames < 50:
            raise ValueError("range_frames must be at least 50")
        if min(self.network_threads, self.decoder_threads) < 0:
            raise ValueError("numbers of threads must not be negative")
