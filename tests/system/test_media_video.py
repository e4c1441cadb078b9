"""Frames of real files: any range is what a decoding of the whole film gives."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from moodcut_kit.media.errors import MediaUnreadableError
from moodcut_kit.media.frameindex import FrameIndex, read_frame_index
from moodcut_kit.media.video import VideoReader
from moodcut_kit.time import FrameTimes

_SOURCE = ("-f", "lavfi", "-i", "testsrc2=s=160x96:r=24000/1001:d=4")
_X264 = ("-c:v", "libx264", "-bf", "3", "-g", "20")
_KINDS = {
    "h264.mp4": _X264,
    "h264.mkv": _X264,
    "open-gop.mp4": (*_X264, "-x264-params", "open-gop=1"),
    "open-gop.ts": (*_X264, "-x264-params", "open-gop=1"),
    "intra-refresh.ts": ("-c:v", "libx264", "-bf", "3", "-x264-params", "intra-refresh=1:keyint=25"),
    "interlaced.ts": (*_X264, "-flags", "+ildct+ilme"),
    "hevc.mkv": ("-c:v", "libx265", "-x265-params", "keyint=20:log-level=error"),
    "mpeg1.mpg": ("-c:v", "mpeg1video", "-bf", "2", "-g", "15"),
    "mpeg2.mpg": ("-c:v", "mpeg2video", "-bf", "2", "-g", "15"),
    "raw.m2v": ("-c:v", "mpeg2video", "-bf", "2", "-g", "15"),
    "h264.avi": _X264,
    "mpeg4.avi": ("-c:v", "mpeg4", "-bf", "2", "-g", "20"),
    "vp9.webm": ("-c:v", "libvpx-vp9", "-g", "20", "-speed", "8"),
    "flv1.flv": ("-c:v", "flv1", "-g", "20"),
    "wmv2.asf": ("-c:v", "wmv2", "-g", "20"),
    "vfr.mp4": ("-vf", "select=not(eq(mod(n\\,5)\\,2))", "-fps_mode", "vfr", *_X264),
    "late.mp4": (*_X264, "-output_ts_offset", "2"),
    "mjpeg.mov": ("-c:v", "mjpeg"),
}


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("video")


def _made(ffmpeg: Callable[..., None], directory: Path, name: str) -> Path:
    path = directory / name
    if not path.exists():
        ffmpeg(*_SOURCE, *_KINDS[name], path)
    return path


def _digest(frame: av.VideoFrame) -> str:
    return hashlib.md5(frame.to_ndarray().tobytes(), usedforsecurity=False).hexdigest()


def _plain_decode(path: Path) -> list[str]:
    """What PyAV alone gives, from the start to the end, in one thread."""
    with av.open(str(path)) as container:
        container.streams.video[0].thread_type = "NONE"
        return [_digest(frame) for frame in container.decode(video=0)]


@pytest.mark.parametrize("name", _KINDS)
def test_any_range_is_that_of_a_full_decode(ffmpeg: Callable[..., None], directory: Path, name: str) -> None:
    path = _made(ffmpeg, directory, name)
    expected = _plain_decode(path)
    count = len(expected)
    assert len(set(expected)) == count
    generator = random.Random(name)
    with VideoReader(path) as reader:
        assert reader.index.times.frame_count == count
        starts = [0, count - 1, *(int(key) for key in reader.index.keyframes[1:3])]
        starts += [generator.randrange(count) for _ in range(6)]
        for start in starts:
            end = min(count, start + generator.randrange(1, 12))
            assert [(number, _digest(frame)) for number, frame in reader.frames(start, end)] == [
                (number, expected[number]) for number in range(start, end)
            ]
        assert [_digest(frame) for _, frame in reader.frames(0, count)] == expected
        assert reader.missing == 0
        assert list(reader.frames(5, 5)) == []


@pytest.mark.parametrize(("name", "rate"), [("h264.mp4", 24000), ("mpeg1.mpg", 90000), ("h264.mkv", 1000)])
def test_times_of_a_constant_rate(ffmpeg: Callable[..., None], directory: Path, name: str, rate: int) -> None:
    times = read_frame_index(_made(ffmpeg, directory, name)).times
    assert times.time_base == Fraction(1, rate)
    assert times.rate() == Fraction(24000, 1001)
    exact = np.arange(times.frame_count + 1) * 1001 / 24000
    seconds = (times.boundaries_pts - times.boundaries_pts[0]) / rate
    assert np.abs(seconds - exact).max() < 2 / rate


def test_times_of_a_variable_rate(ffmpeg: Callable[..., None], directory: Path) -> None:
    times = read_frame_index(_made(ffmpeg, directory, "vfr.mp4")).times
    steps = np.diff(times.boundaries_pts) * times.time_base / Fraction(1001, 24000)
    assert steps[:-1].tolist() == [2 if number % 4 == 1 else 1 for number in range(times.frame_count - 1)]


def test_first_frame_not_at_zero(ffmpeg: Callable[..., None], directory: Path) -> None:
    assert read_frame_index(_made(ffmpeg, directory, "mpeg1.mpg")).times.boundaries_pts[0] > 0
    times = read_frame_index(_made(ffmpeg, directory, "late.mp4")).times
    assert times.boundaries_pts[0] * times.time_base == 2
    assert times.start_seconds(0) == 0


def test_a_recording_that_begins_in_the_middle(ffmpeg: Callable[..., None], directory: Path, tmp_path: Path) -> None:
    whole = _made(ffmpeg, directory, "open-gop.ts").read_bytes()
    path = tmp_path / "cut.ts"
    path.write_bytes(whole[188 * 150 :])
    expected = _plain_decode(path)
    with VideoReader(path) as reader:
        assert reader.index.times.frame_count == len(expected) < 96
        assert [_digest(frame) for _, frame in reader.frames(0, len(expected))] == expected
        assert reader.missing == 0


def test_time_stamps_that_cannot_be_trusted_are_counted(ffmpeg: Callable[..., None], directory: Path) -> None:
    for name in ("h264.avi", "raw.m2v"):
        index = read_frame_index(_made(ffmpeg, directory, name))
        assert index.keyframes.size == 0
        assert index.times.rate() == Fraction(24000, 1001)


def test_threads_change_nothing(ffmpeg: Callable[..., None], directory: Path) -> None:
    path = _made(ffmpeg, directory, "open-gop.mp4")
    found = []
    for thread_count in (1, 3):
        with VideoReader(path, thread_count=thread_count) as reader:
            found.append([_digest(frame) for _, frame in reader.frames(33, 71)])
    assert found[0] == found[1]


def test_a_frame_the_decoder_drops_is_its_neighbour(
    ffmpeg: Callable[..., None], directory: Path, tmp_path: Path
) -> None:
    whole = _made(ffmpeg, directory, "mjpeg.mov")
    expected = _plain_decode(whole)
    with av.open(str(whole)) as container:
        packets = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]
    data = bytearray(whole.read_bytes())
    for number in (0, 40, 41):
        place, size = packets[number]
        assert place is not None
        data[place : place + size] = bytes(size)
    path = tmp_path / "damaged.mov"
    path.write_bytes(data)
    with VideoReader(path, read_frame_index(whole)) as reader:
        got = [(number, _digest(frame)) for number, frame in reader.frames(0, 96)]
        assert reader.missing == 3
    shown = [1, *range(1, 40), 39, 39, *range(42, 96)]
    assert got == [(number, expected[shown[number]]) for number in range(96)]


def test_a_film_shorter_than_its_index_repeats_its_last_frame(ffmpeg: Callable[..., None], directory: Path) -> None:
    path = _made(ffmpeg, directory, "h264.mp4")
    index = read_frame_index(path)
    bounds = index.times.boundaries_pts
    step = int(bounds[1] - bounds[0])
    longer = np.append(bounds, bounds[-1] + step * np.arange(1, 4))
    with VideoReader(path, FrameIndex(FrameTimes(index.times.time_base, longer), index.keyframes)) as reader:
        got = [_digest(frame) for _, frame in reader.frames(90, 99)]
        assert reader.missing == 3
        assert got[-1] == got[-2] == got[-3] == got[-4] != got[-5]


def test_ranges_outside_the_film(ffmpeg: Callable[..., None], directory: Path) -> None:
    with VideoReader(_made(ffmpeg, directory, "h264.mp4")) as reader:
        for start, end in ((-1, 3), (3, 2), (0, 97), (200, 201)):
            with pytest.raises(ValueError, match="96"):
                next(reader.frames(start, end))


def test_nothing_decodes(ffmpeg: Callable[..., None], directory: Path, tmp_path: Path) -> None:
    whole = _made(ffmpeg, directory, "mjpeg.mov")
    data = bytearray(whole.read_bytes())
    with av.open(str(whole)) as container:
        for packet in container.demux(video=0):
            if packet.size and packet.pos is not None:
                data[packet.pos : packet.pos + packet.size] = bytes(packet.size)
    path = tmp_path / "dead.mov"
    path.write_bytes(data)
    with VideoReader(path, read_frame_index(whole)) as reader, pytest.raises(MediaUnreadableError, match=r"dead\.mov"):
        list(reader.frames(3, 9))


def test_rotation_and_pixel_aspect(ffmpeg: Callable[..., None], directory: Path, tmp_path: Path) -> None:
    upright, turned, wide = _made(ffmpeg, directory, "h264.mp4"), tmp_path / "turned.mp4", tmp_path / "wide.mp4"
    ffmpeg("-display_rotation", "90", "-i", upright, "-c", "copy", turned)
    ffmpeg("-i", upright, "-vf", "setsar=4/3", "-c:v", "libx264", wide)
    for path, rotation, size in ((upright, 0, (160, 96)), (turned, 90, (96, 160)), (wide, 0, (213, 96))):
        with VideoReader(path) as reader:
            info = reader.info()
        assert (info.width, info.height, info.codec, info.pixel_format) == (160, 96, "h264", "yuv420p")
        assert (info.rotation_degrees, info.display_width, info.display_height) == (rotation, *size)
