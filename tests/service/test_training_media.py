"""Clips of a training set as they are decoded and kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support.labelled_clips import make_clips

from moodcut_kit.media.audio import decode_audio
from moodcut_training.errors import DatasetError
from moodcut_training.mediacache import MediaCache


def test_clips_are_decoded_once(ffmpeg: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = make_clips(ffmpeg, tmp_path / "clips", group_count=1)
    held = MediaCache(tmp_path / "cache", frame_count=4, sample_rate=16_000)
    red = held.clip(manifest.parent / "tension-0.mp4")
    assert red.frame_count == 4
    assert red.sample_count == pytest.approx(32_000, abs=2)
    assert red.picture(3).shape == (48, 64, 3)
    assert red.picture(0)[24, 32].tolist() == pytest.approx([254, 0, 0], abs=6)
    plain = decode_audio(manifest.parent / "tension-0.mp4", sample_rate=16_000, channels=1)
    np.testing.assert_allclose(red.sound(), plain, atol=1 / 32_000)
    silent, unseen = held.clip(manifest.parent / "fear-0.mp4"), held.clip(manifest.parent / "excited-0.wav")
    assert (silent.sample_count, unseen.frame_count) == (0, 0)

    monkeypatch.setattr("moodcut_training.mediacache.VideoReader", None)
    monkeypatch.setattr("moodcut_training.mediacache.decode_audio", None)
    (manifest.parent / "tension-0.mp4").rename(manifest.parent / "renamed.mp4")
    assert held.clip(manifest.parent / "renamed.mp4").picture(0)[24, 32, 0] > 240


def test_media_that_cannot_be_read_are_named(ffmpeg: Callable[..., None], tmp_path: Path) -> None:
    held = MediaCache(tmp_path / "cache", frame_count=4, sample_rate=16_000)
    ffmpeg("-f", "lavfi", "-i", "sine=r=16000:d=0.2", tmp_path / "blip.wav")
    with pytest.raises(DatasetError, match=r"blip\.wav has 0\.20 s of sound; at least 0\.5 s"):
        held.clip(tmp_path / "blip.wav")
    (tmp_path / "notes.txt").write_text("no film")
    with pytest.raises(DatasetError, match=r"notes\.txt"):
        held.clip(tmp_path / "notes.txt")
