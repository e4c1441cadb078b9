"""Films in an object store, read by ranges: how much of them is read, and what happens when they are lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, cast

import grpc
import pytest
from support.ranges import Counted

from moodcut_kit.contract import media_key
from moodcut_kit.errors import MoodcutError
from moodcut_kit.media.errors import MediaCutShortError
from moodcut_kit.media.isolated import decode_sound, read_film_facts
from moodcut_kit.media.renditions import Batch, Rendition, render_frames
from moodcut_kit.media.source import RangeSource
from moodcut_kit.media.stored import stored_media
from moodcut_kit.store import ObjectStore, open_store
from moodcut_kit.store.base import ObjectNotFoundError
from moodcut_kit.store.local import LocalStore
from moodcut_kit.store.s3 import S3Store
from moodcut_kit.v1 import segmenter_pb2
from moodcut_segmenter.service import SegmenterServicer
from moodcut_segmenter.settings import SegmenterSettings

if TYPE_CHECKING:
    from tests.conftest import S3Server

_TINY = (Rendition(width=48, height=27, scaling="bicubic"),)
_FRAME_COUNT = 500


@pytest.fixture(scope="module")
def large(ffmpeg: Callable[..., None], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some 40 MB, 20 s; the index lies at the end."""
    path = tmp_path_factory.mktemp("large") / "film.mp4"
    source = "testsrc2=s=640x360:r=25:d=20,noise=alls=40:allf=t"
    ffmpeg("-f", "lavfi", "-i", source, "-c:v", "mpeg2video", "-q:v", "6", "-g", "25", path)
    return path


@pytest.fixture(scope="module", params=["mp4", "mkv"])
def film(request: pytest.FixtureRequest, ffmpeg: Callable[..., None], large: Path) -> Path:
    """The same in two containers."""
    path = large.with_suffix(f".{request.param}")
    if path != large:
        ffmpeg("-i", large, "-c", "copy", path)
    return path


def _bytes(batch: Batch) -> bytes:
    return batch.pictures[0].tobytes()


def test_a_range_takes_about_its_own_bytes(film: Path) -> None:
    byte_count = film.stat().st_size
    assert byte_count > 30_000_000
    facts, counted = read_film_facts(film), Counted(film)
    assert facts.index.times.frame_count == _FRAME_COUNT
    for start, end in ((0, 50), (250, 300), (450, 500)):
        counted.fetched.clear()
        by_ranges = [_bytes(each) for each in render_frames(counted.source, facts.index, [(start, end)], _TINY)]
        assert by_ranges == [_bytes(each) for each in render_frames(film, facts.index, [(start, end)], _TINY)]
        own = byte_count * (end - start) / _FRAME_COUNT
        # Beside its own: the head, the index, what leads up to its first frame, and what was read ahead.
        assert counted.fetched_byte_count < own + 12 * 2**20
        assert counted.fetched_byte_count < byte_count / 2


def test_reading_the_index_reads_a_film_once_and_not_much_more(film: Path) -> None:
    counted = Counted(film)
    read_film_facts(counted.source)
    assert counted.fetched_byte_count < 1.2 * film.stat().st_size + 4 * 2**20
    assert len(counted.fetched) < film.stat().st_size / 2**21


@pytest.fixture
def store(s3_server: S3Server) -> S3Store:
    found = open_store(s3_server.url(s3_server.make_bucket(), "pre"))
    assert isinstance(found, S3Store)
    return found


def test_a_film_in_s3(store: S3Store, large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store.put_file("p/x/media/film", large)
    monkeypatch.setattr(store, "open_path", lambda key: pytest.fail("the whole object was asked for"))
    facts = read_film_facts(large)
    with stored_media(store, "p/x/media/film") as source:
        assert isinstance(source, RangeSource)
        there = [_bytes(each) for each in render_frames(source, facts.index, [(300, 330)], _TINY)]
    assert there == [_bytes(each) for each in render_frames(large, facts.index, [(300, 330)], _TINY)]


def test_a_film_that_is_lost_on_the_way(store: S3Store, large: Path) -> None:
    facts = read_film_facts(large)
    store.put_file("film", large)
    with stored_media(store, "film") as source:
        batches = render_frames(source, facts.index, [(0, _FRAME_COUNT)], _TINY)
        next(batches)
        store.delete("film")
        with pytest.raises(ObjectNotFoundError, match="no object film"):
            list(batches)
    with pytest.raises(ObjectNotFoundError, match="no object film"), stored_media(store, "film"):
        pass
    store.put("film", large.read_bytes())
    with stored_media(store, "film") as source:
        store.put("film", large.read_bytes()[: 10 << 20])
        with pytest.raises(MediaCutShortError, match="film ends at byte"):
            list(render_frames(source, facts.index, [(0, _FRAME_COUNT)], _TINY))


def test_a_film_in_a_local_store_is_opened_where_it_lies(large: Path, tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    store.add_reference("p/x/media/film", large)
    with stored_media(store, "p/x/media/film") as source:
        assert source == large
    with pytest.raises(ObjectNotFoundError), stored_media(store, "p/x/media/none"):
        pass


def test_an_object_that_is_no_film(store: S3Store) -> None:
    store.put("text", b"no film")
    store.put("empty", b"")
    for key, words in (("text", "text is a text file"), ("empty", "empty is an empty file")):
        with stored_media(store, key) as source:
            for read in (read_film_facts, lambda source: decode_sound(source, sample_rate=8000, channels=1)):
                with pytest.raises(MoodcutError, match=words):
                    read(source)


class _Context:
    """A call whose caller stays."""

    def is_active(self) -> bool:
        return True


def test_a_film_in_s3_is_analysed_by_ranges_as_one_on_disk(
    store: S3Store, large: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    local, sha256 = LocalStore(tmp_path), "a" * 64
    key = media_key("x", sha256)
    local.add_reference(key, large)
    store.put_file(key, large)
    monkeypatch.setattr(store, "open_path", lambda key: pytest.fail("the whole object was asked for"))
    assert _analysis(store, sha256) == _analysis(local, sha256)


def _analysis(store: ObjectStore, sha256: str) -> list[bytes]:
    """All objects of a film's analysis."""
    about = {
        "principal": "x",
        "movie_sha256": sha256,
        "options": segmenter_pb2.MovieOptions(detector=segmenter_pb2.SHOT_DETECTOR_HISTOGRAM),
    }
    servicer, context = SegmenterServicer(store, SegmenterSettings()), cast("grpc.ServicerContext", _Context())
    plan = servicer.PlanMovie(segmenter_pb2.PlanMovieRequest(**about), context)  # type: ignore[arg-type]
    ranges = [
        servicer.AnalyzeRange(
            segmenter_pb2.AnalyzeRangeRequest(**about, plan_key=plan.plan_key, range=each),  # type: ignore[arg-type]
            context,
        ).range_key
        for each in plan.ranges
    ]
    done = servicer.FinishMovie(
        segmenter_pb2.FinishMovieRequest(**about, plan_key=plan.plan_key, range_keys=ranges),  # type: ignore[arg-type]
        context,
    )
    keys = [plan.plan_key, *ranges, done.movie_analysis_key, done.keyframe_index_key, done.keyframe_pack_key]
    return [store.get(key).data for key in keys]
