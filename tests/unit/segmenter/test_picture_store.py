"""Pictures on disk."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moodcut_segmenter.picture_store import PictureStore


@given(st.dictionaries(st.integers(0, 1000), st.binary(max_size=200), max_size=20), st.sets(st.integers(0, 1000)))
def test_it_is_a_mapping(pictures: dict[int, bytes], chosen: set[int]) -> None:
    store = PictureStore()
    store.add(pictures.items())
    assert dict(store) == pictures
    assert {frame: store.byte_count_of(frame) for frame in store} == {
        frame: len(data) for frame, data in pictures.items()
    }
    some = store.only(chosen)
    del store
    assert dict(some) == {frame: data for frame, data in pictures.items() if frame in chosen}


def test_the_file_goes_with_the_last_who_reads_it() -> None:
    before = set(os.listdir("/proc/self/fd"))
    store = PictureStore()
    store.add([(3, b"three"), (3, b"three again")])
    some = store.only([3, 4])
    del store
    assert dict(some) == {3: b"three again"}
    with pytest.raises(KeyError):
        some[4]
    del some
    assert set(os.listdir("/proc/self/fd")) == before
