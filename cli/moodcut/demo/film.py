"""Writes generated films: scenes, shots and emotions of known truth, H.264 and AAC."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.codec.context import Flags
from av.video.reformatter import ColorPrimaries, Colorspace, ColorTrc
from numpy.typing import NDArray

from moodcut.demo.ambience import film_sound
from moodcut.demo.moods import Emotion
from moodcut.demo.picture import Pixels, SceneArt, ShotArt, make_scene
from moodcut.demo.truth import Dissolve, FilmTruth, SceneTruth, ShotTruth, truth_path

_SAMPLE_RATE = 48000
_AHEAD = 16  # frames drawn before they are encoded
# Steps from frame to frame of a film of variable rate, in thirds of the nominal one; drawn anew every few frames.
_VARIABLE_STEPS = (2, 3, 3, 4, 6)
# MP4 refines time bases coarser than this; Matroska rounds to milliseconds.
_MIN_TIMESCALE = 10_000
_MATROSKA_TICK = Fraction(1, 1000)


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneSpec:
    """A scene to be made: its emotion and the lengths of its shots."""

    emotion: Emotion
    shot_seconds: tuple[float, ...]


def write_film(
    path: Path,
    *,
    scenes: Sequence[SceneSpec],
    seed: int,
    size: tuple[int, int] = (640, 360),
    rate: Fraction = Fraction(25),
    variable_rate: bool = False,
    dissolve_frames: int = 0,
    first_pts_seconds: Fraction = Fraction(0),
    pixel_aspect: Fraction = Fraction(1),
    sound: bool = True,
    sound_seconds: float | None = None,
) -> FilmTruth:
    """Make a film and write it with its truth beside it (:func:`truth_path`). The same arguments give the same film.

    ``size`` is (width, height) in pixels; odd sizes are encoded as 4:4:4, others as 4:2:0. ``rate`` is in frames a
    second; with ``variable_rate`` frames last between two thirds and twice the nominal time. ``dissolve_frames``
    mixes that many frames where scenes meet; 0 means hard cuts. ``sound_seconds`` shortens the sound. The format
    follows from the suffix of ``path`` (.mp4, .mov, .mkv).
    """
    rng = np.random.default_rng(seed)
    width, height = size
    shots, scene_truths = _lay_out(scenes, rate, rng)
    if dissolve_frames and dissolve_frames >= min(shot.end_frame - shot.start_frame for shot in shots):
        raise ValueError(f"dissolve_frames is {dissolve_frames}; it must be shorter than the shortest shot")
    arts = [make_scene(rng, each.emotion, kind=index, width=width, height=height) for index, each in enumerate(scenes)]
    shot_seeds = rng.integers(0, 2**32, size=len(shots))
    frame_count = shots[-1].end_frame
    time_base, boundaries = _frame_boundaries(frame_count, rate, variable_rate, first_pts_seconds, path.suffix, rng)
    half = dissolve_frames // 2
    scene_cuts = [each.start_frame for each in scene_truths[1:]] if dissolve_frames else []
    dissolves = tuple(Dissolve(start_frame=cut - half, end_frame=cut - half + dissolve_frames) for cut in scene_cuts)
    seconds = (boundaries - boundaries[0]) * float(time_base)
    pictures = _pictures(shots, arts, shot_seeds, dissolves, seconds, size)
    audio = film_sound(scene_truths, seconds, sample_rate=_SAMPLE_RATE, seed=seed) if sound else None
    if audio is not None and sound_seconds is not None:
        audio = audio[:, : round(sound_seconds * _SAMPLE_RATE)]
    _encode(path, pictures, boundaries, time_base, rate, pixel_aspect, audio, size)
    steps = np.diff(boundaries)
    starts = np.concatenate(([0], np.flatnonzero(np.diff(steps)) + 1))
    counts = np.diff(np.concatenate((starts, [len(steps)])))
    truth = FilmTruth(
        seed=seed,
        width=width,
        height=height,
        frame_rate=f"{rate.numerator}/{rate.denominator}",
        time_base=f"{time_base.numerator}/{time_base.denominator}",
        first_pts=int(boundaries[0]),
        runs=tuple((int(steps[start]), int(count)) for start, count in zip(starts, counts, strict=True)),
        shots=tuple(shots),
        scenes=tuple(scene_truths),
        dissolves=dissolves,
    )
    truth.write(truth_path(path))
    return truth


def _lay_out(
    scenes: Sequence[SceneSpec], rate: Fraction, rng: np.random.Generator
) -> tuple[list[ShotTruth], list[SceneTruth]]:
    """Frames of every shot and scene; no shot has the camera of the one before it."""
    shots: list[ShotTruth] = []
    scene_truths: list[SceneTruth] = []
    frame = 0
    for index, scene in enumerate(scenes):
        first_shot, first_frame, camera = len(shots), frame, 0
        for number, length in enumerate(scene.shot_seconds):
            camera = 0 if number == 0 else int(rng.choice([each for each in range(3) if each != camera]))
            end = frame + max(2, round(length * rate))
            shots.append(ShotTruth(start_frame=frame, end_frame=end, scene_index=index, camera=camera))
            frame = end
        scene_truths.append(
            SceneTruth(
                start_frame=first_frame,
                end_frame=frame,
                first_shot=first_shot,
                end_shot=len(shots),
                emotion=scene.emotion,
            )
        )
    return shots, scene_truths


def _frame_boundaries(
    frame_count: int, rate: Fraction, variable: bool, first_seconds: Fraction, suffix: str, rng: np.random.Generator
) -> tuple[Fraction, NDArray[np.int64]]:
    """The container's time base, and the pts of every frame's start and of the end, int64 [frame_count + 1]."""
    ticks_per_frame = 3 * rate.denominator
    while rate * ticks_per_frame < _MIN_TIMESCALE:
        ticks_per_frame *= 2
    time_base = 1 / (rate * ticks_per_frame)
    steps = np.full(frame_count, ticks_per_frame, dtype=np.int64)
    if variable:
        runs = rng.integers(3, 40, size=frame_count)
        thirds = np.repeat(rng.choice(_VARIABLE_STEPS, size=frame_count), runs)[:frame_count]
        steps = thirds.astype(np.int64) * (ticks_per_frame // 3)
    boundaries = round(first_seconds / time_base) + np.concatenate(([0], np.cumsum(steps))).astype(np.int64)
    if suffix == ".mkv":
        return _MATROSKA_TICK, np.array([round(int(pts) * time_base / _MATROSKA_TICK) for pts in boundaries])
    return time_base, boundaries


def _pictures(
    shots: Sequence[ShotTruth],
    arts: Sequence[SceneArt],
    seeds: NDArray[np.int64],
    dissolves: Sequence[Dissolve],
    seconds: NDArray[np.float64],
    size: tuple[int, int],
) -> Iterator[Pixels]:
    """Frames in order, drawn on two threads."""
    width, height = size

    made: dict[int, ShotArt] = {}

    def art_of(index: int) -> ShotArt:
        if index not in made:
            made.pop(index - 3, None)
            shot, rng = shots[index], np.random.default_rng(int(seeds[index]))
            made[index] = ShotArt(rng, arts[shot.scene_index], shot.camera, width=width, height=height)
        return made[index]

    def draw(frame: int, parts: Sequence[tuple[ShotArt, float, float]]) -> Pixels:
        drawn = [(art.draw(frame, since), share) for art, since, share in parts]
        if len(drawn) == 1:
            return drawn[0][0]
        return np.asarray(np.round(sum(picture * share for picture, share in drawn)), dtype=np.uint8)

    def parts_of(frame: int) -> list[tuple[ShotArt, float, float]]:
        return [
            (art_of(index), float(seconds[frame] - seconds[shots[index].start_frame]), share)
            for index, share in _shares(frame, shots, dissolves)
        ]

    with ThreadPoolExecutor(2) as pool:
        waiting = []
        for frame in range(shots[-1].end_frame):
            waiting.append(pool.submit(draw, frame, parts_of(frame)))
            if len(waiting) >= _AHEAD:
                yield waiting.pop(0).result()
        for future in waiting:
            yield future.result()


def _shares(frame: int, shots: Sequence[ShotTruth], dissolves: Sequence[Dissolve]) -> list[tuple[int, float]]:
    """Shots seen in a frame, with their shares: one, or two in a dissolve."""
    index = next(index for index, shot in enumerate(shots) if frame < shot.end_frame)
    for each in dissolves:
        if each.start_frame <= frame < each.end_frame:
            before = index if shots[index].end_frame < each.end_frame else index - 1
            share = (frame - each.start_frame + 1) / (each.end_frame - each.start_frame + 1)
            return [(before, 1 - share), (before + 1, share)]
    return [(index, 1.0)]


def _encode(
    path: Path,
    pictures: Iterator[Pixels],
    boundaries: NDArray[np.int64],
    time_base: Fraction,
    rate: Fraction,
    pixel_aspect: Fraction,
    audio: NDArray[np.float32] | None,
    size: tuple[int, int],
) -> None:
    odd = size[0] % 2 or size[1] % 2
    movflags = {"movflags": "+faststart"} if path.suffix in (".mp4", ".mov") else {}
    with av.open(str(path), "w", options={"fflags": "+bitexact", **movflags}) as container:
        picture_stream: Any = container.add_stream("libx264", rate=rate)
        picture_stream.width, picture_stream.height = size
        picture_stream.pix_fmt = "yuv444p" if odd else "yuv420p"
        picture_stream.options = {"crf": "23", "preset": "superfast", "keyint": str(round(2 * rate))}
        picture_stream.time_base = time_base
        codec = picture_stream.codec_context
        codec.time_base = time_base
        codec.thread_count = 2
        codec.flags |= Flags.frame_duration
        codec.colorspace, codec.color_range = Colorspace.ITU709, 1
        codec.color_primaries, codec.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
        if pixel_aspect != 1:
            codec.sample_aspect_ratio = pixel_aspect
        sound_stream: Any = None
        if audio is not None:
            sound_stream = container.add_stream("aac", rate=_SAMPLE_RATE, layout="stereo")
            sound_stream.bit_rate = 128_000
        offset = boundaries[0] * time_base
        sample = 0
        for index, pixels in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame = frame.reformat(format=picture_stream.pix_fmt, dst_colorspace=Colorspace.ITU709)
            frame.pts, frame.time_base = int(boundaries[index]), time_base
            frame.duration = int(boundaries[index + 1] - boundaries[index])
            container.mux(picture_stream.encode(frame))
            # Sound follows the picture, so that the two lie interleaved in the file.
            due = round(float((boundaries[index + 1] - boundaries[0]) * time_base) * _SAMPLE_RATE)
            if audio is not None and due - sample >= _SAMPLE_RATE:
                _encode_sound(container, sound_stream, audio, sample, due, offset)
                sample = due
        if audio is not None:
            _encode_sound(container, sound_stream, audio, sample, audio.shape[1], offset)
            container.mux(sound_stream.encode(None))
        container.mux(picture_stream.encode(None))


def _encode_sound(
    container: Any, stream: Any, audio: NDArray[np.float32], start: int, end: int, offset: Fraction
) -> None:
    """Encode samples ``start`` to ``end`` (clipped to the sound's length)."""
    samples = audio[:, start:end]
    if samples.shape[1] == 0:
        return
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), format="fltp", layout="stereo")
    frame.sample_rate, frame.time_base = _SAMPLE_RATE, Fraction(1, _SAMPLE_RATE)
    frame.pts = start + round(offset * _SAMPLE_RATE)
    container.mux(stream.encode(frame))
