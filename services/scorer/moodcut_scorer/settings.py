"""How a scorer service runs. Nothing here changes a score."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from moodcut_scorer.sessions import Runtime


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorerSettings:
    """What it accepts and on what it computes.

    ``text_directory``: where the built text encoder lies; None takes the model cache. ``max_items``: pictures or texts
    in one call. ``max_image_pixels``: the largest picture. ``max_music_seconds``: the longest piece.
    """

    runtime: Runtime = field(default_factory=Runtime)
    text_directory: Path | None = None
    max_items: int = 64
    max_image_pixels: int = 50_000_000
    max_music_seconds: int = 2 * 3600

    def __post_init__(self) -> None:
        for name in ("max_items", "max_image_pixels", "max_music_seconds"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1")
