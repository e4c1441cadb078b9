"""The film's own sound as features, in blocks that depend on the film alone.

A decoder's first samples depend on where it began. So the film's time is divided into blocks of a minute, each decoded
by a new decoder from a place a second before it, whoever asks and for whatever range: a block belongs to the range of
frames in which it begins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av.error
import numpy as np
from av.audio.frame import AudioFrame
from numpy.typing import NDArray

from moodcut_kit.media.errors import MediaUnreadableError, MediaWithoutSoundError
from moodcut_kit.media.open import DEFAULT_LIMITS, MediaLimits, audio_stream, open_container
from moodcut_kit.time import FrameTimes, round_half_up
from moodcut_segmenter.sound_features import SOUND_COUNT, WINDOW_SECONDS, sound_features

_BLOCK_WINDOWS = 120
_BLOCK_SECONDS = _BLOCK_WINDOWS * WINDOW_SECONDS
_CONTEXT_SECONDS = 1
# For a block without one sample; any will do.
_SILENT_RATE = 8000


def window_count(times: FrameTimes) -> int:
    """How many windows of sound a film has; the last one may reach beyond its end."""
    return -(-times.duration_seconds // WINDOW_SECONDS)


def film_sound(
    path: Path,
    times: FrameTimes,
    *,
    start_frame: int,
    end_frame: int,
    limits: MediaLimits = DEFAULT_LIMITS,
    check: Callable[[], None] = lambda: None,
) -> NDArray[np.float16]:
    """Features of the windows that belong to frames ``start_frame`` to ``end_frame``: float16 [n, 48].

    Windows count from the film's first frame. n is 0 if the film has no sound that can be decoded, or if no block
    begins in the range. What is missing or cannot be decoded is silence. ``check`` is called once a block and may raise
    to stop the work.
    """
    start, end = times.start_seconds(start_frame), times.start_seconds(end_frame)
    blocks = range(-(-start // _BLOCK_SECONDS), -(-end // _BLOCK_SECONDS))
    if not blocks or not _has_sound(path, limits):
        return np.zeros((0, SOUND_COUNT), np.float16)
    first_frame_seconds = int(times.boundaries_pts[0]) * times.time_base
    found: list[NDArray[np.float32]] = []
    for block in blocks:
        check()
        count = min(_BLOCK_WINDOWS, window_count(times) - block * _BLOCK_WINDOWS)
        samples, rate = _decoded(path, first_frame_seconds + block * _BLOCK_SECONDS, count * WINDOW_SECONDS, limits)
        starts = (round_half_up(number * WINDOW_SECONDS * rate) for number in range(count))
        found.extend(sound_features(samples[at : at + rate // 2], rate) for at in starts)
    return np.array(found, dtype=np.float16)


def _has_sound(path: Path, limits: MediaLimits) -> bool:
    with open_container(path, limits=limits) as container:
        try:
            audio_stream(path, container)
        except (MediaWithoutSoundError, MediaUnreadableError):
            return False
        return True


def _decoded(
    path: Path, start_seconds: Fraction, duration_seconds: Fraction, limits: MediaLimits
) -> tuple[NDArray[np.float32], int]:
    """So much of the sound from a time of the file's clock on, one channel, at its own rate; silence where none is."""
    samples, rate = np.zeros(0, np.float32), 0
    for heard_seconds, frame in _frames_from(path, start_seconds - _CONTEXT_SECONDS, limits):
        if not rate:
            rate = frame.sample_rate
            samples = np.zeros(round_half_up(duration_seconds * rate) + 1, np.float32)
        at = round((heard_seconds - float(start_seconds)) * rate)
        if at >= len(samples):
            break
        if frame.sample_rate == rate and at + frame.samples > 0:
            heard = _one_channel(frame)[max(0, -at) : len(samples) - at]
            samples[max(0, at) : max(0, at) + len(heard)] = heard
    if not rate:
        return np.zeros(round_half_up(duration_seconds * _SILENT_RATE) + 1, np.float32), _SILENT_RATE
    return samples, rate


def _frames_from(path: Path, seconds: Fraction, limits: MediaLimits) -> Iterator[tuple[float, AudioFrame]]:
    """Decoded frames and when they are heard, from at or before ``seconds`` where the container can seek."""
    with open_container(path, limits=limits) as container:
        stream = audio_stream(path, container)
        base = Fraction(stream.time_base or 1)
        try:
            if seconds > (stream.start_time or 0) * base:
                container.seek(int(seconds / base), stream=stream, backward=True)
            packets = container.demux(stream)
            after: float | None = None
            while (packet := next(packets, None)) is not None:
                try:
                    decoded = packet.decode()
                except av.error.FFmpegError:
                    continue
                for frame in decoded:
                    at = after if frame.time is None else frame.time
                    if at is not None and frame.samples:
                        yield at, frame
                        after = at + frame.samples / frame.sample_rate
        except av.error.FFmpegError:
            return


def _one_channel(frame: AudioFrame) -> NDArray[np.float32]:
    """Mean of the channels, full scale at 1: float32 [n]."""
    values = frame.to_ndarray()
    if not frame.format.is_planar:
        values = values.reshape(-1, frame.layout.nb_channels).T
    mean = values[0] if len(values) == 1 else values.mean(axis=0)
    if values.dtype == np.uint8:
        mean = mean - np.float32(128)
    if values.dtype.kind in "iu":
        mean = mean / np.float32(2 ** (8 * values.dtype.itemsize - 1))
    return np.asarray(mean, dtype=np.float32)
