"""Renders a plan: frames decoded from the film, the music under them, one MP4 file."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from moodcut_kit.errors import CancelledError
from moodcut_kit.media.frameindex import FrameIndex, read_frame_index
from moodcut_kit.media.video import VideoReader
from moodcut_kit.time import FrameTimes
from moodcut_renderer.encode import EncoderOptions, encoder_arguments
from moodcut_renderer.errors import TimelineError
from moodcut_renderer.ffmpeg import FfmpegRun, find_ffmpeg
from moodcut_renderer.picture import FrameShaper, colour_tags
from moodcut_renderer.plan import PlannedClip, RenderPlan
from moodcut_renderer.settings import RendererSettings
from moodcut_renderer.sound import montage_sound

_log = logging.getLogger(__name__)
_SOUND_NAME, _VIDEO_NAME = "music.f32", "montage.mp4"


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderProgress:
    """How far rendering is: frames that the encoder has taken, of ``frame_count``."""

    frames_done: int
    frame_count: int


def render(
    plan: RenderPlan,
    *,
    movie: Path,
    music: Path,
    output: Path,
    options: EncoderOptions,
    settings: RendererSettings | None = None,
    cancelled: threading.Event | None = None,
) -> Generator[RenderProgress, None, None]:
    """Render ``plan`` to ``output``, an MP4 file; yields progress, and is done when it ends.

    H.264, yuv420p, at the plan's constant rate, with AAC; picture and sound begin together. ``output`` appears whole
    or not at all. Closing the iterator, or setting ``cancelled``, ends ffmpeg and removes what was begun. Raises
    TimelineError (the film or the music is not what the timeline says), EncodingError, FfmpegMissingError,
    CancelledError and what the kit's decoders raise.
    """
    settings = settings or RendererSettings()
    cancelled = cancelled or threading.Event()
    program = find_ffmpeg(settings.ffmpeg)
    index = _checked_index(movie, plan.frame_times)
    with (
        tempfile.TemporaryDirectory(prefix="moodcut-render-", dir=settings.temporary_directory) as name,
        VideoReader(movie, index) as reader,
    ):
        directory = Path(name)
        sound, sample_rate = montage_sound(
            music,
            start_seconds=plan.music_start_seconds,
            end_seconds=plan.music_end_seconds,
            track=plan.music_audio_track,
        )
        sound.tofile(directory / _SOUND_NAME)
        del sound
        shaper = FrameShaper(reader.info())
        first = int(plan.clips[0].source_frames[0])
        _, sample = next(reader.frames(first, first + 1))
        arguments = encoder_arguments(
            width=shaper.width,
            height=shaper.height,
            rate=plan.rate,
            colours=colour_tags(sample),
            sound_name=_SOUND_NAME,
            sample_rate=sample_rate,
            output_name=_VIDEO_NAME,
            options=options,
        )
        with FfmpegRun(program, arguments, directory=directory) as encoder:
            yield from _feed(plan, reader, shaper, encoder, cancelled, settings.progress_seconds)
            encoder.finish()
        if reader.missing:
            _log.warning("%d frames of %s could not be decoded; neighbours stand in", reader.missing, movie.name)
        _move(directory / _VIDEO_NAME, output)
    yield RenderProgress(frames_done=plan.frame_count, frame_count=plan.frame_count)


def _checked_index(movie: Path, expected: FrameTimes) -> FrameIndex:
    """The film's index, if its frames are shown when the timeline says."""
    index = read_frame_index(movie)
    found = index.times
    if not _same_times(found, expected):
        message = (
            f"the timeline is of a film of {expected.frame_count} frames in {float(expected.duration_seconds):.3f} s;"
            f" the film has {found.frame_count} in {float(found.duration_seconds):.3f} s, or shows them at other times"
        )
        raise TimelineError(message, field="movie_frame_times")
    return index


def _same_times(one: FrameTimes, other: FrameTimes) -> bool:
    """Whether both show the same number of frames at the same times, in whatever ticks."""
    ratio = one.time_base / other.time_base
    offsets = [each.boundaries_pts - each.boundaries_pts[0] for each in (one, other)]
    return np.array_equal(offsets[0] * ratio.numerator, offsets[1] * ratio.denominator)


def _feed(
    plan: RenderPlan,
    reader: VideoReader,
    shaper: FrameShaper,
    encoder: FfmpegRun,
    cancelled: threading.Event,
    progress_seconds: float,
) -> Iterator[RenderProgress]:
    """Write all frames to the encoder, yielding progress now and then."""
    due = time.monotonic() + progress_seconds
    for clip in plan.clips:
        for data, count in _shaped(clip, reader, shaper):
            for _ in range(count):
                encoder.write(data)
            if cancelled.is_set():
                raise CancelledError("rendering was cancelled")
            if time.monotonic() >= due:
                yield RenderProgress(frames_done=encoder.frames_done, frame_count=plan.frame_count)
                due = time.monotonic() + progress_seconds


def _shaped(clip: PlannedClip, reader: VideoReader, shaper: FrameShaper) -> Iterator[tuple[bytes, int]]:
    """Bytes of each source frame the clip shows, and for how many output frames."""
    numbers, counts = np.unique(clip.source_frames, return_counts=True)
    shown = dict(zip(numbers.tolist(), counts.tolist(), strict=True))
    for number, frame in reader.frames(int(numbers[0]), int(numbers[-1]) + 1):
        if number in shown:
            yield shaper.to_bytes(frame), shown[number]


def _move(made: Path, output: Path) -> None:
    """Put the file where it is wanted in one step, also across file systems."""
    beside = output.with_name(f".{output.name}.part")
    try:
        shutil.move(made, beside)
        os.replace(beside, output)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
