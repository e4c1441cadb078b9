"""Open a film or a piece of music as hostile input: container forced, nothing but this file read, limits kept.

A container is opened by its source and limits alone, so the same call can be made in a process with limits of its own
(:mod:`moodcut_kit.media.child`).
"""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import av
import av.error
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Discard, Disposition, Stream
from av.video.stream import VideoStream

from moodcut_kit.media.errors import (
    MediaFormatUnknownError,
    MediaLimitError,
    MediaNotFoundError,
    MediaTrackError,
    MediaUnreadableError,
    MediaWithoutPictureError,
    MediaWithoutSoundError,
)
from moodcut_kit.media.sniff import ACCEPTED, HEAD_BYTE_COUNT, describe_unknown, id3_byte_count, sniff_container
from moodcut_kit.media.source import RangeFile, RangeSource, Source

_NOT_A_FILM = Disposition.attached_pic | Disposition.still_image | Disposition.timed_thumbnails


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaLimits:
    """How much of a media file is accepted. All limits are inclusive."""

    max_byte_count: int = 256 * 2**30
    max_pixel_count: int = 8192 * 4320
    max_stream_count: int = 64
    max_duration_seconds: int = 12 * 3600

    def __post_init__(self) -> None:
        for name in ("max_byte_count", "max_pixel_count", "max_stream_count", "max_duration_seconds"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1")


DEFAULT_LIMITS = MediaLimits()


def container_format(path: Source, *, limits: MediaLimits = DEFAULT_LIMITS) -> str:
    """Name of FFmpeg's demuxer for ``path``, from the file's own bytes; its name plays no part.

    For callers that run the ffmpeg program: pass it as ``-f NAME`` before ``-i``. Raises MediaNotFoundError,
    MediaLimitError or MediaFormatUnknownError.
    """
    try:
        with _opened(path) as (file, byte_count):
            if byte_count > limits.max_byte_count:
                message = f"{path} has {byte_count} bytes; at most {limits.max_byte_count} are accepted."
                raise MediaLimitError(message, file=path, byte_count=byte_count, max=limits.max_byte_count)
            head = file.read(HEAD_BYTE_COUNT)
            tag = id3_byte_count(head)
            if tag:
                file.seek(tag)
                # Behind a tag MP3 is so usual that leading rubbish does not speak against it.
                return sniff_container(file.read(HEAD_BYTE_COUNT)) or "mp3"
    except FileNotFoundError as error:
        raise MediaNotFoundError(f"There is no file {path}.", file=path) from error
    except IsADirectoryError as error:
        raise MediaFormatUnknownError(f"{path} is a directory. Give a film or a piece of music.", file=path) from error
    except PermissionError as error:
        raise MediaUnreadableError(f"{path} may not be read: permission denied.", file=path) from error
    demuxer = sniff_container(head)
    if demuxer is None:
        message = f"{path} is {describe_unknown(head)}. Accepted are {ACCEPTED}."
        raise MediaFormatUnknownError(message, file=path)
    return demuxer


def open_container(path: Source, *, limits: MediaLimits = DEFAULT_LIMITS) -> InputContainer:
    """Open ``path`` for reading. The caller closes the container (it is a context manager).

    Raises MediaNotFoundError, MediaFormatUnknownError (no accepted container), MediaUnreadableError (with FFmpeg's
    words) or MediaLimitError.
    """
    if not isinstance(path, RangeSource):
        path = path.absolute()
    demuxer = container_format(path, limits=limits)
    options = {
        "protocol_whitelist": "file",
        "format_whitelist": av.ContainerFormat(demuxer, "r").name,
        "max_streams": str(limits.max_stream_count),
        "max_pixels": str(limits.max_pixel_count),
    }
    with translated(path):
        place = RangeFile(path) if isinstance(path, RangeSource) else f"file:{path}"
        container = av.open(place, mode="r", format=demuxer, options=options, metadata_errors="replace")
    try:
        _check_limits(path, container, limits)
    except BaseException:
        container.close()
        raise
    return container


def video_stream(path: Source, container: InputContainer, *, limits: MediaLimits = DEFAULT_LIMITS) -> VideoStream:
    """The film among the container's streams: no cover picture; the default one, else the largest.

    All other streams are discarded while reading. Raises MediaWithoutPictureError, or MediaUnreadableError if this
    FFmpeg has no decoder for it.
    """
    films = [each for each in container.streams.video if not each.disposition & _NOT_A_FILM]
    readable = [each for each in films if each.codec_context is not None]
    if not films:
        raise MediaWithoutPictureError(f"{path} has no moving picture. Give a film.", file=path)
    if not readable:
        raise MediaUnreadableError(
            f"{path} has a picture that FFmpeg {av.ffmpeg_version_info} cannot decode.", file=path
        )
    best = max(
        readable,
        key=lambda each: (bool(each.disposition & Disposition.default), each.width * each.height, -each.index),
    )
    best.codec_context.options = {"max_pixels": str(limits.max_pixel_count)}
    _discard_others(container, best)
    return best


def audio_stream(path: Source, container: InputContainer, *, track: int = 0) -> AudioStream:
    """The sound a player would choose, or sound track ``track`` counted from 1. All other streams are discarded.

    Raises MediaWithoutSoundError, MediaTrackError if there are fewer tracks, or MediaUnreadableError if this FFmpeg has
    no decoder for it.
    """
    tracks = container.streams.audio
    if tracks and not 0 <= track <= len(tracks):
        have = "one sound track" if len(tracks) == 1 else f"{len(tracks)} sound tracks"
        message = f"{path} has {have}; there is no track {track}. Give a number from 1 to {len(tracks)}."
        raise MediaTrackError(message, file=path, track=track, track_count=len(tracks))
    chosen = tracks[track - 1] if tracks and track else container.streams.best("audio")
    best = chosen if isinstance(chosen, AudioStream) and chosen.codec_context is not None else None
    if best is None:
        if tracks:
            message = f"{path} has a sound that FFmpeg {av.ffmpeg_version_info} cannot decode."
            raise MediaUnreadableError(message, file=path)
        raise MediaWithoutSoundError(f"{path} has no sound. Give a file with an audio stream.", file=path)
    _discard_others(container, best)
    return best


@contextmanager
def translated(path: Source) -> Iterator[None]:
    """Turn FFmpeg's errors about ``path`` into MediaUnreadableError with FFmpeg's last words."""
    try:
        yield
    except (av.error.FFmpegError, UnicodeError) as error:
        raise MediaUnreadableError(f"{path} cannot be read: {last_words(error)}.", file=path) from error


def last_words(error: Exception) -> str:
    """What FFmpeg said about ``error``: its last log line where there is one, else the error's text."""
    if not isinstance(error, av.error.FFmpegError):
        return str(error)
    words = error.strerror or str(error)
    logged = error.log[1] if error.log else None
    return f"{words} ({logged[1]}: {logged[2].strip()})" if logged else words


def _check_limits(path: Source, container: InputContainer, limits: MediaLimits) -> None:
    if not len(container.streams):
        raise MediaUnreadableError(f"{path} has neither picture nor sound that FFmpeg knows.", file=path)
    if len(container.streams) > limits.max_stream_count:
        message = f"{path} has {len(container.streams)} streams; at most {limits.max_stream_count} are accepted."
        raise MediaLimitError(message, file=path, max=limits.max_stream_count)
    for stream in container.streams.video:
        if stream.codec_context is not None and stream.width * stream.height > limits.max_pixel_count:
            message = (
                f"{path} has pictures of {stream.width}x{stream.height}; at most {limits.max_pixel_count} pixels "
                "are accepted. Scale it down first."
            )
            raise MediaLimitError(message, file=path, max=limits.max_pixel_count)
    duration_seconds = (container.duration or 0) // av.time_base
    if duration_seconds > limits.max_duration_seconds:
        message = f"{path} lasts {duration_seconds} s; at most {limits.max_duration_seconds} s are accepted."
        raise MediaLimitError(message, file=path, duration_seconds=duration_seconds, max=limits.max_duration_seconds)


def _discard_others(container: InputContainer, kept: Stream) -> None:
    for stream in container.streams:
        if stream.index != kept.index:
            stream.discard = Discard.all


@contextmanager
def _opened(path: Source) -> Iterator[tuple[io.RawIOBase | io.BufferedReader, int]]:
    """The bytes and how many there are. Raises MediaFormatUnknownError for what is no file."""
    if isinstance(path, RangeSource):
        yield RangeFile(path), path.byte_count
        return
    with open(path, "rb", opener=_open_without_waiting) as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise MediaFormatUnknownError(f"{path} is not a file. Give a film or a piece of music.", file=path)
        yield file, status.st_size


def _open_without_waiting(name: str, flags: int) -> int:
    """Opening a named pipe must not wait for a writer."""
    return os.open(name, flags | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
