"""Draws the frames of generated films: numpy arrays, uint8 [height, width, 3], RGB.

A scene has one backdrop, larger than the picture, in the colours of its emotion, and two figures. A camera is a
framing of that backdrop; the shots of a scene return to few cameras, as the shots of a dialogue do.
"""

from __future__ import annotations

import colorsys
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from moodcut.demo.moods import LOOKS, Emotion, Look

Pixels = NDArray[np.uint8]

_GRAIN = 2  # amplitude of the film grain, in levels
_MARGIN = 1.5  # a shot's canvas is this much larger than the picture, so that the camera can move in it


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """Something that moves through the picture. Sizes in picture heights."""

    colour: tuple[int, int, int]
    size: float
    aspect: float
    round: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Camera:
    """A framing: the centre (0 to 1) and share of the backdrop it sees, whether mirrored, and the light."""

    x: float
    y: float
    share: float
    mirrored: bool
    light: float
    close: bool


@dataclass(frozen=True, slots=True)
class SceneArt:
    """What the shots of a scene have in common. ``backdrop``: uint8 [h, w, 3]."""

    look: Look
    backdrop: Pixels
    figures: tuple[Figure, ...]
    cameras: tuple[Camera, ...]


def _rgb(hue: float, saturation: float, value: float) -> NDArray[np.float32]:
    rgb = colorsys.hsv_to_rgb(hue % 1.0, min(max(saturation, 0.0), 1.0), min(max(value, 0.0), 1.0))
    return np.array(rgb, dtype=np.float32) * 255


def _noise(rng: np.random.Generator, height: int, width: int, cells: int) -> NDArray[np.float32]:
    """Smooth noise from 0 to 1, float32 [height, width], with about ``cells`` bumps across."""
    small = rng.random((max(2, cells * height // width + 1), cells + 1), dtype=np.float32)
    image = Image.fromarray(small, mode=None).resize((width, height), Image.Resampling.BICUBIC)
    return np.clip(np.asarray(image, dtype=np.float32), 0, 1)


def _layout(rng: np.random.Generator, kind: int, height: int, width: int) -> NDArray[np.float32]:
    """Light and dark of a backdrop, float32 [height, width] from 0 to 1: hills, houses, trunks or clouds."""
    y = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    x = np.linspace(0, 1, width, dtype=np.float32)[None, :]
    tone = np.broadcast_to(0.95 - 0.45 * y, (height, width)).copy()
    if kind == 0:
        for depth in range(4):
            ridge = (
                0.35
                + 0.17 * depth
                + sum(
                    rng.uniform(0.02, 0.07) * np.sin(2 * np.pi * (rng.integers(1, 6) * x + rng.random()))
                    for _ in range(3)
                )
            )
            tone = np.where(y > ridge, 0.75 - 0.22 * depth, tone)
    elif kind == 1:
        for left in np.arange(0, 1, 0.07):
            box = (x >= left) & (x < left + rng.uniform(0.05, 0.07)) & (y > rng.uniform(0.15, 0.7))
            tone = np.where(box, rng.uniform(0.05, 0.7), tone)
            window = ((x * 90 % 1) > 0.6) & ((y * 40 % 1) > 0.6)
            tone = np.where(box & window, rng.uniform(0.6, 1.0), tone)
    elif kind == 2:
        for centre in rng.random(16):
            bend = 0.015 * np.sin(2 * np.pi * (y * rng.uniform(0.5, 2) + rng.random()))
            trunk = np.abs(x - centre - bend) < rng.uniform(0.006, 0.03)
            tone = np.where(trunk, rng.uniform(0.0, 0.35), tone)
        tone = np.where(y > 0.8, 0.3, tone)
    else:
        clouds = _noise(rng, height, width, 6) * 0.6 + _noise(rng, height, width, 17) * 0.4
        tone = np.where(y < 0.62, np.clip((clouds - 0.25) * 2, 0.1, 1), 0.25 + 0.3 * np.sin(60 * y + 8 * clouds) ** 2)
    texture = 0.12 * _noise(rng, height, width, 60) + 0.10 * _noise(rng, height, width, 160) - 0.11
    return np.clip(tone + texture, 0, 1).astype(np.float32)


def make_scene(rng: np.random.Generator, emotion: Emotion, *, kind: int, width: int, height: int) -> SceneArt:
    """Draw what a scene's shots share. ``kind`` chooses the layout of the backdrop."""
    look = LOOKS[emotion]
    hue = look.hue + rng.uniform(-look.hue_spread, look.hue_spread)
    low = max(0.02, look.brightness - look.contrast / 2)
    high = min(1.0, look.brightness + look.contrast / 2)
    stops = np.stack(
        [
            _rgb(hue + 0.04, look.saturation, low),
            _rgb(hue, look.saturation, (low + high) / 2),
            _rgb(hue - 0.03, look.saturation * 0.75, high),
        ]
    )
    tone = _layout(rng, kind % 4, height * 3 // 2, width * 3 // 2)
    at = np.linspace(0, 1, len(stops))
    backdrop = np.stack([np.interp(tone, at, stops[:, channel]) for channel in range(3)], axis=-1)
    figures = tuple(
        Figure(
            colour=tuple(int(c) for c in _rgb(look.accent_hue + shift, min(1, look.saturation + 0.25), value)),  # type: ignore[arg-type]
            size=rng.uniform(0.22, 0.34),
            aspect=rng.uniform(0.5, 1.4),
            round=rng.choice([2.0, 4.0]),
        )
        for shift, value in ((0.0, min(1.0, high + 0.1)), (0.45, max(0.1, low)))
    )
    cameras = (
        Camera(x=0.5, y=0.5, share=0.92, mirrored=False, light=1.0, close=False),
        Camera(x=rng.uniform(0.2, 0.35), y=0.6, share=0.45, mirrored=False, light=0.72, close=True),
        Camera(x=rng.uniform(0.65, 0.8), y=0.4, share=0.5, mirrored=True, light=1.22, close=True),
    )
    return SceneArt(look, backdrop.astype(np.uint8), figures, cameras)


@dataclass(frozen=True, slots=True)
class _Mover:
    patch: NDArray[np.float32]  # [h, w, 3]
    mask: NDArray[np.float32]  # [h, w, 1]
    start: tuple[float, float]
    velocity: tuple[float, float]
    bob: tuple[float, float, float]


def _mover(rng: np.random.Generator, figure: Figure, look: Look, *, size: float, width: int, height: int) -> _Mover:
    high = max(8, int(figure.size * size * height))
    wide = max(8, int(high * figure.aspect))
    y = np.linspace(-1, 1, high, dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, wide, dtype=np.float32)[None, :]
    distance = (np.abs(x) ** figure.round + np.abs(y) ** figure.round) ** (1 / figure.round)
    mask = np.clip((1 - distance) * high / 6, 0, 1)[..., None]
    shade = (0.75 + 0.35 * (-x - y) / 2 + 0.12 * np.sin(9 * y + 4 * x))[..., None]
    patch = np.clip(shade * np.array(figure.colour, dtype=np.float32), 0, 255)
    angle = rng.uniform(0, 2 * np.pi)
    speed = look.motion * rng.uniform(0.8, 1.5) * width
    velocity = (float(np.cos(angle) * speed), float(np.sin(angle) * speed * 0.4))
    start = (float(rng.uniform(0.2, 0.8) * width), float(rng.uniform(0.35, 0.75) * height))
    bob = (look.motion * height * 0.25, float(rng.uniform(0.5, 1.0) + 4 * look.motion), float(rng.random() * 2 * np.pi))
    return _Mover(patch, mask.astype(np.float32), start, velocity, bob)


def _bounce(position: float, span: int) -> float:
    """Fold a position into 0..span as if it were thrown back at both ends."""
    folded = position % (2 * span)
    return folded if folded <= span else 2 * span - folded


class ShotArt:
    """One shot, ready to be drawn frame by frame."""

    def __init__(
        self, rng: np.random.Generator, scene: SceneArt, camera_index: int, *, width: int, height: int
    ) -> None:
        camera = scene.cameras[camera_index]
        self._look = scene.look
        self._width, self._height = width, height
        big_h, big_w = scene.backdrop.shape[:2]
        half_w, half_h = big_w * camera.share / 2, big_h * camera.share / 2
        left = min(max(camera.x * big_w - half_w, 0), big_w - 2 * half_w)
        top = min(max(camera.y * big_h - half_h, 0), big_h - 2 * half_h)
        image = Image.fromarray(scene.backdrop).resize(
            (int(width * _MARGIN), int(height * _MARGIN)),
            Image.Resampling.BILINEAR,
            box=(left, top, left + 2 * half_w, top + 2 * half_h),
        )
        canvas = np.asarray(image, dtype=np.float32)
        canvas = canvas[:, ::-1] if camera.mirrored else canvas
        self._canvas = np.clip(canvas * camera.light, 0, 255).astype(np.uint8)
        self._room = (self._canvas.shape[1] - width, self._canvas.shape[0] - height)
        angle = rng.uniform(0, 2 * np.pi)
        pan = scene.look.motion * 0.35 * width
        self._pan = (float(np.cos(angle) * pan), float(np.sin(angle) * pan * 0.3))
        self._origin = (float(rng.uniform(0.35, 0.65) * self._room[0]), float(rng.uniform(0.35, 0.65) * self._room[1]))
        self._shake_phase = rng.random(4) * 2 * np.pi
        chosen = [scene.figures[camera_index - 1]] if camera.close else list(scene.figures)
        size = 2.4 if camera.close else 0.8
        self._movers = [_mover(rng, each, scene.look, size=size, width=width, height=height) for each in chosen]
        grain = rng.integers(-_GRAIN, _GRAIN + 1, size=(height + 64, width + 64, 1), dtype=np.int16)
        self._grain = grain
        self._grain_offsets = rng.integers(0, 64, size=(997, 2))

    def draw(self, frame: int, seconds: float) -> Pixels:
        """Frame number ``frame`` of the shot, ``seconds`` after its beginning: uint8 [height, width, 3], RGB."""
        width, height = self._width, self._height
        unrest = self._look.shake * width * np.sin(self._shake_phase + seconds * np.array([17.0, 29.0, 23.0, 13.0]))
        x = round(_bounce(self._origin[0] + self._pan[0] * seconds + unrest[0] + unrest[1], self._room[0]))
        y = round(_bounce(self._origin[1] + self._pan[1] * seconds + unrest[2] + unrest[3], self._room[1]))
        picture = self._canvas[y : y + height, x : x + width].astype(np.int16)
        for mover in self._movers:
            self._place(picture, mover, seconds)
        dy, dx = self._grain_offsets[frame % len(self._grain_offsets)]
        picture += self._grain[dy : dy + height, dx : dx + width]
        return np.asarray(np.clip(picture, 0, 255), dtype=np.uint8)

    def _place(self, picture: NDArray[np.int16], mover: _Mover, seconds: float) -> None:
        amplitude, hertz, phase = mover.bob
        centre_x = _bounce(mover.start[0] + mover.velocity[0] * seconds, self._width)
        centre_y = _bounce(mover.start[1] + mover.velocity[1] * seconds, self._height)
        centre_y += amplitude * np.sin(2 * np.pi * hertz * seconds + phase)
        high, wide = mover.mask.shape[:2]
        left, top = round(centre_x - wide / 2), round(centre_y - high / 2)
        x0, x1 = max(left, 0), min(left + wide, self._width)
        y0, y1 = max(top, 0), min(top + high, self._height)
        if x0 >= x1 or y0 >= y1:
            return
        part = (slice(y0 - top, y1 - top), slice(x0 - left, x1 - left))
        under = picture[y0:y1, x0:x1]
        picture[y0:y1, x0:x1] = under + (mover.patch[part] - under) * mover.mask[part]
