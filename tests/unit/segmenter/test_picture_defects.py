"""Pictures with nothing to show: credits, title cards, nothing in focus; and pictures that only look like them."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import gaussian_filter

from moodcut_segmenter.picture_defects import is_blurred, is_credits

SIZE = (455, 256)
ROLL = ("DIRECTED BY", "Anna Example", "PRODUCED BY", "Bertram Sample and Clara Specimen", "MUSIC", "Dora Instance")


def card(
    lines: tuple[str, ...], *, ground: int = 0, ink: int = 230, points: float = 13.0, top: int = 30
) -> NDArray[np.uint8]:
    picture = Image.new("L", SIZE, ground)
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(points)
    for number, line in enumerate(lines):
        draw.text((SIZE[0] / 2, top + number * 2.2 * points), line, fill=ink, font=font, anchor="mm")
    return np.asarray(picture)


def scene(seed: int, *, softness: float = 0.7) -> NDArray[np.uint8]:
    """Overlapping rectangles and discs of many shades, a little soft as a lens makes them."""
    rng = np.random.default_rng(seed)
    picture = Image.new("L", SIZE, int(rng.integers(30, 200)))
    draw = ImageDraw.Draw(picture)
    for _ in range(40):
        x, y = (int(rng.integers(0, side)) for side in SIZE)
        w, h = (int(each) for each in rng.integers(10, 120, 2))
        shape = draw.rectangle if rng.random() < 0.5 else draw.ellipse
        shape((x, y, x + w, y + h), fill=int(rng.integers(0, 255)))
    return np.asarray(gaussian_filter(np.asarray(picture, np.float32), softness), dtype=np.uint8)


def noisy(picture: NDArray[np.uint8], seed: int = 0) -> NDArray[np.uint8]:
    noise = np.random.default_rng(seed).normal(0, 2, picture.shape)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


@pytest.mark.parametrize(("ground", "ink"), [(0, 230), (12, 150), (245, 20), (90, 240)])
@pytest.mark.parametrize("top", [12, 25, 70])
def test_credits_on_any_plain_ground(ground: int, ink: int, top: int) -> None:
    assert is_credits(noisy(card(ROLL, ground=ground, ink=ink, top=top)))


@pytest.mark.parametrize("points", [9.0, 16.0, 24.0])
def test_title_cards(points: float) -> None:
    assert is_credits(noisy(card(("coming this autumn",), points=points, top=128)))
    assert is_credits(noisy(card(("THE BLENDERS", "present"), points=points, top=110)))


def test_what_is_no_text_is_no_credits() -> None:
    rng = np.random.default_rng(1)
    stars = np.zeros(SIZE[::-1], np.uint8)
    stars[rng.integers(0, 256, 120), rng.integers(0, 455, 120)] = 220
    moon = Image.new("L", SIZE, 3)
    ImageDraw.Draw(moon).ellipse((150, 60, 300, 210), fill=200)
    lights = Image.new("L", SIZE, 5)
    for x, y in zip(rng.integers(0, 455, 90), rng.integers(40, 220, 90), strict=True):
        ImageDraw.Draw(lights).ellipse((x, y, x + 4, y + 4), fill=240)
    black, white = np.zeros(SIZE[::-1], np.uint8), np.full(SIZE[::-1], 255, np.uint8)
    for picture in (stars, np.asarray(moon), np.asarray(lights), black, white, *(scene(seed) for seed in range(20))):
        assert not is_credits(noisy(picture))


def test_a_picture_with_a_subtitle_is_no_credits() -> None:
    picture = Image.fromarray(scene(3))
    font = ImageFont.load_default(13.0)
    ImageDraw.Draw(picture).text((227, 235), "I never said she stole my money.", fill=250, font=font, anchor="mm")
    assert not is_credits(np.asarray(picture))


@pytest.mark.parametrize("seed", range(12))
def test_out_of_focus_is_blurred_and_soft_is_not(seed: int) -> None:
    picture = scene(seed).astype(np.float32)
    assert not is_blurred(scene(seed))
    assert not is_blurred(gaussian_filter(picture, 1.5).astype(np.uint8))
    assert is_blurred(gaussian_filter(picture, 7.0).astype(np.uint8))


def test_a_sharp_face_before_a_soft_background_is_in_focus() -> None:
    picture = gaussian_filter(scene(5).astype(np.float32), 8.0).astype(np.uint8)
    picture[90:190, 180:280] = scene(6)[90:190, 180:280]
    assert not is_blurred(picture)


def test_too_little_contrast_is_not_judged() -> None:
    for level in (0, 128, 255):
        assert not is_blurred(noisy(np.full(SIZE[::-1], level, np.uint8)))
    fog = np.linspace(100, 160, SIZE[0])[None, :].repeat(SIZE[1], axis=0).astype(np.uint8)
    assert not is_blurred(fog)


@pytest.mark.parametrize("shape", [(1, 1), (8, 8), (20, 455), (256, 3)])
def test_tiny_pictures(shape: tuple[int, int]) -> None:
    picture = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    assert not is_credits(picture)
    assert not is_blurred(picture)
