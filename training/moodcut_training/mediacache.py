"""Frames and sound of clips, decoded once and kept small, so that fifty epochs do not decode fifty times.

A clip's frames are JPEGs (quality 90, short side 256) spread evenly over it; its sound is mono, 16 bit, whole. Both are
kept by the file's content, so that a renamed file is known again and a changed one is not mistaken.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from moodcut_kit.errors import MoodcutError
from moodcut_kit.hashing import file_sha256
from moodcut_kit.media.audio import decode_audio
from moodcut_kit.media.errors import MediaWithoutPictureError, MediaWithoutSoundError
from moodcut_kit.media.picture import PictureConverter, upright
from moodcut_kit.media.video import VideoReader
from moodcut_kit.modelcache import cache_dir, publish
from moodcut_scorer.mel import SHORTEST_SECONDS
from moodcut_training.errors import DatasetError

SHORT_SIDE = 256
_QUALITY = 90
_LAYOUT_VERSION = 1
_LOUDEST = 32767


def default_cache() -> Path:
    """Where media are kept unless a run says otherwise: ``training`` in the user's cache of moodcut. Not created."""
    return cache_dir().parent / "training"


@dataclass(frozen=True)
class CachedClip:
    """A clip's frames and sound as they lie on disk; what is asked for is read, and read again the next time.

    ``content`` is the file's SHA-256. ``frame_count`` 0: it has no picture. ``sample_count`` 0: it has no sound.
    """

    content: str
    frames_path: Path
    sound_path: Path
    sample_rate: int

    @cached_property
    def frame_count(self) -> int:
        """How many frames are kept."""
        with np.load(self.frames_path) as file:
            return len(file["ends"])

    @cached_property
    def sample_count(self) -> int:
        """Samples of its sound at ``sample_rate``."""
        return len(np.load(self.sound_path, mmap_mode="r"))

    def picture(self, number: int) -> NDArray[np.uint8]:
        """Frame ``number`` of those kept, uint8 [height, width, 3] RGB."""
        with np.load(self.frames_path) as file:
            ends, data = file["ends"], file["data"]
        start = int(ends[number - 1]) if number else 0
        with Image.open(io.BytesIO(data[start : int(ends[number])].tobytes())) as image:
            return np.asarray(image.convert("RGB"))

    def sound(self) -> NDArray[np.float32]:
        """The whole sound, mono float32 [sample_count] in [-1, 1]."""
        samples: NDArray[np.int16] = np.load(self.sound_path)
        return samples.astype(np.float32) / np.float32(_LOUDEST)


class MediaCache:
    """Clips by path. ``frame_count`` frames of each are kept, or all if it has fewer."""

    def __init__(self, directory: Path, *, frame_count: int, sample_rate: int) -> None:
        self._directory = directory
        self._frame_count = frame_count
        self._sample_rate = sample_rate

    def clip(self, path: Path) -> CachedClip:
        """The clip at ``path``, decoded now unless it was before.

        Raises DatasetError, with the decoder's words, for a file that cannot be read, has neither picture nor sound, or
        less sound than an encoder hears.
        """
        content = file_sha256(path, cache=self._directory / "hashes.sqlite")
        frames = self._place(f"{content} frames {self._frame_count} {SHORT_SIDE}", ".npz")
        sound = self._place(f"{content} sound {self._sample_rate}", ".npy")
        found = CachedClip(content, frames, sound, self._sample_rate)
        try:
            if not frames.is_file():
                publish(frames, self._writer_of_frames(path))
            if not sound.is_file():
                publish(sound, self._writer_of_sound(path))
        except MoodcutError as error:
            named = str(path) in error.message
            raise DatasetError(error.message if named else f"{path}: {error.message}", file=path) from error
        if not (found.frame_count or found.sample_count):
            raise DatasetError(f"{path} has neither picture nor sound.", file=path)
        if 0 < found.sample_count < SHORTEST_SECONDS * self._sample_rate:
            raise DatasetError(
                f"{path} has {found.sample_count / self._sample_rate:.2f} s of sound; at least {SHORTEST_SECONDS} s "
                "are needed. Take the clip out of the manifest, or the sound out of the clip.",
                file=path,
            )
        return found

    def _place(self, what: str, suffix: str) -> Path:
        name = hashlib.sha256(f"{_LAYOUT_VERSION} {what}".encode()).hexdigest()
        return self._directory / name[:2] / f"{name[2:]}{suffix}"

    def _writer_of_frames(self, path: Path) -> Callable[[Path], None]:
        pictures = [_jpeg(each) for each in spread_frames(path, self._frame_count)]
        ends = np.cumsum([len(each) for each in pictures], dtype=np.int64)
        data = np.frombuffer(b"".join(pictures), dtype=np.uint8)
        return lambda target: np.savez(target, data=data, ends=ends)

    def _writer_of_sound(self, path: Path) -> Callable[[Path], None]:
        try:
            sound = decode_audio(path, sample_rate=self._sample_rate, channels=1)
        except MediaWithoutSoundError:
            sound = np.zeros(0, dtype=np.float32)
        short = np.round(np.clip(sound, -1.0, 1.0) * _LOUDEST).astype(np.int16)
        return lambda target: np.save(target, short)


def spread_frames(path: Path, count: int) -> list[NDArray[np.uint8]]:
    """``count`` frames, each from the middle of an equal part of the film; all of them if it has fewer, or no picture.

    uint8 [height, width, 3] RGB, short side 256 at most, upright, aspect as shown.
    """
    try:
        with VideoReader(path, thread_count=1) as reader:
            total = reader.index.times.frame_count
            info = reader.info()
            shrink = min(1.0, SHORT_SIDE / min(info.display_width, info.display_height))
            shown = max(1, round(info.display_width * shrink)), max(1, round(info.display_height * shrink))
            width, height = shown if info.rotation_degrees % 180 == 0 else shown[::-1]
            converter = PictureConverter(width=width, height=height)
            kept = min(count, total)
            wanted = {int((number + 0.5) * total / kept) for number in range(kept)}
            return [
                upright(converter.to_rgb(frame), info.rotation_degrees)
                for number, frame in reader.frames(0, max(wanted) + 1)
                if number in wanted
            ]
    except MediaWithoutPictureError:
        return []


def _jpeg(picture: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, format="JPEG", quality=_QUALITY)
    return buffer.getvalue()
