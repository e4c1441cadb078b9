"""Clips of different size, rate and sound joined into a film of known scenes."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import av
import pytest
from build_film import Shape, build_film, with_picture

from moodcut_training.data import Clip


@pytest.fixture
def clips(tmp_path: Path, ffmpeg: Callable[..., None]) -> list[Clip]:
    picture = "color=c={colour}:size={size}:rate={rate}:duration={seconds}"
    sound = ("-f", "lavfi", "-i", "sine=duration=5")
    kinds = [
        ("red", "64x96", "30000/1001", 1.3, sound),
        ("blue", "160x60", "24", 0.9, ()),
        ("green", "128x72", "25", 1.0, ("-f", "lavfi", "-i", "sine=duration=0.2")),
    ]
    for colour, size, rate, seconds, heard in kinds:
        source = picture.format(colour=colour, size=size, rate=rate, seconds=seconds)
        ffmpeg("-f", "lavfi", "-i", source, *heard, "-pix_fmt", "yuv420p", tmp_path / f"{colour}.mp4")
    ffmpeg(*sound, tmp_path / "song.wav")
    names = ["red.mp4", "blue.mp4", "green.mp4", "song.wav"]
    return [Clip(path=tmp_path / name, emotion=index, group=name) for index, name in enumerate(names)]


def test_scenes_begin_where_the_truth_says(clips: list[Clip], tmp_path: Path) -> None:
    pictures = with_picture(clips)
    assert [clip.path.name for clip in pictures] == ["red.mp4", "blue.mp4", "green.mp4"]
    order = [*pictures, pictures[0]]
    film = tmp_path / "film.mp4"
    truth = build_film(order, film, Shape(width=128, height=72, fps=25))
    assert json.loads((tmp_path / "film.truth.json").read_text()) == truth
    scenes = truth["scenes"]
    assert isinstance(scenes, list)
    assert [scene["clip"] for scene in scenes] == [clip.path.name for clip in order]
    assert [scene["emotion"] for scene in scenes] == ["excited", "fear", "neutral", "excited"]
    with av.open(str(film)) as container:
        frames = [frame.to_ndarray(format="rgb24")[36, 64] for frame in container.decode(video=0)]
    assert len(frames) == scenes[-1]["end_frame"]
    assert truth["duration_seconds"] == len(frames) / 25
    for scene, channel in zip(scenes, (0, 2, 1, 0), strict=True):
        shown = [int(pixel.argmax()) for pixel in frames[scene["start_frame"] : scene["end_frame"]]]
        assert set(shown) == {channel}
    with av.open(str(film)) as container:
        stream = container.streams.video[0]
        steps = [packet.pts for packet in container.demux(stream) if packet.pts is not None]
        gaps = {after - before for before, after in pairwise(sorted(steps))}
        sound_seconds = float((container.streams.audio[0].duration or 0) * (container.streams.audio[0].time_base or 0))
    assert len(gaps) == 1, "the joined film has a constant rate"
    assert sound_seconds == pytest.approx(truth["duration_seconds"], abs=0.05)
