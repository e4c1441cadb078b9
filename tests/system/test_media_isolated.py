"""Films and sound decoded in a process of their own, by path and by ranges: as in this one, with the same errors."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support.ranges import Counted

from moodcut_kit.errors import MoodcutError
from moodcut_kit.media.audio import decode_audio
from moodcut_kit.media.errors import MediaLimitError
from moodcut_kit.media.frameindex import read_frame_index
from moodcut_kit.media.isolated import decode_sound, read_film_facts
from moodcut_kit.media.limits import DEFAULT_PROCESS_LIMITS, ProcessLimits
from moodcut_kit.media.open import MediaLimits
from moodcut_kit.media.renditions import Rendition, render_frames
from moodcut_kit.media.source import Source
from moodcut_kit.media.video import VideoReader

_SOURCES = ("-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=4", "-f", "lavfi", "-i", "sine=440:d=4")
_SHAPES = {
    "film.mp4": ("-c:v", "libx264", "-g", "24", "-c:a", "aac", "-b:a", "64k"),
    "film.mkv": ("-c:v", "mpeg4", "-c:a", "libmp3lame"),
    "film.ts": ("-c:v", "mpeg2video", "-c:a", "mp2"),
    "film.mpg": ("-c:v", "mpeg1video", "-c:a", "mp2"),
}
_RENDITIONS = (
    Rendition(width=48, height=27, scaling="bicubic"),
    Rendition(width=64, height=36, every=6, start_frame=20, end_frame=60),
    Rendition(width=100, height=56, every=6, start_frame=20, end_frame=60, jpeg_quality=90),
)


@pytest.fixture(scope="module")
def films(ffmpeg: Callable[..., None], tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("isolated")
    for name, options in _SHAPES.items():
        ffmpeg(*_SOURCES, *options, directory / name)
    ffmpeg("-display_rotation", "90", "-i", directory / "film.mp4", "-c", "copy", directory / "turned.mp4")
    return directory


def _ways(path: Path) -> list[tuple[Source, ProcessLimits | None]]:
    return [
        (path, DEFAULT_PROCESS_LIMITS),
        (Counted(path).source, DEFAULT_PROCESS_LIMITS),
        (Counted(path).source, None),
    ]


def _all_of(source: Source, process_limits: ProcessLimits | None) -> list[object]:
    """Everything that can be had of a film, comparable."""
    facts = read_film_facts(source, process_limits=process_limits)
    count = facts.index.times.frame_count
    ranges = [(0, count // 2), (count - 9, count - 3), (count - 2, count)]
    batches = list(
        render_frames(
            source,
            facts.index,
            ranges,
            _RENDITIONS,
            rotation_degrees=facts.info.rotation_degrees,
            process_limits=process_limits,
        )
    )
    sound = decode_sound(source, sample_rate=44100, channels=1, process_limits=process_limits)
    return [
        facts.info,
        facts.index.times.time_base,
        facts.index.times.boundaries_pts.tolist(),
        facts.index.keyframes.tolist(),
        [batch.frames for batch in batches],
        [[picture.tobytes() for picture in batch.pictures] for batch in batches],
        [batch.jpegs for batch in batches],
        [batch.missing_count for batch in batches],
        sound.tobytes(),
    ]


@pytest.mark.parametrize("name", [*_SHAPES, "turned.mp4"])
def test_however_a_film_is_read_it_is_the_same(films: Path, name: str) -> None:
    path = films / name
    expected = _all_of(path, None)
    for source, process_limits in _ways(path):
        assert _all_of(source, process_limits) == expected
    index = read_frame_index(path)
    with VideoReader(path, index) as reader:
        assert [reader.info(), index.times.boundaries_pts.tolist()] == [expected[0], expected[2]]
    assert decode_audio(path, sample_rate=44100, channels=1).tobytes() == expected[-1]


def test_renditions_are_what_was_asked_for(films: Path) -> None:
    facts = read_film_facts(films / "turned.mp4")
    assert (facts.info.display_width, facts.info.display_height) == (180, 320)
    upright = (Rendition(width=18, height=32), Rendition(width=9, height=16, every=10, jpeg_quality=80))
    ranges = [(0, 5), (5, 7), (30, 31), (29, 30)]
    batches = list(
        render_frames(films / "turned.mp4", facts.index, ranges, upright, rotation_degrees=facts.info.rotation_degrees)
    )
    assert [frame for batch in batches for frame in batch.frames[0]] == [*range(7), 30, 29]
    assert [frame for batch in batches for frame in batch.frames[1]] == [0, 30]
    assert {batch.pictures[0].shape[1:] for batch in batches} == {(32, 18, 3)}
    assert all(jpeg.startswith(b"\xff\xd8") for batch in batches for jpeg in batch.jpegs[1])


def _hostile(directory: Path, films: Path) -> list[Path]:
    """Files that are no films, by what is wrong with them."""
    film = (films / "film.mp4").read_bytes()
    shapes = {
        "evil.mp4": f"ffconcat version 1.0\nfile {films / 'film.mp4'}\n".encode(),
        "evil.m3u8": f"#EXTM3U\n#EXTINF:2,\n{films / 'film.mp4'}\n#EXT-X-ENDLIST\n".encode(),
        "evil.mpd": b'<?xml version="1.0"?>\n<MPD></MPD>',
        "evil.mp3": b"ID3\x04\x00\x00\x00\x00\x00\x00#EXTM3U\n#EXTINF:2,\nfilm.mp4\n",
        "empty.mp4": b"",
        "damaged.mp4": b"\x00\x00\x00\x20ftypisom" + bytes(4000),
        "half.mp4": film[: len(film) // 2],
    }
    for name, data in shapes.items():
        (directory / name).write_bytes(data)
    os.mkfifo(directory / "pipe")
    return [*(directory / name for name in shapes), directory / "pipe", directory, directory / "none.mp4"]


def _refusal(read: Callable[[], object]) -> tuple[type, str, dict[str, str]]:
    with pytest.raises(MoodcutError) as caught:
        read()
    return type(caught.value), caught.value.message, caught.value.metadata


def test_hostile_files_are_refused_alike(films: Path, tmp_path: Path) -> None:
    for path in _hostile(tmp_path, films):
        here = _refusal(lambda path=path: read_film_facts(path, process_limits=None))  # type: ignore[misc]
        assert _refusal(lambda path=path: read_film_facts(path)) == here  # type: ignore[misc]
        if path.suffix == ".mp3" or path.name == "damaged.mp4":
            heard = _refusal(lambda path=path: decode_audio(path, sample_rate=8000, channels=1))  # type: ignore[misc]
            there = _refusal(lambda path=path: decode_sound(path, sample_rate=8000, channels=1))  # type: ignore[misc]
            assert there == heard
        if path.name in ("evil.mp4", "empty.mp4", "half.mp4"):
            by_ranges = _refusal(lambda path=path: read_film_facts(Counted(path).source))  # type: ignore[misc]
            assert (by_ranges[0], by_ranges[1].replace("file:", "")) == (here[0], here[1].replace("file:", ""))


def test_limits_of_media_hold_there_too(films: Path, ffmpeg: Callable[..., None], tmp_path: Path) -> None:
    film = films / "film.mp4"
    for limits in (
        MediaLimits(max_byte_count=1000),
        MediaLimits(max_pixel_count=100),
        MediaLimits(max_duration_seconds=1),
    ):
        for source in (film, Counted(film).source):
            with pytest.raises(MediaLimitError):
                read_film_facts(source, limits=limits)
    long = tmp_path / "long.mkv"
    sources = ("-f", "lavfi", "-i", "testsrc2=s=64x64:r=5:d=20", "-f", "lavfi", "-i", "sine=440:d=20")
    ffmpeg(*sources, "-c:v", "mpeg4", "-c:a", "pcm_s16le", long)
    element = b"\x44\x89\x88"
    data = long.read_bytes()
    place = data.index(element) + len(element)
    long.write_bytes(data[:place] + struct.pack(">d", 2_000.0) + data[place + 8 :])
    with pytest.raises(MediaLimitError, match="10 s"):
        read_film_facts(long, limits=MediaLimits(max_duration_seconds=10))
    with pytest.raises(MediaLimitError, match="10 s"):
        decode_sound(long, sample_rate=8000, channels=1, limits=MediaLimits(max_duration_seconds=10))


def test_a_film_that_takes_more_memory_than_is_allowed(ffmpeg: Callable[..., None], tmp_path: Path) -> None:
    large = tmp_path / "large.mp4"
    ffmpeg("-f", "lavfi", "-i", "color=s=8192x4320:r=25:d=0.24", "-c:v", "libx264", "-preset", "ultrafast", large)
    facts = read_film_facts(large)
    # A decoder that gets no memory repeats what it has and says nothing.
    small = ProcessLimits(max_memory_byte_count=420 << 20)
    with pytest.raises(MediaLimitError, match="more than 420 MiB of memory"):
        list(render_frames(large, facts.index, [(0, 6)], _RENDITIONS, decoder_threads=2, process_limits=small))
    assert len(list(render_frames(large, facts.index, [(0, 6)], _RENDITIONS, decoder_threads=2))) == 1


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (720, 1280)])
def test_drafts_are_the_same_pictures_but_for_a_little(
    ffmpeg: Callable[..., None], tmp_path: Path, width: int, height: int
) -> None:
    film = tmp_path / "film.mp4"
    source = f"testsrc2=s={width}x{height}:r=25:d=2"
    ffmpeg("-f", "lavfi", "-i", source, "-c:v", "libx264", "-g", "24", "-bf", "3", "-crf", "30", film)
    index = read_frame_index(film)
    renditions = (Rendition(width=width // 20, height=height // 20, scaling="bicubic"), Rendition(width=128, height=72))

    def rendered(draft: bool, ranges: list[tuple[int, int]], limits: ProcessLimits | None) -> list[np.ndarray]:
        batches = list(render_frames(film, index, ranges, renditions, draft=draft, process_limits=limits))
        return [np.concatenate([batch.pictures[number] for batch in batches]).astype(int) for number in range(2)]

    plain, draft = rendered(False, [(0, 50)], None), rendered(True, [(0, 50)], None)
    for exact, rough in zip(plain, draft, strict=True):
        difference = np.abs(exact - rough)
        assert difference.mean() < 3
        assert np.percentile(difference, 95) <= 12
    assert not np.array_equal(plain[0], draft[0])
    parts = rendered(True, [(0, 17), (17, 50)], DEFAULT_PROCESS_LIMITS)
    assert all(np.array_equal(*pair) for pair in zip(draft, parts, strict=True)), "drafts depend on where ranges begin"
