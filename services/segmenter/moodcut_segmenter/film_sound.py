"""The film's own sound as features, in blocks that depend on the film alone.

The film's time is divided into blocks of a minute, each decoded by itself, whoever asks and for whatever range: a block
belongs to the range of frames in which it begins.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from moodcut_kit.media.limits import DEFAULT_PROCESS_LIMITS, ProcessLimits
from moodcut_kit.media.open import DEFAULT_LIMITS, MediaLimits
from moodcut_kit.media.soundblocks import sound_pieces_at
from moodcut_kit.media.source import Source
from moodcut_kit.time import FrameTimes, round_half_up
from moodcut_segmenter.sound_features import SOUND_COUNT, WINDOW_SECONDS, sound_features

_BLOCK_WINDOWS = 120
_BLOCK_SECONDS = _BLOCK_WINDOWS * WINDOW_SECONDS


def window_count(times: FrameTimes) -> int:
    """How many windows of sound a film has; the last one may reach beyond its end."""
    return -(-times.duration_seconds // WINDOW_SECONDS)


def film_sound(
    path: Source,
    times: FrameTimes,
    *,
    start_frame: int,
    end_frame: int,
    limits: MediaLimits = DEFAULT_LIMITS,
    process_limits: ProcessLimits | None = DEFAULT_PROCESS_LIMITS,
    check: Callable[[], None] = lambda: None,
) -> NDArray[np.float16]:
    """Features of the windows that belong to frames ``start_frame`` to ``end_frame``: float16 [n, 48].

    Windows count from the film's first frame. n is 0 if the film has no sound that can be decoded, or if no block
    begins in the range. What is missing or cannot be decoded is silence. Decodes in a process of its own unless
    ``process_limits`` is None.
    """
    start, end = times.start_seconds(start_frame), times.start_seconds(end_frame)
    blocks = range(-(-start // _BLOCK_SECONDS), -(-end // _BLOCK_SECONDS))
    if not blocks:
        return np.zeros((0, SOUND_COUNT), np.float16)
    first_frame_seconds = int(times.boundaries_pts[0]) * times.time_base
    counts = [min(_BLOCK_WINDOWS, window_count(times) - block * _BLOCK_WINDOWS) for block in blocks]
    pieces: list[tuple[Fraction, Fraction]] = [
        (first_frame_seconds + block * _BLOCK_SECONDS, count * WINDOW_SECONDS)
        for block, count in zip(blocks, counts, strict=True)
    ]
    found: list[NDArray[np.float32]] = []
    decoded = sound_pieces_at(path, pieces, limits=limits, process_limits=process_limits, check=check)
    for count, (samples, rate) in zip(counts, decoded, strict=False):  # A film without sound gives no piece.
        starts = (round_half_up(number * WINDOW_SECONDS * rate) for number in range(count))
        found.extend(sound_features(samples[at : at + rate // 2], rate) for at in starts)
    return np.array(found, dtype=np.float16).reshape(-1, SOUND_COUNT)
