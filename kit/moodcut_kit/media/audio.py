"""Sound as an array: exact from the first sample a player would present."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import av
import av.error
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from numpy.typing import NDArray

from moodcut_kit.media.errors import MediaLimitError, MediaWithoutSoundError
from moodcut_kit.media.open import (
    DEFAULT_LIMITS,
    MediaLimits,
    audio_stream,
    last_words,
    open_container,
    translated,
)
from moodcut_kit.media.source import Source
from moodcut_kit.time import round_half_up

# Codecs pad the last frame: at most two frames of 2,048 samples, at 44.1 kHz.
_MAX_PADDING_SECONDS = Fraction(4096, 44100)
# Time stamps are rounded and may drift a little; a longer jump is sound that is not there.
_MIN_GAP_SECONDS = Fraction(1, 10)


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioInfo:
    """A file's sound. ``sample_count`` counts samples per channel at ``sample_rate``, without encoder padding."""

    sample_rate: int
    channel_count: int
    sample_count: int

    @property
    def duration_seconds(self) -> Fraction:
        """Exact length."""
        return Fraction(self.sample_count, self.sample_rate)


def probe_audio(path: Source, *, track: int = 0, limits: MediaLimits = DEFAULT_LIMITS) -> AudioInfo:
    """Rate, channels and exact length of a file's sound. Decodes it all: headers state lengths that are not so.

    The rate and channels are those of the first frame of ``track``. Raises as :func:`decode_audio` does.
    """
    decoder = _Decoder(path, limits, track)
    sample_rate, channel_count = 0, 0
    for frame in decoder.frames():
        if not sample_rate:
            sample_rate, channel_count = frame.sample_rate, frame.layout.nb_channels
    count = round_half_up(decoder.length_seconds * sample_rate)
    return AudioInfo(sample_rate=sample_rate, channel_count=channel_count, sample_count=count)


def decode_audio(
    path: Source,
    *,
    sample_rate: int,
    channels: Literal[1, 2],
    track: int = 0,
    limits: MediaLimits = DEFAULT_LIMITS,
) -> NDArray[np.float32]:
    """Decode a file's sound and resample it to ``sample_rate`` hertz.

    ``track`` is the sound track of a file with several, counted from 1; 0 takes the one a player would choose.

    Returns float32 in [-1, 1] as stored (lossy codecs may overshoot), shape [n] for one channel and [n, 2] for two
    (left, right). Sample 0 is the first a player presents: encoder delay and padding are taken off as the file
    states them. n is the exact length times ``sample_rate``, rounded half up. One channel is the mean of left and
    right; a mono file is copied to both; surround is mixed down to stereo first. A packet that cannot be decoded
    becomes silence of its length, and so does a gap of over 0.1 s in the file's time stamps.

    Raises MediaWithoutSoundError (no audio stream, or nothing decodes), MediaTrackError (no such track),
    MediaLimitError, MediaUnreadableError and what :func:`~moodcut_kit.media.open.open_container` raises.
    """
    pieces: list[NDArray[np.float32]] = []
    found = sound_pieces(path, sample_rate=sample_rate, channels=channels, track=track, limits=limits)
    while True:
        try:
            pieces.append(next(found))
        except StopIteration as end:
            return joined_sound(pieces, end.value, channels)


def sound_pieces(
    path: Source,
    *,
    sample_rate: int,
    channels: Literal[1, 2],
    track: int = 0,
    limits: MediaLimits = DEFAULT_LIMITS,
) -> Generator[NDArray[np.float32], None, int]:
    """Parts of what :func:`decode_audio` gives, as they are decoded: float32 [channels, n]; returns the exact length.

    Together they are a little longer or shorter than that: :func:`joined_sound` sees to it.
    """
    if sample_rate < 1:
        raise ValueError("sample_rate must be at least 1")
    decoder = _Decoder(path, limits, track)
    resampler: AudioResampler | None = None
    setup: tuple[str, str, int] | None = None
    with translated(path):
        for frame in decoder.frames():
            frame.pts = None
            found = (frame.format.name, frame.layout.name, frame.sample_rate)
            if resampler is None or found != setup:
                # Some streams change their layout on the way (HE-AAC that turns stereo): start anew, lose nothing.
                yield from _converted(resampler, None, channels)
                layout = "mono" if frame.layout.nb_channels == 1 else "stereo"
                resampler, setup = AudioResampler(format="fltp", layout=layout, rate=sample_rate), found
            yield from _converted(resampler, frame, channels)
        yield from _converted(resampler, None, channels)
    return round_half_up(decoder.length_seconds * sample_rate)


def joined_sound(pieces: list[NDArray[np.float32]], count: int, channels: int) -> NDArray[np.float32]:
    """One array of exactly ``count`` samples: what is over at the end is cut, what lacks is silence.

    ``pieces`` are [channels, n]; the list is emptied on the way, so that the sound is not held twice.
    """
    joined = np.zeros((count, channels), dtype=np.float32)
    at = 0
    pieces.reverse()
    while pieces:
        part = pieces.pop()[:, : count - at].T
        joined[at : at + len(part)] = part
        at += len(part)
    return joined[:, 0] if channels == 1 else joined


class _Decoder:
    """Decodes a file's sound once, with silence in place of what cannot be decoded.

    ``length_seconds`` is right when :meth:`frames` has come to its end: what was decoded, less the codec's padding
    at the end where the container states a shorter presentation.
    """

    def __init__(self, path: Source, limits: MediaLimits, track: int) -> None:
        self.length_seconds = Fraction(0)
        self._path = path
        self._limits = limits
        self._track = track

    def frames(self) -> Iterator[AudioFrame]:
        """Raises MediaWithoutSoundError if there is not one sample."""
        problem, lost_seconds, first_seconds = "", Fraction(0), None
        with open_container(self._path, limits=self._limits) as container, translated(self._path):
            stream = audio_stream(self._path, container, track=self._track)
            stated_seconds = Fraction(0)
            if stream.duration and stream.time_base and container.format.name.startswith("mov"):
                stated_seconds = stream.duration * stream.time_base
            for packet in container.demux(stream):
                try:
                    decoded = packet.decode()
                except av.error.FFmpegError as error:
                    problem = last_words(error)
                    lost_seconds += (packet.duration or 0) * packet.time_base
                    continue
                for frame in decoded:
                    shown_seconds = _shown_seconds(frame)
                    if first_seconds is None:
                        first_seconds = shown_seconds
                    elif shown_seconds is not None:
                        gap_seconds = shown_seconds - first_seconds - self.length_seconds
                        lost_seconds = gap_seconds if gap_seconds > _MIN_GAP_SECONDS else lost_seconds
                    if self.length_seconds and lost_seconds:
                        yield self._counted(_silence(frame, self._bounded(lost_seconds)))
                    lost_seconds = Fraction(0)
                    if frame.samples:
                        yield self._counted(frame)
        if not self.length_seconds:
            message = f"Not one sample of the sound of {self._path} can be decoded{f': {problem}' if problem else ''}."
            raise MediaWithoutSoundError(message, file=self._path)
        if stated_seconds and 0 < self.length_seconds - stated_seconds <= _MAX_PADDING_SECONDS:
            self.length_seconds = stated_seconds

    def _bounded(self, seconds: Fraction) -> Fraction:
        """No more silence than it takes to exceed the limit: time stamps may be anything."""
        return min(seconds, self._limits.max_duration_seconds + 1 - self.length_seconds)

    def _counted(self, frame: AudioFrame) -> AudioFrame:
        self.length_seconds += Fraction(frame.samples, frame.sample_rate)
        if self.length_seconds > self._limits.max_duration_seconds:
            message = f"The sound of {self._path} lasts over {self._limits.max_duration_seconds} s, the most accepted."
            raise MediaLimitError(message, file=self._path, max=self._limits.max_duration_seconds)
        return frame


def _converted(
    resampler: AudioResampler | None, frame: AudioFrame | None, channels: int
) -> Iterator[NDArray[np.float32]]:
    """Samples the resampler gives out for ``frame`` (None: what it still holds), each [channels, n]."""
    if resampler is None:
        return
    for out in resampler.resample(frame):
        if out is None:
            continue
        samples = np.asarray(out.to_ndarray(), dtype=np.float32)
        if channels == 1 and len(samples) == 2:
            yield samples.mean(axis=0, keepdims=True, dtype=np.float32)
        else:
            yield samples


def _shown_seconds(frame: AudioFrame) -> Fraction | None:
    return None if frame.pts is None or frame.time_base is None else frame.pts * frame.time_base


def _silence(like: AudioFrame, seconds: Fraction) -> AudioFrame:
    count = max(1, round_half_up(seconds * like.sample_rate))
    silence = AudioFrame(format=like.format.name, layout=like.layout.name, samples=count)
    silence.sample_rate = like.sample_rate
    zero = b"\x80" if like.format.name in ("u8", "u8p") else b"\x00"
    for plane in silence.planes:
        plane.update(zero * plane.buffer_size)
    return silence
