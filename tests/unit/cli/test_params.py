from __future__ import annotations

from pathlib import Path

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moodcut.params import SECONDS_RANGE, checked_addresses, checked_mp4, parse_seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("12", 12), ("12.5", 12.5), ("1:30", 90), ("1:02:03.5", 3723.5), (" 0 ", 0), ("0:04.95", 4.95)],
)
def test_seconds(text: str, seconds: float) -> None:
    assert parse_seconds(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "soon", "-3", "1:2:3:4", "1e3", "nan", "inf", "1:", ":30"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no time"):
        parse_seconds(text)


@given(hours=st.integers(0, 99), minutes=st.integers(0, 59), seconds=st.integers(0, 59))
def test_clock_times(hours: int, minutes: int, seconds: int) -> None:
    assert parse_seconds(f"{hours}:{minutes:02}:{seconds:02}") == hours * 3600 + minutes * 60 + seconds


@pytest.mark.parametrize(
    ("text", "expected"), [("60-300", (60, 300)), ("1:00-5:00", (60, 300)), ("60-", (60, 0)), ("-300", (0, 300))]
)
def test_ranges(text: str, expected: tuple[float, float]) -> None:
    assert SECONDS_RANGE.convert(text, None, None) == expected


@pytest.mark.parametrize("text", ["60", "9-3", "5-5", "a-b"])
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter):
        SECONDS_RANGE.convert(text, None, None)


def test_output_is_checked_before_the_work(tmp_path: Path) -> None:
    assert checked_mp4(tmp_path / "a.mp4") == tmp_path / "a.mp4"
    with pytest.raises(click.UsageError, match=r"name it a\.mp4"):
        checked_mp4(tmp_path / "a.mov")
    with pytest.raises(click.UsageError, match="no directory"):
        checked_mp4(tmp_path / "nowhere" / "a.mp4")
    film = tmp_path / "film.mp4"
    film.touch()
    (tmp_path / "link.mp4").symlink_to(film)
    for same in (film, tmp_path / "link.mp4"):
        with pytest.raises(click.UsageError, match="is the input"):
            checked_mp4(same, film)


def test_segmenters_are_given_one_by_one_or_in_a_list() -> None:
    assert checked_addresses("--segmenter", ("a:1", "b:2,c:3", "a:1")) == ("a:1", "b:2", "c:3")
    with pytest.raises(click.UsageError, match="names no address"):
        checked_addresses("--segmenter", (" ,",))
