"""The ffmpeg program: where it is, and one run of it that raw frames are written to."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import threading
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from moodcut_kit.errors import CancelledError
from moodcut_renderer.errors import EncodingError, FfmpegMissingError

_LOG_LINES = 20
_PIPE_BYTES = 1 << 20


def find_ffmpeg(program: Path | None = None) -> Path:
    """The ffmpeg program: ``program`` if given, else the one on PATH, else that of the package imageio-ffmpeg.

    Raises FfmpegMissingError.
    """
    if program is not None:
        if program.is_file():
            return program
        raise FfmpegMissingError(f"there is no ffmpeg program at {program}", path=program)
    found = shutil.which("ffmpeg")
    if found:
        return Path(found)
    try:
        import imageio_ffmpeg

        return Path(imageio_ffmpeg.get_ffmpeg_exe())
    except (ImportError, RuntimeError) as error:
        message = "no ffmpeg on PATH, and none in imageio-ffmpeg: install moodcut[renderer] or the system's ffmpeg"
        raise FfmpegMissingError(message) from error


class FfmpegRun:
    """One run of ffmpeg that reads raw frames from its standard input. A context manager: leaving it early kills it.

    ``arguments`` are those after the program's name; none may come from a client.
    """

    def __init__(self, program: Path, arguments: Sequence[str], *, directory: Path) -> None:
        self._frames_done = 0
        self._killed = False
        self._log: deque[str] = deque(maxlen=_LOG_LINES)
        self._process = subprocess.Popen(
            [str(program), "-hide_banner", "-loglevel", "error", "-nostats", "-progress", "pipe:1", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=directory,
        )
        stdin, stdout, stderr = self._process.stdin, self._process.stdout, self._process.stderr
        if stdin is None or stdout is None or stderr is None:
            raise AssertionError("all three were asked for as pipes")
        self._input: IO[bytes] = stdin
        _widen(self._input)
        self._readers = [
            threading.Thread(target=self._read_progress, args=(stdout,), daemon=True),
            threading.Thread(target=self._read_log, args=(stderr,), daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self.kill()
        self._end()

    @property
    def frames_done(self) -> int:
        """Frames encoded so far, by the encoder's own count."""
        return self._frames_done

    def write(self, data: bytes | memoryview) -> None:
        """Hand over the next frame's bytes. Raises EncodingError if ffmpeg has ended, CancelledError if killed."""
        try:
            self._input.write(data)
        except (BrokenPipeError, ValueError) as error:
            raise self._failure() from error

    def finish(self) -> None:
        """Say that no frame follows and wait for the file to be complete. Raises as :meth:`write` does."""
        with contextlib.suppress(BrokenPipeError):
            self._input.close()
        if self._process.wait() != 0 or self._killed:
            raise self._failure()
        self._end()

    def kill(self) -> None:
        """End ffmpeg at once. May be called from any thread."""
        self._killed = True
        self._process.kill()

    def _failure(self) -> EncodingError | CancelledError:
        self._process.wait()
        self._end()
        if self._killed:
            return CancelledError("rendering was cancelled")
        last = self._log[-1] if self._log else f"exit code {self._process.returncode}, no message"
        return EncodingError(f"ffmpeg could not encode the montage: {last}", exit_code=self._process.returncode)

    def _end(self) -> None:
        with contextlib.suppress(OSError):
            self._input.close()
        self._process.wait()
        for reader in self._readers:
            reader.join()
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()

    def _read_progress(self, stream: IO[bytes]) -> None:
        for line in stream:
            name, _, value = line.decode(errors="replace").strip().partition("=")
            if name == "frame" and value.isdigit():
                self._frames_done = int(value)

    def _read_log(self, stream: IO[bytes]) -> None:
        for line in stream:
            text = line.decode(errors="replace").strip()
            if text:
                self._log.append(text)


def _widen(pipe: IO[bytes]) -> None:
    """Let the pipe hold more than the usual 64 KiB, where the system can: fewer switches between the two programs."""
    try:
        import fcntl

        fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
    except (ImportError, AttributeError, OSError):
        return
