"""Pieces of a film's sound from given times on, each decoded anew: what a piece holds depends on its time alone.

A decoder's first samples depend on where it began. So every piece is decoded by a new decoder from a place a second
before it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from fractions import Fraction
from typing import cast

import av.error
import numpy as np
from av.audio.frame import AudioFrame
from numpy.typing import NDArray

from moodcut_kit.media.child import run_work
from moodcut_kit.media.errors import DecoderFailedError, MediaUnreadableError, MediaWithoutSoundError
from moodcut_kit.media.framing import Record
from moodcut_kit.media.limits import DEFAULT_PROCESS_LIMITS, ProcessLimits
from moodcut_kit.media.open import DEFAULT_LIMITS, MediaLimits, audio_stream, open_container
from moodcut_kit.media.source import Source
from moodcut_kit.time import round_half_up

_CONTEXT_SECONDS = 1
# For a piece without one sample; any will do.
_SILENT_RATE = 8000
_MAX_RATE = 1_000_000

Piece = tuple[Fraction, Fraction]
"""When it begins, in seconds of the file's clock, and how long it is."""


def sound_pieces_at(
    path: Source,
    pieces: Sequence[Piece],
    *,
    limits: MediaLimits = DEFAULT_LIMITS,
    process_limits: ProcessLimits | None = DEFAULT_PROCESS_LIMITS,
    check: Callable[[], None] = lambda: None,
) -> Generator[tuple[NDArray[np.float32], int], None, None]:
    """(samples float32 [n], samples per second) of every piece, one channel at the sound's own rate.

    None at all if the file has no sound that can be decoded. What is missing or cannot be decoded is silence. Decodes
    in a process of its own unless ``process_limits`` is None, and raises what
    :func:`~moodcut_kit.media.child.run_work` raises.
    """
    records = run_work(_decoded_pieces, path, tuple(pieces), limits, process_limits=process_limits, check=check)
    with closing(records):
        for record in records:
            samples, rate = record.get("samples"), record.get("rate")
            whole = isinstance(samples, np.ndarray) and samples.dtype == np.float32 and samples.ndim == 1
            if not (whole and isinstance(rate, int) and 0 < rate <= _MAX_RATE):
                raise DecoderFailedError(f"The process that read {path} gave no sound.", file=path)
            yield cast("NDArray[np.float32]", samples), rate


def _decoded_pieces(path: Source, pieces: tuple[Piece, ...], limits: MediaLimits) -> Iterator[Record]:
    if not _has_sound(path, limits):
        return
    for start_seconds, duration_seconds in pieces:
        samples, rate = _decoded(path, start_seconds, duration_seconds, limits)
        yield {"samples": samples, "rate": rate}


def _has_sound(path: Source, limits: MediaLimits) -> bool:
    with open_container(path, limits=limits) as container:
        try:
            audio_stream(path, container)
        except (MediaWithoutSoundError, MediaUnreadableError):
            return False
        return True


def _decoded(
    path: Source, start_seconds: Fraction, duration_seconds: Fraction, limits: MediaLimits
) -> tuple[NDArray[np.float32], int]:
    """So much of the sound from a time of the file's clock on, one channel, at its own rate; silence where none is."""
    samples, rate = np.zeros(0, np.float32), 0
    for heard_seconds, frame in _frames_from(path, start_seconds - _CONTEXT_SECONDS, limits):
        if not 0 < frame.sample_rate <= _MAX_RATE:
            continue
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


def _frames_from(path: Source, seconds: Fraction, limits: MediaLimits) -> Iterator[tuple[float, AudioFrame]]:
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
