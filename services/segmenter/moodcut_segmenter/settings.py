"""How a segmenter service runs. Nothing here changes a result without changing its name."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from moodcut_kit.media.limits import ProcessLimits, limits_from_environment
from moodcut_kit.media.open import DEFAULT_LIMITS, MediaLimits
from moodcut_segmenter.film_pass import Decoding
from moodcut_segmenter.ranges import RANGE_FRAMES


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmenterSettings:
    """``network_threads`` and ``decoder_threads``: 0 takes every core. ``range_frames``: how much one AnalyzeRange call
    does at most, or little more. ``scene_model``: a learned model of scenes, None for ``scenes.onnx`` of the model
    cache. ``limits``: which media are accepted; ``process_limits``: how much of the machine decoding one may take
    (None: no process of its own)."""

    network_threads: int = 0
    decoder_threads: int = 0
    range_frames: int = RANGE_FRAMES
    scene_model: Path | None = None
    limits: MediaLimits = DEFAULT_LIMITS
    process_limits: ProcessLimits | None = field(default_factory=limits_from_environment)

    def __post_init__(self) -> None:
        if self.range_frames < 50:
            raise ValueError("range_frames must be at least 50")
        if min(self.network_threads, self.decoder_threads) < 0:
            raise ValueError("numbers of threads must not be negative")

    @property
    def decoding(self) -> Decoding:
        """How films are decoded."""
        return Decoding(threads=self.decoder_threads, limits=self.limits, process_limits=self.process_limits)
