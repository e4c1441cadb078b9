"""Clear cuts and quiet stretches, told from small pictures alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from moodcut_segmenter.cut_classifier import ALONE_FRAMES, CONTEXT_FRAMES, cut_classifier, verdicts, verdicts_between
from moodcut_segmenter.cut_measures import CONTEXT_FRAMES as MEASURED_FRAMES
from moodcut_segmenter.cut_measures import MEASURE_COUNT, inputs, measures

QUIET, CLEAR = 0.15, 0.85


def film(count: int, cuts: tuple[int, ...], *, seed: int = 0, flash: int | None = None) -> NDArray[np.uint8]:
    """Soft random looks that drift slowly, another one from each of ``cuts`` on; one white frame at ``flash``."""
    rng = np.random.default_rng(seed)
    looks = (
        rng.integers(30, 220, (len(cuts) + 1, 5, 8, 3)).repeat(6, axis=1).repeat(6, axis=2)[:, :27].astype(np.float64)
    )
    frames = np.empty((count, 27, 48, 3), np.uint8)
    for number in range(count):
        look = sum(cut <= number for cut in cuts)
        noise = rng.normal(0, 1.5, (27, 48, 3))
        frames[number] = np.clip(np.roll(looks[look], number // 6, axis=1) + noise, 0, 255)
    if flash is not None:
        frames[flash] = 250
    return frames


def test_measures_are_shares_and_nothing_happens_in_a_still_film() -> None:
    still = np.repeat(film(1, ()), 12, axis=0)
    found = measures(still)
    assert found.shape == (12, MEASURE_COUNT)
    assert found.dtype == np.float32
    correlations = list(range(6, 35, 7))
    np.testing.assert_allclose(np.delete(found[:, :-2], correlations, axis=1), 0, atol=1e-6)
    assert float(np.ptp(found[:, correlations])) < 1e-6
    lively = measures(film(60, (20, 40)))
    assert float(lively.min()) > -1e-5
    assert float(lively.max()) <= 2.0


def test_what_changes_between_two_plain_frames() -> None:
    frames = np.zeros((2, 27, 48, 3), np.uint8)
    frames[1] = 51
    found = measures(frames)
    np.testing.assert_allclose(found[0, :4], [0.2, 0.2, 0.2, 1.0])
    assert found[0, 4] == 0.0, "both are of the darkest of the four levels of a colour histogram"
    np.testing.assert_allclose(found[0, -3:], [0.2, 0.0, 0.0], atol=1e-6)
    np.testing.assert_allclose(found[1, :5], 0, err_msg="after the last frame it is repeated")


@settings(max_examples=25, deadline=None, derandomize=True)
@given(start=st.integers(0, 119), length=st.integers(1, 60))
def test_a_step_depends_on_no_frames_beyond_the_context(start: int, length: int) -> None:
    frames = film(120, (31, 62, 63, 90), seed=3)
    end = min(120, start + length)
    whole = inputs(measures(frames))[start:end]
    first, last = max(0, start - MEASURED_FRAMES), min(120, end + MEASURED_FRAMES)
    part = inputs(measures(frames[first:last]))[start - first : end - first]
    np.testing.assert_array_equal(part, whole)


def test_a_cut_in_a_calm_film_is_clear_and_the_rest_is_quiet() -> None:
    found = verdicts_between(film(200, (70, 140)), 0, 200, quiet=QUIET, clear=CLEAR)
    assert np.flatnonzero(found.clear).tolist() == [69, 139]
    assert not found.open.any()


def test_cuts_near_one_another_and_flashes_are_for_the_network() -> None:
    near = verdicts_between(film(200, (100, 100 + ALONE_FRAMES)), 0, 200, quiet=QUIET, clear=CLEAR)
    assert not near.clear.any()
    assert set(np.flatnonzero(near.open)) >= {99, 99 + ALONE_FRAMES}
    flash = verdicts_between(film(200, (), flash=100), 0, 200, quiet=QUIET, clear=CLEAR)
    assert not flash.clear.any()


@settings(max_examples=25, deadline=None, derandomize=True)
@given(start=st.integers(0, 199), length=st.integers(1, 200))
def test_a_stretch_gets_the_verdicts_of_the_whole_film(start: int, length: int) -> None:
    frames = film(200, (50, 58, 120), seed=5, flash=160)
    end = min(200, start + length)
    whole = verdicts_between(frames, 0, 200, quiet=QUIET, clear=CLEAR)
    first, last = max(0, start - CONTEXT_FRAMES), min(200, end + CONTEXT_FRAMES)
    part = verdicts_between(frames[first:last], start - first, end - first, quiet=QUIET, clear=CLEAR)
    np.testing.assert_array_equal(part.clear, whole.clear[start:end])
    np.testing.assert_array_equal(part.open, whole.open[start:end])


def test_probabilities_do_not_depend_on_how_many_are_asked_for_at_once() -> None:
    rows = inputs(measures(film(200, (50, 58, 120), seed=5)))
    whole = cut_classifier().of_inputs(rows)
    for start, end in ((0, 1), (3, 10), (7, 150), (150, 200)):
        np.testing.assert_array_equal(cut_classifier().of_inputs(rows[start:end]), whole[start:end])


@pytest.mark.parametrize(
    ("maybe", "clear", "open_steps"),
    [
        ({}, [], []),
        ({30: (0.0, 0.95)}, [30], []),
        ({30: (0.3, 0.65)}, [], [30]),
        ({30: (0.0, 0.95), 31: (0.3, 0.0)}, [], [30, 31]),
        ({30: (0.0, 0.95), 30 + ALONE_FRAMES: (0.0, 0.95)}, [], [30, 30 + ALONE_FRAMES]),
        ({30: (0.0, 0.95), 31 + ALONE_FRAMES: (0.0, 0.95)}, [30, 31 + ALONE_FRAMES], []),
        ({0: (0.0, 0.95), 59: (0.0, 0.95)}, [0, 59], []),
    ],
)
def test_a_clear_cut_is_alone(maybe: dict[int, tuple[float, float]], clear: list[int], open_steps: list[int]) -> None:
    probabilities = np.tile(np.array([1.0, 0.0, 0.0], np.float32), (60, 1))
    for step, (doubt, cut) in maybe.items():
        probabilities[step] = 1 - doubt - cut, doubt, cut
    found = verdicts(probabilities, quiet=QUIET, clear=CLEAR)
    assert np.flatnonzero(found.clear).tolist() == clear
    assert np.flatnonzero(found.open).tolist() == open_steps
