"""The part of a shot that shows something."""

from __future__ import annotations

import numpy as np
import pytest

from moodcut_segmenter.shots import ShotSpan
from moodcut_segmenter.shown_part import longest_shown_part

SPAN = ShotSpan(0, 120, 0, 120)


def _of(pattern: str, span: ShotSpan = SPAN) -> tuple[int, int]:
    frames = np.arange(len(pattern), dtype=np.int64) * 6
    found = longest_shown_part(span, frames, np.array([each == "." for each in pattern]))
    assert (found.start_frame, found.end_frame) == (span.start_frame, span.end_frame)
    return found.usable_start_frame, found.usable_end_frame


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("XXXX.....XXXXXXXXXXX", (54, 120)),
        ("XXXXXXXXXX....XXXXXX", (0, 55)),
        ("XX....XXXXXXXX....XX", (36, 79)),
        ("XXXXXXXX..XXXXXXXXXX", (0, 120)),  # a strobe
        ("....................", (0, 120)),
        ("XXXXXXXXXXXXXXXXXXXX", (0, 120)),
        ("...XXXXXXXXXXXXXXXXX", (18, 120)),
    ],
)
def test_the_longest_stretch_is_left(pattern: str, expected: tuple[int, int]) -> None:
    assert _of(pattern) == expected


def test_only_the_usable_part_counts() -> None:
    assert _of("XXXX....XXXX....XXXX", ShotSpan(0, 120, 50, 90)) == (50, 67 + 0)
