"""Where scenes come from, over a real channel: the request, the film's chapters, a model of the user's."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import grpc
import imageio_ffmpeg
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from support.montages import digest

from moodcut.demo import FilmTruth, SceneSpec, write_film
from moodcut_kit.client import Pool, connect
from moodcut_kit.client.calls import Caller
from moodcut_kit.client.movie import analyze_movie
from moodcut_kit.contract import LOCAL_PRINCIPAL, media_key
from moodcut_kit.server import ServerSettings, start_server
from moodcut_kit.status import RemoteError, from_rpc_error
from moodcut_kit.store.local import LocalStore
from moodcut_kit.v1 import media_pb2, segmenter_pb2, segmenter_pb2_grpc
from moodcut_segmenter.scene_model import COLUMN_COUNT
from moodcut_segmenter.service import segmenter_service
from moodcut_segmenter.settings import SegmenterSettings

_SCENES = [SceneSpec(emotion="excited", shot_seconds=(1.6, 1.2)), SceneSpec(emotion="sad", shot_seconds=(2.0, 1.6))]

Segmenters = Pool[segmenter_pb2_grpc.SegmenterServiceStub]


class House:
    """A segmenter with a film in its store, the film's chapters, and a place for a model."""

    def __init__(self, directory: Path, stub: segmenter_pb2_grpc.SegmenterServiceStub, segmenters: Segmenters) -> None:
        self.stub = stub
        self.segmenters = segmenters
        self.store = LocalStore(directory / "store")
        film, chaptered = directory / "film.mp4", directory / "chapters.mp4"
        self.truth = write_film(film, scenes=_SCENES, seed=4, size=(160, 90))
        marks = directory / "chapters.txt"
        start = self.truth.shots[1].start_frame * 40
        marks.write_text(f";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND={start}\n"
                         f"[CHAPTER]\nTIMEBASE=1/1000\nSTART={start}\nEND=6000\n")  # fmt: skip
        words = ["-i", str(film), "-i", str(marks), "-map_metadata", "1", "-map", "0", "-c", "copy", str(chaptered)]
        subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-y", *words], check=True)
        self.film, self.chaptered = digest(film), digest(chaptered)
        for path, sha256 in ((film, self.film), (chaptered, self.chaptered)):
            self.store.put_file(media_key(LOCAL_PRINCIPAL, sha256), path)

    def analysis(self, sha256: str, **options: object) -> media_pb2.MovieAnalysis:
        keys = analyze_movie(
            self.segmenters,
            Caller(cancelled=threading.Event()),
            principal=LOCAL_PRINCIPAL,
            movie_sha256=sha256,
            options=_options(**options),
        )
        return media_pb2.MovieAnalysis.FromString(self.store.get(keys.movie_analysis_key).data)

    def refusal(self, sha256: str, **options: object) -> RemoteError:
        request = segmenter_pb2.PlanMovieRequest(
            principal=LOCAL_PRINCIPAL, movie_sha256=sha256, options=_options(**options)
        )
        with pytest.raises(grpc.RpcError) as caught:
            self.stub.PlanMovie(request, timeout=30)
        return from_rpc_error(caught.value)


def _options(**options: object) -> segmenter_pb2.MovieOptions:
    return segmenter_pb2.MovieOptions(detector=segmenter_pb2.SHOT_DETECTOR_CONTENT, **options)  # type: ignore[arg-type]


def _at(*hundredths: int) -> list[media_pb2.Rational]:
    return [media_pb2.Rational(num=each, den=100) for each in hundredths]


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("scenes")


@pytest.fixture(scope="module")
def house(directory: Path) -> Iterator[House]:
    service = segmenter_service(
        LocalStore(directory / "store"), SegmenterSettings(scene_model=directory / "scenes.onnx")
    )
    address = f"unix:{directory}/socket"
    with (
        start_server([service], ServerSettings(address=address)),
        connect(address) as channel,
        closing(Pool([address], segmenter_pb2_grpc.SegmenterServiceStub)) as segmenters,
    ):
        yield House(directory, segmenter_pb2_grpc.SegmenterServiceStub(channel), segmenters)


def _scenes(movie: media_pb2.MovieAnalysis) -> list[tuple[int, int]]:
    return [(scene.first_shot_index, scene.end_shot_index) for scene in movie.scenes]


def test_scenes_of_the_request(house: House) -> None:
    truth: FilmTruth = house.truth
    found = house.analysis(house.film, scene_count=2)
    assert [shot.start_frame for shot in found.shots[1:]] == list(truth.cuts)
    assert (_scenes(found), found.scene_source) == ([(0, 2), (2, 4)], media_pb2.SCENE_SOURCE_GROUPING)
    cut = truth.cuts[2] * 4
    given = house.analysis(house.film, scene_source=media_pb2.SCENE_SOURCE_GIVEN, scene_starts=_at(0, cut - 8))
    assert (_scenes(given), given.scene_source) == ([(0, 3), (3, 4)], media_pb2.SCENE_SOURCE_GIVEN)
    assert not given.warnings
    far = house.analysis(house.film, scene_source=media_pb2.SCENE_SOURCE_GIVEN, scene_starts=_at(cut - 80))
    assert [warning.split(":")[0] for warning in far.warnings] == [
        "beginnings of scenes far from any cut were moved to the nearest"
    ]
    ranges = [each for each in house.store.list(f"p/local/analyses/{house.film}/") if "/range-" in each.key]
    assert len(ranges) == 1


def test_chapters_of_the_film(house: House) -> None:
    found = house.analysis(house.chaptered, scene_source=media_pb2.SCENE_SOURCE_CHAPTERS)
    assert (_scenes(found), found.scene_source) == ([(0, 1), (1, 4)], media_pb2.SCENE_SOURCE_CHAPTERS)
    refused = house.refusal(house.film, scene_source=media_pb2.SCENE_SOURCE_CHAPTERS)
    assert (refused.code, refused.reason) == ("FAILED_PRECONDITION", "NO_CHAPTERS")


def test_what_contradicts_itself_or_the_film_is_refused_before_the_work(house: House) -> None:
    given = media_pb2.SCENE_SOURCE_GIVEN
    for options, words in (
        ({"scene_source": given}, "need at least one"),
        ({"scene_starts": _at(100)}, "belong to scenes that are given"),
        ({"scene_source": given, "scene_starts": _at(100), "scene_count": 2}, "cannot be counted"),
        ({"scene_source": given, "scene_starts": _at(100, 100)}, "one after the other"),
        ({"scene_source": given, "scene_starts": _at(100, 99900)}, "outside the film"),
        ({"scene_source": given, "scene_starts": [media_pb2.Rational(num=1)]}, "denominator"),
        ({"scene_source": 99}, "not known here"),
    ):
        refused = house.refusal(house.film, **options)
        assert (refused.code, refused.reason) == ("INVALID_ARGUMENT", "BAD_OPTIONS")
        assert words in refused.message


def _write_model(path: Path, column: int) -> None:
    """A scene begins where a column changes: sigmoid(100 |after - before| - 3)."""
    constants = {"column": column, "zero": 0, "one": 1}
    nodes = [
        helper.make_node("Gather", ["shots", "column"], ["values"], axis=2),
        helper.make_node("Gather", ["values", "zero"], ["before"], axis=1),
        helper.make_node("Gather", ["values", "one"], ["after"], axis=1),
        helper.make_node("Sub", ["after", "before"], ["difference"]),
        helper.make_node("Abs", ["difference"], ["size"]),
        helper.make_node("Mul", ["size", "steepness"], ["steep"]),
        helper.make_node("Sub", ["steep", "offset"], ["logits"]),
        helper.make_node("Sigmoid", ["logits"], ["boundaries"]),
    ]
    graph = helper.make_graph(
        nodes,
        "scenes",
        [helper.make_tensor_value_info("shots", TensorProto.FLOAT, ["n", 2, COLUMN_COUNT])],
        [helper.make_tensor_value_info("boundaries", TensorProto.FLOAT, ["n"])],
        [
            *(numpy_helper.from_array(np.array(value, np.int64), name) for name, value in constants.items()),
            numpy_helper.from_array(np.array(100, np.float32), "steepness"),
            numpy_helper.from_array(np.array(3, np.float32), "offset"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    helper.set_model_props(model, {"moodcut.shot_features": "1"})
    onnx.save(model, path)


def test_a_model_of_the_users(house: House, directory: Path) -> None:
    chosen = {"scene_source": media_pb2.SCENE_SOURCE_MODEL}
    path = directory / "scenes.onnx"
    path.unlink(missing_ok=True)
    refused = house.refusal(house.film, **chosen)
    assert (refused.reason, "no scene model" in refused.message) == ("MODEL_NOT_BUILT", True)
    # The shots' lengths all differ; whether there is sound never does.
    _write_model(path, COLUMN_COUNT - 1)
    found = house.analysis(house.film, **chosen)
    assert (_scenes(found), found.scene_source) == (
        [(0, 1), (1, 2), (2, 3), (3, 4)],
        media_pb2.SCENE_SOURCE_MODEL,
    )
    assert len(house.analysis(house.film, scene_count=2, **chosen).scenes) == 2
    _write_model(path, COLUMN_COUNT - 2)
    assert _scenes(house.analysis(house.film, **chosen)) == [(0, 4)]
    path.write_bytes(b"no model")
    assert house.refusal(house.film, **chosen).reason == "BAD_SCENE_MODEL"
