"""Opening real files, friendly and hostile."""

from __future__ import annotations

import os
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from moodcut_kit.media.audio import decode_audio
from moodcut_kit.media.errors import (
    MediaFormatUnknownError,
    MediaLimitError,
    MediaNotFoundError,
    MediaUnreadableError,
    MediaWithoutPictureError,
    MediaWithoutSoundError,
)
from moodcut_kit.media.frameindex import read_frame_index
from moodcut_kit.media.open import MediaLimits, container_format, open_container


@pytest.fixture(scope="module")
def film(ffmpeg: Callable[..., None], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("open") / "film.mp4"
    sources = ("-f", "lavfi", "-i", "testsrc2=s=160x90:r=25:d=2", "-f", "lavfi", "-i", "sine=440:d=2")
    ffmpeg(*sources, "-c:v", "libx264", "-c:a", "aac", path)
    return path


@pytest.mark.parametrize("name", ["x.txt", "concat:a|b", "http:x.m3u8", "-i", "%03d.jpg", "ü ', \" $(x)"])
def test_the_name_plays_no_part(film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    shutil.copy(film, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    with open_container(Path(name)) as container:
        assert len(container.streams.video) == 1


@pytest.mark.parametrize(
    "text",
    [
        "ffconcat version 1.0\nfile film.mp4\n",
        "#EXTM3U\n#EXTINF:2,\n{film}\n#EXT-X-ENDLIST\n",
        '<?xml version="1.0"?>\n<MPD><Period><AdaptationSet><BaseURL>{film}</BaseURL></AdaptationSet></Period></MPD>',
        "file '{film}'\n",
    ],
)
@pytest.mark.parametrize("name", ["evil.mp4", "evil.m3u8", "evil.ffconcat"])
def test_playlists_open_nothing(film: Path, tmp_path: Path, text: str, name: str) -> None:
    shutil.copy(film, tmp_path / "film.mp4")
    evil = tmp_path / name
    evil.write_text(text.format(film=tmp_path / "film.mp4"))
    with pytest.raises(MediaFormatUnknownError, match=f"{name} is an? .*Accepted are MP4"):
        open_container(evil)


def test_a_playlist_behind_a_tag_opens_nothing(tmp_path: Path, film: Path) -> None:
    evil = tmp_path / "evil.mp3"
    evil.write_bytes(b"ID3\x04\x00\x00\x00\x00\x00\x00" + f"#EXTM3U\n#EXTINF:2,\n{film}\n".encode())
    assert container_format(evil) == "mp3"
    with pytest.raises(MediaUnreadableError, match=r"evil\.mp3 cannot be read"):
        open_container(evil)


def test_what_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(MediaNotFoundError, match="none"):
        open_container(tmp_path / "none.mp4")
    with pytest.raises(MediaFormatUnknownError, match="directory"):
        open_container(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(MediaFormatUnknownError, match="not a file"):
        open_container(tmp_path / "pipe")
    (tmp_path / "empty.mp4").write_bytes(b"")
    with pytest.raises(MediaFormatUnknownError, match="empty"):
        open_container(tmp_path / "empty.mp4")


def test_a_damaged_file_gives_the_words_of_ffmpeg(tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.mp4"
    damaged.write_bytes(b"\x00\x00\x00\x20ftypisom" + bytes(4000))
    with pytest.raises(MediaUnreadableError, match=r"damaged\.mp4 cannot be read: Invalid data found"):
        open_container(damaged)


def test_limits(film: Path) -> None:
    with pytest.raises(MediaLimitError, match="bytes"):
        open_container(film, limits=MediaLimits(max_byte_count=1000))
    with pytest.raises(MediaLimitError, match="160x90"):
        open_container(film, limits=MediaLimits(max_pixel_count=160 * 90 - 1))
    with pytest.raises(MediaLimitError, match="lasts 2 s"):
        open_container(film, limits=MediaLimits(max_duration_seconds=1))
    with pytest.raises((MediaLimitError, MediaUnreadableError)):
        open_container(film, limits=MediaLimits(max_stream_count=1))
    exact = MediaLimits(
        max_byte_count=film.stat().st_size, max_pixel_count=160 * 90, max_duration_seconds=2, max_stream_count=2
    )
    open_container(film, limits=exact).close()
    with pytest.raises(ValueError, match="max_byte_count"):
        MediaLimits(max_byte_count=0)


def test_a_header_that_lies_about_the_length_does_not_help(ffmpeg: Callable[..., None], tmp_path: Path) -> None:
    long = tmp_path / "long.mkv"
    sources = ("-f", "lavfi", "-i", "testsrc2=s=64x64:r=5:d=20", "-f", "lavfi", "-i", "sine=440:d=20")
    ffmpeg(*sources, "-c:v", "mpeg4", "-c:a", "pcm_s16le", long)
    # The segment's duration in milliseconds: element 0x4489, eight bytes, a float.
    element = b"\x44\x89\x88"
    data = long.read_bytes()
    place = data.index(element) + len(element)
    assert struct.unpack(">d", data[place : place + 8])[0] == 20_000
    long.write_bytes(data[:place] + struct.pack(">d", 2_000.0) + data[place + 8 :])
    limits = MediaLimits(max_duration_seconds=10)
    open_container(long, limits=limits).close()
    with pytest.raises(MediaLimitError, match="10 s"):
        read_frame_index(long, limits=limits)
    with pytest.raises(MediaLimitError, match="10 s"):
        decode_audio(long, sample_rate=8000, channels=1, limits=limits)


def test_sound_or_picture_alone(ffmpeg: Callable[..., None], film: Path, tmp_path: Path) -> None:
    song, silent = tmp_path / "song.mp3", tmp_path / "silent.mp4"
    cover = tmp_path / "cover.jpg"
    ffmpeg("-i", film, "-frames:v", "1", cover)
    ffmpeg("-f", "lavfi", "-i", "sine=440:d=1", "-i", cover, "-map", "0", "-map", "1", "-c:v", "copy", song)
    ffmpeg("-i", film, "-an", "-c", "copy", silent)
    with pytest.raises(MediaWithoutPictureError, match=r"song\.mp3 has no moving picture"):
        read_frame_index(song)
    with pytest.raises(MediaWithoutSoundError, match=r"silent\.mp4 has no sound"):
        decode_audio(silent, sample_rate=44100, channels=2)
    assert len(decode_audio(song, sample_rate=44100, channels=1)) == 44100
