"""The scorer's service over a real channel, with the models that ship."""

from __future__ import annotations

import io
import math
import threading
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import grpc
import numpy as np
import pytest
from PIL import Image

from moodcut.demo import write_song
from moodcut_kit.client import connect
from moodcut_kit.contract import LOCAL_PRINCIPAL, media_key
from moodcut_kit.server import ServerSettings, start_server
from moodcut_kit.status import RemoteError, from_rpc_error
from moodcut_kit.store.local import LocalStore
from moodcut_kit.v1 import media_pb2, scorer_pb2, scorer_pb2_grpc
from moodcut_scorer import EMOTIONS, Runtime, SmallModel, shot_scores
from moodcut_scorer.service import scorer_service
from moodcut_scorer.settings import ScorerSettings

_INDEX_KEY = "p/local/analyses/x/y/keyframes.pb"
_PACK_KEY = "p/local/analyses/x/y/keyframes.bin"
_MOVIE = "ab" * 32


def picture(seed: int) -> np.ndarray:
    """A smooth random picture, uint8 [72, 128, 3]."""
    small = np.random.default_rng(seed).integers(0, 255, (5, 8, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(small).resize((128, 72), Image.Resampling.BICUBIC))


def encoded(image: np.ndarray, kind: str = "JPEG") -> bytes:
    target = io.BytesIO()
    Image.fromarray(image).save(target, kind, quality=95)
    return target.getvalue()


class House:
    """A scorer with a store that holds a song and the keyframes of three shots (2, 1 and 3 frames)."""

    def __init__(self, stub: scorer_pb2_grpc.ScorerServiceStub, store: LocalStore, song: Path) -> None:
        self.stub = stub
        self.store = store
        self.music_sha256 = sha256(song.read_bytes()).hexdigest()
        store.put_file(media_key(LOCAL_PRINCIPAL, self.music_sha256), song)
        self.pictures = [picture(seed) for seed in range(6)]
        index, pack = media_pb2.KeyframeIndex(), b""
        for number, (shot, image) in enumerate(zip("001122", self.pictures, strict=True)):
            data = encoded(image)
            index.keyframes.add(
                shot_id=f"shot-000{int(shot) + 1}", frame=number * 10, offset=len(pack), byte_count=len(data)
            )
            pack += data
        store.put(_INDEX_KEY, index.SerializeToString())
        store.put(_PACK_KEY, pack)

    def request(self, **changes: object) -> scorer_pb2.ScoreShotsRequest:
        fields = {
            "principal": LOCAL_PRINCIPAL,
            "movie_sha256": _MOVIE,
            "keyframe_index_key": _INDEX_KEY,
            "keyframe_pack_key": _PACK_KEY,
            "music_sha256": self.music_sha256,
        }
        return scorer_pb2.ScoreShotsRequest(**(fields | changes))  # type: ignore[arg-type]

    def score(self, **changes: object) -> media_pb2.Scores:
        key = self.stub.ScoreShots(self.request(**changes), timeout=60).scores_key
        return media_pb2.Scores.FromString(self.store.get(key).data)

    def refusal(self, **changes: object) -> RemoteError:
        with pytest.raises(grpc.RpcError) as caught:
            self.stub.ScoreShots(self.request(**changes), timeout=60)
        return from_rpc_error(caught.value)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    directory = tmp_path_factory.mktemp("scorer")
    store = LocalStore(directory / "store")
    song = directory / "song.wav"
    write_song(song, bpm=120, bars=8, mood="excited", seed=1)
    settings = ScorerSettings(runtime=Runtime(thread_count=1), text_directory=directory / "no-models")
    address = f"unix:{directory}/scorer"
    with start_server([scorer_service(store, settings)], ServerSettings(address=address)), connect(address) as channel:
        yield House(scorer_pb2_grpc.ScorerServiceStub(channel), store, song)


def odds(message: media_pb2.EmotionPosterior) -> list[float]:
    return [getattr(message, name) for name in EMOTIONS]


def test_scores_are_the_cosines_of_what_the_service_embeds(house: House) -> None:
    scores = house.score()
    assert [shot.shot_id for shot in scores.shots] == ["shot-0001", "shot-0002", "shot-0003"]
    whole = np.array(
        house.stub.EmbedMusic(
            scorer_pb2.EmbedMusicRequest(principal=LOCAL_PRINCIPAL, music_sha256=house.music_sha256)
        ).whole.values
    )
    images = [encoded(image) for image in house.pictures]
    found = house.stub.EmbedImages(scorer_pb2.EmbedImagesRequest(images=images)).embeddings
    frames = np.array([each.values for each in found])
    np.testing.assert_allclose(np.linalg.norm(frames, axis=1), 1, atol=1e-5)
    shots = np.stack([frames[:2].mean(axis=0), frames[2:4].mean(axis=0), frames[4:].mean(axis=0)])
    np.testing.assert_allclose([shot.score for shot in scores.shots], shot_scores(shots, whole), atol=1e-5)
    for shot in scores.shots:
        assert math.isclose(sum(odds(shot.emotion)), 1, abs_tol=1e-5)
        assert not shot.unit_scores
    assert sum(odds(scores.music_emotion)) == pytest.approx(1, abs=1e-5)
    assert scores.model.startswith("small-")


def test_a_shot_is_seen_in_its_scene(house: House) -> None:
    key = "p/local/analyses/x/y/movie.pb"
    movie = media_pb2.MovieAnalysis()
    for number, scene in enumerate("112", 1):
        movie.shots.add(shot_id=f"shot-000{number}", scene_id=f"scene-00{scene}")
    house.store.put(key, movie.SerializeToString())
    model = SmallModel(runtime=Runtime(thread_count=1))
    features = model.look([np.asarray(Image.open(io.BytesIO(encoded(image)))) for image in house.pictures])
    shots = model.encode_shots(features, [0, 0, 1, 1, 2, 2], 3, scene_of_shot=[0, 0, 1])
    expected = shot_scores(shots, model.mood_embedding("fear"))
    mood = media_pb2.EMOTION_FEAR
    found = [shot.score for shot in house.score(movie_analysis_key=key, mood=mood).shots]
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert found != [shot.score for shot in house.score(mood=mood).shots]


def test_an_analysis_of_another_film_is_refused(house: House) -> None:
    key = "p/local/analyses/x/y/other.pb"
    house.store.put(key, media_pb2.MovieAnalysis(shots=[media_pb2.Shot(shot_id="shot-0001")]).SerializeToString())
    error = house.refusal(movie_analysis_key=key)
    assert "has no shot shot-0002" in error.message
    error = house.refusal(movie_analysis_key="p/other/analyses/x/y/movie.pb")
    assert "not an object of local" in error.message


def test_units_have_scores_and_emotions_of_their_own(house: House) -> None:
    units = [media_pb2.MusicUnit(start_pts=2000 * n, end_pts=2000 * (n + 1)) for n in range(4)]
    scores = house.score(units=units, units_time_base=media_pb2.Rational(num=1, den=1000))
    assert len(scores.unit_emotions) == 4
    assert all(len(shot.unit_scores) == 4 for shot in scores.shots)
    assert all(abs(value) <= 1 for shot in scores.shots for value in shot.unit_scores)
    plain = house.score()
    assert [shot.score for shot in scores.shots] == [shot.score for shot in plain.shots]


def test_mood_stands_in_for_the_music(house: House) -> None:
    by_mood = {}
    for mood in EMOTIONS:
        scores = house.score(mood=media_pb2.Emotion.Value(f"EMOTION_{mood.upper()}"))
        by_mood[mood] = [shot.score for shot in scores.shots]
    assert len({tuple(values) for values in by_mood.values()}) == 6
    model = SmallModel(runtime=Runtime(thread_count=1))
    frames = model.encode_images([np.asarray(Image.open(io.BytesIO(encoded(image)))) for image in house.pictures])
    shot = frames[2:4].mean(axis=0, keepdims=True)
    assert by_mood["sad"][1] == pytest.approx(float(shot_scores(shot, model.mood_embedding("sad"))[0]), abs=1e-5)


def test_random_scores_follow_their_seed(house: House) -> None:
    first, again, other = (
        [shot.score for shot in house.score(random=scorer_pb2.RandomScores(seed=seed)).shots] for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other
    assert len(set(first)) == 3


def test_the_same_request_is_the_same_object(house: House) -> None:
    keys: list[str] = []

    def call() -> None:
        keys.append(house.stub.ScoreShots(house.request(), timeout=60).scores_key)

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(keys)) == 1
    assert keys[0].startswith(f"p/local/analyses/{_MOVIE}/")
    seeded = house.stub.ScoreShots(house.request(random=scorer_pb2.RandomScores(seed=0)), timeout=60).scores_key
    assert seeded != keys[0]


def test_a_second_song_does_not_look_again(house: House, tmp_path: Path) -> None:
    first = house.score()
    song = tmp_path / "other.wav"
    write_song(song, bpm=90, bars=4, mood="sad", seed=5)
    digest = sha256(song.read_bytes()).hexdigest()
    house.store.put_file(media_key(LOCAL_PRINCIPAL, digest), song)
    pack = house.store.get(_PACK_KEY).data
    house.store.put(_PACK_KEY, b"gone")
    try:
        second = house.score(music_sha256=digest)
    finally:
        house.store.put(_PACK_KEY, pack)
    assert [odds(shot.emotion) for shot in second.shots] == [odds(shot.emotion) for shot in first.shots]
    assert [shot.score for shot in second.shots] != [shot.score for shot in first.shots]


def test_classify_pictures_and_music(house: House) -> None:
    images = [encoded(house.pictures[0]), encoded(house.pictures[1], "PNG")]
    found = house.stub.ClassifyEmotion(scorer_pb2.ClassifyEmotionRequest(images=images)).emotions
    assert len(found) == 2
    (music,) = house.stub.ClassifyEmotion(
        scorer_pb2.ClassifyEmotionRequest(principal=LOCAL_PRINCIPAL, music_sha256=house.music_sha256)
    ).emotions
    assert odds(music) == pytest.approx(odds(house.score().music_emotion), abs=1e-6)


def test_windows_cover_the_music(house: House) -> None:
    request = scorer_pb2.EmbedMusicRequest(principal=LOCAL_PRINCIPAL, music_sha256=house.music_sha256)
    windows = house.stub.EmbedMusic(request).windows
    assert windows[0].start_seconds == 0
    for window in windows:
        assert 10 <= window.end_seconds - window.start_seconds <= 15
        assert np.linalg.norm(window.embedding.values) == pytest.approx(1, abs=1e-5)


def test_models_say_what_is_missing_and_how_to_mend_it(house: House) -> None:
    models = {model.name: model for model in house.stub.ListModels(scorer_pb2.ListModelsRequest()).models}
    assert set(models) == {"heads.npz", "image.onnx", "music-msd.onnx", "music-mtt.onnx", "text.onnx"}
    assert not models["text.onnx"].ready
    assert models["text.onnx"].build_command == "moodcut models build"
    shipped = [model for name, model in models.items() if name != "text.onnx"]
    assert all(model.ready and model.license for model in shipped)
    assert 5_000_000 < sum(model.byte_count for model in shipped) < 25_000_000
    with pytest.raises(grpc.RpcError) as caught:
        house.stub.EmbedText(scorer_pb2.EmbedTextRequest(texts=["a sad scene"]))
    error = from_rpc_error(caught.value)
    assert (error.code, error.reason) == ("FAILED_PRECONDITION", "MODEL_MISSING")
    assert "moodcut models build" in error.message


@pytest.mark.parametrize(
    ("changes", "reason", "words"),
    [
        ({"music_sha256": "cd" * 32}, "MUSIC_NOT_FOUND", "not in the store"),
        ({"keyframe_index_key": "p/local/analyses/x/y/none.pb"}, "OBJECT_NOT_FOUND", "none.pb"),
        ({"keyframe_index_key": "p/other/analyses/x/y/keyframes.pb"}, "INVALID_ARGUMENT", "keyframe_index_key"),
        ({"keyframe_index_key": _PACK_KEY}, "KEYFRAMES_DAMAGED", "not a keyframe index"),
        ({"keyframe_pack_key": _INDEX_KEY}, "KEYFRAMES_DAMAGED", "outside of its pack"),
        ({"model": "huge"}, "MODEL_UNKNOWN", "huge"),
        ({"mood": 9}, "SCORER_REQUEST_INVALID", "mood is 9"),
        ({"mood": 1, "random": scorer_pb2.RandomScores()}, "SCORER_REQUEST_INVALID", "not both"),
        ({"units": [media_pb2.MusicUnit(end_pts=1)]}, "SCORER_REQUEST_INVALID", "units_time_base"),
        (
            {
                "units": [media_pb2.MusicUnit(start_pts=900, end_pts=901)],
                "units_time_base": media_pb2.Rational(num=1, den=1),
            },
            "BAD_SCORING_INPUT",
            "Unit 0",
        ),
    ],
)
def test_refusals(house: House, changes: dict[str, object], reason: str, words: str) -> None:
    error = house.refusal(**changes)
    assert error.reason == reason
    assert words in error.message


@pytest.mark.parametrize(
    ("images", "words"),
    [([], "one of them"), ([b"GIF89a..."], "no JPEG or PNG"), ([b"\xff\xd8\xff\xe0 broken"], "image 0")],
)
def test_bad_pictures(house: House, images: list[bytes], words: str) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        house.stub.ClassifyEmotion(scorer_pb2.ClassifyEmotionRequest(images=images))
    assert words in from_rpc_error(caught.value).message
