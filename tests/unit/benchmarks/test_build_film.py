"""Which clips a film is joined of."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from build_film import TooFewClipsError, draw_clips
from hypothesis import given
from hypothesis import strategies as st

from moodcut_training.data import Clip

CLIPS = [
    Clip(path=Path(f"{emotion}-{take}.mp4"), emotion=emotion, group=f"{emotion}-{take // 2}")
    for emotion in range(6)
    for take in range(6)
]


def names(clips: list[Clip]) -> list[str]:
    return [clip.path.name for clip in clips]


@given(seed=st.integers(0, 2**32), per_emotion=st.integers(1, 4), take=st.integers(0, 2))
def test_every_emotion_has_its_clips_and_no_group_that_was_excluded(seed: int, per_emotion: int, take: int) -> None:
    drawn = draw_clips(CLIPS, seed=seed, per_emotion=per_emotion, exclude_groups={f"3-{take}"})
    assert Counter(clip.emotion for clip in drawn) == dict.fromkeys(range(6), per_emotion)
    assert f"3-{take}" not in {clip.group for clip in drawn}
    assert len(set(names(drawn))) == len(drawn)
    assert drawn == draw_clips(CLIPS, seed=seed, per_emotion=per_emotion, exclude_groups={f"3-{take}"})


def test_seeds_give_other_films() -> None:
    assert names(draw_clips(CLIPS, seed=1)) != names(draw_clips(CLIPS, seed=2))


def test_a_clip_can_be_left_out_by_name() -> None:
    drawn = draw_clips(CLIPS, seed=1, per_emotion=5, exclude_files={"0-0.mp4"})
    assert "0-0.mp4" not in names(drawn)


def test_a_long_film_takes_every_clip_before_any_comes_again() -> None:
    drawn = draw_clips(CLIPS, seed=1, seconds=30.0 * 80, clip_seconds=30.0)
    counts = Counter(names(drawn))
    assert len(drawn) == 80
    assert len(counts) == len(CLIPS)
    assert set(counts.values()) <= {2, 3}


def test_too_few_clips_are_said() -> None:
    with pytest.raises(TooFewClipsError, match="4 clips of tension may be used, but 5 are wanted"):
        draw_clips(CLIPS, seed=1, per_emotion=5, exclude_groups={"5-0"})
    with pytest.raises(TooFewClipsError, match="no clip is left"):
        draw_clips([], seed=1, per_emotion=0, seconds=60)
