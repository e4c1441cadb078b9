"""TransNet V2 where it is needed: the reference's cuts, and what ranges give is what one pass gives."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from moodcut_segmenter.detectors import Span, TransitionProbabilities
from moodcut_segmenter.detectors.transnet import TransNetDetector, TransNetReferenceDetector
from moodcut_segmenter.detectors.transnet_fast import TransNetFastDetector
from moodcut_segmenter.shots import find_shots


def _clip(count: int = 700) -> NDArray[np.uint8]:
    """A calm look up to frame 330; then looks of 37 frames that drift, with a dissolve of 16 from every third on."""
    rng = np.random.default_rng(8)
    looks = rng.integers(0, 256, (count // 37 + 2, 9, 16, 3)).repeat(3, axis=1).repeat(3, axis=2).astype(np.float64)
    frames = np.empty((count, 27, 48, 3), np.uint8)
    for number in range(count):
        look, inside = divmod(max(0, number - 330), 37)
        share = (inside - 20) / 16 if look % 3 == 2 and inside > 20 else 0.0
        frames[number] = np.roll(looks[look], inside // 4, axis=1) * (1 - share) + looks[look + 1] * share
    return frames


def _detect(
    detector: TransNetReferenceDetector, frames: NDArray[np.uint8], start: int, end: int
) -> TransitionProbabilities:
    count = len(frames)
    span = Span(
        first_frame=max(0, start - detector.context_frames),
        last_frame_end=min(count, end + detector.context_frames),
        start_frame=start,
        end_frame=end,
        frame_count=count,
        frame_rate=Fraction(25),
    )
    return detector.detect(iter(frames[span.first_frame : span.last_frame_end]), span, check=lambda: None)


@pytest.mark.parametrize("kind", [TransNetDetector, TransNetFastDetector])
def test_ranges_give_what_one_pass_gives(kind: type[TransNetReferenceDetector]) -> None:
    detector, frames = kind(threads=1), _clip()
    whole = _detect(detector, frames, 0, 700)
    for ends in ((0, 350, 700), (0, 50, 100, 400, 550, 700)):
        parts = [_detect(detector, frames, start, end) for start, end in pairwise(ends)]
        np.testing.assert_array_equal(np.concatenate([each.single for each in parts]), whole.single)
        np.testing.assert_array_equal(np.concatenate([each.many for each in parts]), whole.many)


def test_the_cuts_of_the_reference_with_a_fraction_of_its_windows() -> None:
    frames, fast = _clip(), TransNetFastDetector(threads=1)
    found, expected = _detect(fast, frames, 0, 700), _detect(TransNetReferenceDetector(threads=1), frames, 0, 700)
    cuts = [shot.start_frame for shot in find_shots(expected.single, expected.many)]
    assert len(cuts) > 8
    assert [shot.start_frame for shot in find_shots(found.single, found.many)] == cuts
    assert 0 < fast.run_counts["int8"] <= 8, "of 14"
    assert fast.run_counts["full"] <= 3


def test_a_still_film_needs_no_network() -> None:
    frames, fast = np.repeat(_clip(1), 400, axis=0), TransNetFastDetector(threads=1)
    found = _detect(fast, frames, 0, 400)
    assert not fast.run_counts
    assert not found.single.any()
    assert not found.many.any()


def test_a_film_of_one_frame() -> None:
    found = _detect(TransNetFastDetector(threads=1), _clip(1), 0, 1)
    assert found.single.shape == found.many.shape == (1,)
