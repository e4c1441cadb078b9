"""How a renderer runs. Nothing here changes the file that comes out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class RendererSettings:
    """Where it works and what it accepts.

    ``temporary_directory``: where private directories are made; None takes the system's. ``ffmpeg``: the program; None
    looks on PATH, then takes that of imageio-ffmpeg. ``progress_seconds``: time between two progress messages.
    ``max_montage_seconds``: longest montage accepted.
    """

    temporary_directory: Path | None = None
    ffmpeg: Path | None = None
    progress_seconds: float = 0.25
    max_montage_seconds: int = 4 * 3600

    def __post_init__(self) -> None:
        if self.progress_seconds <= 0 or self.max_montage_seconds < 1:
            raise ValueError("progress_seconds and max_montage_seconds must be positive")
