"""A film's own sound and chapters, read from real files."""

from __future__ import annotations

import subprocess
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest

from moodcut_kit.media.chapters import read_chapters
from moodcut_kit.media.frameindex import FrameIndex, read_frame_index
from moodcut_segmenter.film_sound import film_sound, window_count
from moodcut_segmenter.sound_features import BAND_COUNT, SOUND_COUNT

_SECONDS = 130.2
# A low tone for 40 s, then a high one.
_SOUND = f"aevalsrc='0.2*sin(2*PI*t*if(lt(t,40),200,3000))':d={_SECONDS}:s=44100"
_PICTURE = f"testsrc2=size=64x36:rate=10:duration={_SECONDS}"
_CHAPTERS = """;FFMETADATA1
[CHAPTER]
TIMEBASE=1/1000
START=0
END=40000
title=One
[CHAPTER]
TIMEBASE=1/1000
START=40500
END=120000
title=Two
"""


def _ffmpeg(*words: str) -> None:
    subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-y", *words], check=True)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "film.mp4"
    (path.parent / "chapters.txt").write_text(_CHAPTERS)
    inputs = ["-f", "lavfi", "-i", _PICTURE, "-f", "lavfi", "-i", _SOUND, "-i", str(path.parent / "chapters.txt")]
    _ffmpeg(*inputs, "-map_metadata", "2", "-g", "50", "-preset", "ultrafast", "-c:a", "aac", "-shortest", str(path))
    return path


def _remade(film: Path, name: str, *words: str) -> Path:
    target = film.with_name(name)
    _ffmpeg("-i", str(film), *words, str(target))
    return target


def _sound(path: Path, index: FrameIndex, *ends: int) -> np.ndarray[tuple[int, int], np.dtype[np.float16]]:
    """The film's sound analysed in ranges with these ends."""
    starts = [0, *ends[:-1]]
    parts = [film_sound(path, index.times, start_frame=a, end_frame=b) for a, b in zip(starts, ends, strict=True)]
    return np.concatenate(parts)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("same.mp4", ["-c", "copy"]),
        ("late.mp4", ["-c", "copy", "-output_ts_offset", "7.3"]),
        ("a.mkv", ["-c:v", "copy", "-c:a", "libopus"]),
        ("a.ts", ["-c:v", "copy", "-c:a", "libmp3lame", "-ac", "2"]),
        ("a.mov", ["-c:v", "copy", "-c:a", "pcm_s16le", "-ac", "2"]),
        ("a.avi", ["-c:v", "copy", "-c:a", "pcm_u8", "-ar", "22050"]),
    ],
)
def test_sound_does_not_depend_on_ranges(film: Path, name: str, words: list[str]) -> None:
    path = _remade(film, name, *words)
    index = read_frame_index(path)
    count = index.times.frame_count
    whole = _sound(path, index, count)
    assert whole.shape == (window_count(index.times), SOUND_COUNT)
    assert len(whole) in (260, 261)
    low, high = whole[4:76, :BAND_COUNT].argmax(axis=1), whole[84:256, :BAND_COUNT].argmax(axis=1)
    assert set(low) <= {0, 1}
    assert set(high) <= {14, 15}
    for ends in ([50, 100, 650, 700, count], [600, 1250, count], [601, count]):
        assert np.array_equal(_sound(path, index, *ends), whole)


def test_where_there_is_no_sound_there_are_no_features(film: Path) -> None:
    path = _remade(film, "mute.mp4", "-an", "-c", "copy")
    index = read_frame_index(path)
    assert _sound(path, index, index.times.frame_count).shape == (0, SOUND_COUNT)


def test_sound_that_ends_early_is_followed_by_silence(film: Path) -> None:
    path = film.with_name("short.mp4")
    _ffmpeg("-i", str(film), "-t", "70", "-i", str(film), "-map", "0:v", "-map", "1:a", "-c", "copy", str(path))
    index = read_frame_index(path)
    found = _sound(path, index, index.times.frame_count)
    assert len(found) == window_count(index.times)
    assert found[145:, :BAND_COUNT] == pytest.approx(-10)
    assert np.array_equal(found, _sound(path, index, 600, 1250, index.times.frame_count))


def test_damaged_sound_is_analysed_past(film: Path) -> None:
    path = _remade(film, "damaged.ts", "-c:v", "copy", "-c:a", "libmp3lame")
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 3000] = np.random.default_rng(0).bytes(3000)
    path.write_bytes(data)
    index = read_frame_index(path)
    found = _sound(path, index, index.times.frame_count)
    assert len(found) == window_count(index.times)
    assert set(found[200:250, :BAND_COUNT].argmax(axis=1)) <= {14, 15}


def test_chapters_begin_where_the_file_says(film: Path) -> None:
    index = read_frame_index(film)
    assert [float(each) for each in read_chapters(film, index.times)] == [0.0, 40.5]
    late = _remade(film, "chapters.mkv", "-c", "copy")
    assert [float(each) for each in read_chapters(late, read_frame_index(late).times)] == [0.0, 40.5]
    none = _remade(film, "none.mp4", "-c", "copy", "-map_chapters", "-1")
    assert read_chapters(none, read_frame_index(none).times) == ()
