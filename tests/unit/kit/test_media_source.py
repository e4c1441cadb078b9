"""An object that is read by ranges, as a file."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moodcut_kit.media import source as module
from moodcut_kit.media.errors import MediaCutShortError
from moodcut_kit.media.source import MAX_FETCH_BYTE_COUNT, RangeFile, RangeSource

_DATA = bytes(range(251)) * 97


class Counted:
    """An object that counts what is fetched of it."""

    def __init__(self, data: bytes, byte_count: int | None = None) -> None:
        self.data = data
        self.fetched: list[tuple[int, int]] = []
        self.source = RangeSource("an object", len(data) if byte_count is None else byte_count, self.fetch)

    def fetch(self, offset: int, count: int) -> bytes:
        self.fetched.append((offset, count))
        return self.data[offset : offset + count]


_STEPS = st.lists(
    st.tuples(
        st.sampled_from([io.SEEK_SET, io.SEEK_CUR, io.SEEK_END]), st.integers(-30_000, 30_000), st.integers(-1, 9000)
    ),
    max_size=30,
)


@given(_STEPS, st.integers(1, 700))
def test_it_reads_as_any_file_does(steps: list[tuple[int, int, int]], block: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BLOCK_BYTE_COUNT", block)
        patch.setattr(module, "MAX_FETCH_BYTE_COUNT", 4 * block)
        counted = Counted(_DATA)
        file, peer = RangeFile(counted.source), io.BytesIO(_DATA)
        for whence, offset, count in steps:
            start = {io.SEEK_SET: 0, io.SEEK_CUR: peer.tell(), io.SEEK_END: len(_DATA)}[whence]
            if start + offset < 0:
                with pytest.raises(ValueError):
                    file.seek(offset, whence)
                continue
            assert file.seek(offset, whence) == peer.seek(offset, whence)
            assert file.read(count) == peer.read(count)
            assert file.tell() == peer.tell()
        assert all(count <= 4 * block and offset + count <= len(_DATA) for offset, count in counted.fetched)
        assert len(counted.source._blocks) <= 16


def test_reading_on_takes_few_requests_and_looking_about_few_bytes() -> None:
    counted = Counted(bytes(40 << 20))
    file = RangeFile(counted.source)
    while file.read(1 << 15):
        pass
    assert sum(count for _, count in counted.fetched) == 40 << 20
    assert len(counted.fetched) <= 12
    assert max(count for _, count in counted.fetched) == MAX_FETCH_BYTE_COUNT
    counted.fetched.clear()
    for place in (3, 30, 7, 21, 12):
        file.seek(place << 20)
        file.read(1 << 15)
    assert sum(count for _, count in counted.fetched) <= 6 << 20


def test_an_object_that_has_become_shorter_is_said() -> None:
    file = RangeFile(Counted(_DATA, len(_DATA) + 10).source)
    with pytest.raises(MediaCutShortError, match=f"an object ends at byte {len(_DATA)}"):
        file.read()


def test_what_fetching_raises_comes_out() -> None:
    def fetch(offset: int, count: int) -> bytes:
        raise LookupError("gone")

    with pytest.raises(LookupError, match="gone"):
        RangeFile(RangeSource("x", 10, fetch)).read(1)
