"""Shot detectors that other packages bring."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from support.montages import digest

from moodcut.demo import default_scenes, write_film
from moodcut_kit.client import connect
from moodcut_kit.contract import LOCAL_PRINCIPAL, media_key
from moodcut_kit.server import ServerSettings, start_server
from moodcut_kit.store.local import LocalStore
from moodcut_kit.v1 import segmenter_pb2, segmenter_pb2_grpc
from moodcut_segmenter import MovieOptions, analyze_movie
from moodcut_segmenter.detectors import PictureFormat, ShotDetector, Span, TransitionProbabilities, make_detector
from moodcut_segmenter.detectors.plugins import plugin_names
from moodcut_segmenter.errors import BadOptionsError, PluginError
from moodcut_segmenter.messages import movie_options
from moodcut_segmenter.service import segmenter_service


class EveryTenth(ShotDetector):
    name = "every-tenth"
    version = 7
    picture = PictureFormat(width=8, height=8, colour_order="rgb")
    alignment_frames = 10

    def __init__(self, *, threads: int) -> None:
        self.threads = threads

    def detect(
        self, pictures: Iterator[NDArray[np.uint8]], span: Span, *, check: Callable[[], None]
    ) -> TransitionProbabilities:
        assert len({each.shape for each in pictures}) == 1
        single = (np.arange(span.start_frame, span.end_frame) % 10 == 9).astype(np.float32)
        return TransitionProbabilities(single, single)


class Namesake(EveryTenth):
    name = "content"


def no_detector(*, threads: int) -> str:
    return "nothing"


def broken(*, threads: int) -> ShotDetector:
    raise RuntimeError("no weights")


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package on the path whose entry points are the detectors of this file."""
    directory = tmp_path / "mine-1.0.dist-info"
    directory.mkdir()
    (directory / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
    names = {"every-tenth": "EveryTenth", "renamed": "EveryTenth", "nothing": "no_detector", "broken": "broken"}
    names["content"] = "Namesake"
    lines = [f"{name} = detectors_of_mine:{value}" for name, value in names.items()]
    (directory / "entry_points.txt").write_text("\n".join(["[moodcut.shot_detectors]", *lines]))
    monkeypatch.syspath_prepend(str(tmp_path))
    import sys

    monkeypatch.setitem(sys.modules, "detectors_of_mine", sys.modules[__name__])


@pytest.mark.usefixtures("installed")
def test_a_plugin_cuts_a_film(tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    write_film(film, scenes=default_scenes(1, shots_per_scene=1), seed=1, size=(64, 36), sound=False)
    found = analyze_movie(film, MovieOptions(detector="every-tenth")).result
    starts = [shot.span.start_frame for shot in found.shots]
    assert starts == list(range(0, found.index.times.frame_count, 10))


@pytest.mark.usefixtures("installed")
def test_what_is_installed_is_known_by_name() -> None:
    assert {"broken", "every-tenth", "nothing", "renamed"} <= set(plugin_names())
    detector = make_detector("every-tenth", threads=3)
    assert isinstance(detector, EveryTenth)
    assert detector.threads == 3


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("missing", "installed are: .*every-tenth"),
        ("renamed", "calls itself 'every-tenth'"),
        ("nothing", "gives a str"),
        ("broken", "RuntimeError: no weights"),
    ],
)
def test_what_is_wrong_with_a_plugin_is_said(name: str, words: str) -> None:
    with pytest.raises(PluginError, match=words):
        make_detector(name)


@pytest.mark.usefixtures("installed")
def test_a_plugin_named_like_a_detector_of_ours_has_results_of_its_own(tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    write_film(film, scenes=default_scenes(1, shots_per_scene=1), seed=1, size=(64, 36), sound=False)
    store = LocalStore(tmp_path / "store")
    store.put_file(media_key(LOCAL_PRINCIPAL, digest(film)), film)
    address = f"unix:{tmp_path}/socket"
    options = (
        segmenter_pb2.MovieOptions(detector=segmenter_pb2.SHOT_DETECTOR_CONTENT),
        segmenter_pb2.MovieOptions(detector_plugin="content"),
    )
    with (
        start_server([segmenter_service(store)], ServerSettings(address=address)),
        connect(address) as channel,
    ):
        stub = segmenter_pb2_grpc.SegmenterServiceStub(channel)
        requests = [
            segmenter_pb2.PlanMovieRequest(principal=LOCAL_PRINCIPAL, movie_sha256=digest(film), options=each)
            for each in options
        ]
        assert len({stub.PlanMovie(request).plan_key for request in requests}) == 2


def test_the_contract_names_a_detector_or_a_plugin() -> None:
    assert movie_options(segmenter_pb2.MovieOptions(detector_plugin="mine")).detector == "mine"
    both = segmenter_pb2.MovieOptions(detector=segmenter_pb2.SHOT_DETECTOR_HASH, detector_plugin="mine")
    with pytest.raises(BadOptionsError, match="not both"):
        movie_options(both)
