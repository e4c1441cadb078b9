"""Augmentations keep shape, aspect and content, and leave alone what they are not asked to change."""

from __future__ import annotations

import numpy as np
import pytest

from moodcut_training.augment import augment_picture, augment_sound, crop, excerpt, mirror

PICTURE = np.random.default_rng(0).integers(0, 255, (90, 160, 3), dtype=np.uint8)
SOUND = np.arange(16_000 * 40, dtype=np.float32)


def test_mirror_turns_half_of_them() -> None:
    rng = np.random.default_rng(1)
    made = [mirror(PICTURE, rng) for _ in range(200)]
    turned = [not np.array_equal(each, PICTURE) for each in made]
    assert 70 < sum(turned) < 130
    assert np.array_equal(made[turned.index(True)], PICTURE[:, ::-1])


def test_crop_is_a_part_with_the_same_aspect() -> None:
    rng = np.random.default_rng(2)
    for _ in range(50):
        part = crop(PICTURE, rng)
        assert part.shape[1] / part.shape[0] == pytest.approx(16 / 9, abs=0.02)
        assert 0.58 <= part.shape[0] * part.shape[1] / (90 * 160) <= 1
        height, width = part.shape[:2]
        corners = np.argwhere((PICTURE[: 91 - height, : 161 - width] == part[0, 0]).all(axis=2))
        assert any(np.array_equal(PICTURE[top : top + height, left : left + width], part) for top, left in corners)
    assert crop(PICTURE[:1, :1], rng).shape == (1, 1, 3)


def test_excerpt_is_a_stretch_of_10_to_15_seconds() -> None:
    rng = np.random.default_rng(3)
    for _ in range(50):
        part = excerpt(SOUND, 16_000, rng)
        assert 10 * 16_000 <= len(part) <= 15 * 16_000
        assert np.array_equal(part, SOUND[int(part[0]) : int(part[0]) + len(part)])
    assert len(excerpt(SOUND[:16_000], 16_000, rng)) == 16_000


def test_nothing_unless_asked_for() -> None:
    rng = np.random.default_rng(4)
    assert augment_picture(PICTURE, ("excerpt",), rng) is PICTURE
    assert augment_sound(SOUND, 16_000, ("mirror", "crop"), rng) is SOUND
    assert len(augment_sound(SOUND, 16_000, ("excerpt",), rng)) < len(SOUND)
