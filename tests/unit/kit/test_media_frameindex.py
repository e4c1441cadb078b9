from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from moodcut_kit.media.frameindex import FrameIndex, PacketTimes, index_from_packets, without_leading

_BASE = Fraction(1, 1000)


def _packets(pts: list[int | None], *, keys: tuple[int, ...] = (0,), duration: int = 40) -> list[PacketTimes]:
    return [PacketTimes(each, at, duration, at in keys) for at, each in enumerate(pts)]


def _index(pts: list[int | None], *, keys: tuple[int, ...] = (0,), end_pts: int | None = None) -> FrameIndex:
    found = index_from_packets(_packets(pts, keys=keys), time_base=_BASE, end_pts=end_pts)
    assert found is not None
    return found


def test_b_frames_are_put_in_order() -> None:
    index = _index([100, 220, 140, 180, 340, 260, 300], keys=(0, 4))
    assert index.times.boundaries_pts.tolist() == [100, 140, 180, 220, 260, 300, 340, 380]
    assert index.keyframes.tolist() == [0, 6]
    assert [index.keyframe_before(frame) for frame in (0, 5, 6)] == [0, 0, 6]


def test_the_last_frame_ends_where_it_is_said_if_that_is_credible() -> None:
    assert _index([0, 40, 80], end_pts=110).times.boundaries_pts[-1] == 110
    for end_pts in (80, 20, 5000):
        assert _index([0, 40, 80], end_pts=end_pts).times.boundaries_pts[-1] == 120
    for duration, end in ((25, 105), (0, 120)):
        found = index_from_packets(_packets([0, 40, 80], duration=duration), time_base=_BASE)
        assert found is not None
        assert found.times.boundaries_pts[-1] == end
    only = index_from_packets(_packets([7], duration=0), time_base=_BASE)
    assert only is not None
    assert only.times.boundaries_pts.tolist() == [7, 47]


def test_frames_shown_at_the_same_time_are_one() -> None:
    assert _index([0, 40, 40, 80]).times.boundaries_pts.tolist() == [0, 40, 80, 120]


def test_what_cannot_be_trusted() -> None:
    assert index_from_packets([], time_base=_BASE) is None
    assert index_from_packets(_packets([0, None, 80]), time_base=_BASE) is None
    backwards = [PacketTimes(0, 500, 40, True), PacketTimes(40, 10, 40, False)]
    assert index_from_packets(backwards, time_base=_BASE) is None
    without_dts = [PacketTimes(0, None, 40, True), PacketTimes(80, None, 40, False), PacketTimes(40, 10, 40, False)]
    assert index_from_packets(without_dts, time_base=_BASE) is not None


def test_frames_that_no_decoder_gives_are_left_out_at_the_start() -> None:
    index = _index([0, 40, 80, 120, 160, 200], keys=(0, 2, 4))
    assert without_leading(index, [0, 40, 80]) == index
    later = without_leading(index, [80, 120])
    assert later is not None
    assert later.times.boundaries_pts.tolist() == [80, 120, 160, 200, 240]
    assert later.keyframes.tolist() == [0, 2]


def test_a_decoder_that_disagrees() -> None:
    index = _index([0, 40, 80, 120, 160, 200])
    for decoded in ([], [None], [0, None], [0, 80], [0, 41], [40, 0], [500], [200, 240, 280]):
        assert without_leading(index, decoded) is None


@st.composite
def _films(draw: st.DrawFn) -> tuple[list[int], list[int]]:
    """Start times of frames, and the order in which they are decoded."""
    steps = draw(st.lists(st.integers(1, 90), min_size=2, max_size=60))
    first = draw(st.integers(-500, 10_000))
    starts = [first + sum(steps[:count]) for count in range(len(steps))]
    order: list[int] = []
    while len(order) < len(starts):
        depth = draw(st.integers(1, 4))
        block = list(range(len(order), min(len(order) + depth, len(starts))))
        order += [block[-1], *block[:-1]]
    return starts, order


@given(_films(), st.data())
def test_any_order_of_decoding_gives_the_order_of_showing(
    film: tuple[list[int], list[int]], data: st.DataObject
) -> None:
    starts, order = film
    keys = {0, *data.draw(st.lists(st.sampled_from(order)))}
    packets = [PacketTimes(starts[frame], at, 5, frame in keys) for at, frame in enumerate(order)]
    index = index_from_packets(packets, time_base=_BASE)
    assert index is not None
    assert index.times.boundaries_pts[:-1].tolist() == starts
    assert index.keyframes.tolist() == sorted(keys)
    assert index.times.boundaries_pts[-1] == starts[-1] + 5
    for frame in range(len(starts)):
        assert index.keyframe_before(frame) == max(key for key in keys if key <= frame)
    assert bool(np.all(np.diff(index.times.boundaries_pts) > 0))
