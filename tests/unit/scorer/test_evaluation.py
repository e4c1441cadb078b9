"""Figures, baselines and tables of an evaluation, on values made by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from moodcut_scorer.emotions import EMOTIONS
from moodcut_scorer.evaluation import affect
from moodcut_scorer.evaluation.evaluating import Evaluated
from moodcut_scorer.evaluation.figures import Answers, judged
from moodcut_scorer.evaluation.judges import column, together
from moodcut_scorer.evaluation.manifest import ManifestError, read_manifest
from moodcut_scorer.evaluation.plots import draw_confusion
from moodcut_scorer.evaluation.supervised import fit_softmax_regression
from moodcut_scorer.evaluation.tables import as_json, as_text

SURE = np.eye(6)


def answers(visual: np.ndarray, audio: np.ndarray, similarity: np.ndarray | None = None) -> Answers:
    return Answers(name="it", visual=visual, audio=audio, joint=visual + audio, similarity=similarity)


def test_a_perfect_judge() -> None:
    truth = np.repeat(np.arange(6), 3)
    groups = np.array([f"g{index}" for index in range(18)])
    found = judged(answers(SURE[truth], SURE[truth], SURE[truth] @ SURE[truth].T), truth, groups)
    assert found.visual is not None
    assert found.retrieval is not None
    assert (found.visual.accuracy, found.visual.macro_f1, found.visual.interval) == (1, 1, (1, 1))
    assert found.visual.confusion.tolist() == (3 * np.eye(6)).tolist()
    assert (found.retrieval.image_by_music_map, found.retrieval.music_by_image_map) == (1, 1)


def test_clips_without_picture_or_sound_take_no_part() -> None:
    truth, groups = np.array([0, 1, 2, 3]), np.array(["a", "b", "c", "d"])
    visual, audio = SURE[truth].copy(), SURE[[1, 1, 2, 3]].copy()
    visual[2:], audio[1:2] = np.nan, np.nan
    found = judged(answers(visual, audio), truth, groups)
    assert found.visual is not None
    assert found.audio is not None
    assert found.joint is not None
    assert (found.visual.count, found.audio.count, found.joint.count) == (2, 3, 1)
    assert found.audio.accuracy == pytest.approx(2 / 3)
    assert found.retrieval is None
    nothing = judged(answers(np.full((4, 6), np.nan), audio), truth, groups)
    assert nothing.visual is None
    assert nothing.joint is None


def test_retrieval_leaves_out_the_query_s_own_group() -> None:
    truth, groups = np.array([0, 0, 1]), np.array(["a", "b", "c"])
    similarity = np.array([[0.0, 0.2, 0.9], [0.5, 1.0, 0.1], [0.3, 0.9, 0.1]])
    found = judged(answers(SURE[truth], SURE[truth], similarity), truth, groups).retrieval
    assert found is not None
    assert found.image_by_music_map == pytest.approx((1 / 2 + 1) / 2)
    assert found.music_by_image_map == pytest.approx((1 + 1 / 2) / 2)


def test_evidence_together() -> None:
    odds = together(np.array([[0.5, 0.5, 0, 0, 0, 0]]), np.array([[0.8, 0.2, 0, 0, 0, 0]]))
    np.testing.assert_allclose(odds, [[0.8, 0.2, 0, 0, 0, 0]], atol=1e-6)
    rows = column([(None, np.ones(2)), (np.zeros(3), None)], 0)
    assert np.isnan(rows[0]).all()
    assert rows[1].tolist() == [0, 0, 0]


def test_bright_colours_please_and_saturated_ones_excite() -> None:
    def plain(red: int, green: int, blue: int) -> list[np.ndarray]:
        return [np.full((8, 8, 3), (red, green, blue), dtype=np.uint8)]

    colours = np.stack([affect.colour(plain(*each)) for each in ((250, 250, 250), (20, 20, 20), (250, 10, 10))])
    np.testing.assert_allclose(colours[0], [250 / 255, 0], atol=0.01)
    valence, arousal = affect.affect_of_colour(colours).T
    assert valence[1] < valence[0] < valence[2]
    assert arousal[2] > arousal[0]
    with_gap = affect.affect_of_colour(np.vstack([colours, [[np.nan, np.nan]]]))
    assert np.isnan(with_gap[3]).all()
    np.testing.assert_allclose(with_gap[:3, 0], valence)


def test_loudness_tempo_and_mode_are_heard() -> None:
    time = np.arange(16_000 * 8) / 16_000

    def music(third: float, bpm: float, gain: float) -> np.ndarray:
        chord = sum(np.sin(2 * np.pi * 220 * 2 ** (step / 12) * time) for step in (0, third, 7))
        beat = np.exp(-((time * bpm / 60) % 1) * 8)
        return np.asarray(gain * 0.2 * chord * beat, dtype=np.float32)

    major, minor = affect.sound(music(4, 120, 1.0)), affect.sound(music(3, 120, 0.1))
    assert major[0] - minor[0] == pytest.approx(20, abs=1)
    assert major[1] == pytest.approx(120, abs=4)
    assert major[2] > minor[2]
    silent = affect.sound(np.zeros(16_000, dtype=np.float32))
    assert np.isfinite(silent).all()
    assert affect.affect_of_sound(np.stack([major, minor, silent])).shape == (3, 2)


def test_each_place_is_nearest_to_itself() -> None:
    assert affect.place_scores(affect.PLACES).argmax(axis=1).tolist() == list(range(6))


def test_softmax_regression_learns_and_its_slope_is_zero() -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 6
    features = rng.normal(size=(60, 200)) + 3 * np.eye(200)[labels]
    fitted = fit_softmax_regression(features, labels, penalty=0.5)
    assert (fitted.probabilities(features).argmax(axis=1) == labels).all()
    standard = (features - fitted.centre) / fitted.scale
    slope = standard.T @ (fitted.probabilities(features) - np.eye(6)[labels]) / 60 + 0.5 * fitted.weight
    np.testing.assert_allclose(slope, 0, atol=2e-4)
    heavier = fit_softmax_regression(features, labels, penalty=50.0)
    assert np.abs(heavier.weight).max() < np.abs(fitted.weight).max()


def test_rare_classes_weigh_as_much() -> None:
    features = np.zeros((10, 2))
    fitted = fit_softmax_regression(features, np.array([0] * 9 + [1]))
    odds = fitted.probabilities(features[:1])[0]
    assert odds[0] == pytest.approx(odds[1], abs=1e-3)


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_manifests(tmp_path: Path) -> None:
    rows = "file,emotion,group,split\na.mp4,sad,x,test\nsub/b.wav,Fear,,train\n"
    items = read_manifest(write(tmp_path / "m.csv", rows))
    assert [item.emotion for item in items] == [EMOTIONS.index("sad"), EMOTIONS.index("fear")]
    assert items[1].path == tmp_path / "sub/b.wav"
    assert items[0].group != items[1].group
    assert [item.name for item in read_manifest(tmp_path / "m.csv", split="test")] == ["a.mp4"]
    assert read_manifest(tmp_path / "m.csv", media=Path("/films"))[0].path == Path("/films/a.mp4")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("file,group\na,b\n", "no column emotion"),
        ("file,emotion,group\na.mp4,jolly,x\n", "line 2: 'jolly' is none of excited"),
        ("file,emotion,group\n,sad,x\n", "line 2: no file"),
        ("file,emotion,group\n", "lists no files"),
        ("file,emotion,group\na,sad,b\n", "no column split"),
    ],
)
def test_bad_manifests(tmp_path: Path, text: str, words: str) -> None:
    split = "test" if "split" in words else None
    with pytest.raises(ManifestError, match=words):
        read_manifest(write(tmp_path / "m.csv", text), split=split)
    with pytest.raises(ManifestError, match="cannot be read"):
        read_manifest(tmp_path / "none.csv")


def test_tables_and_pictures(tmp_path: Path) -> None:
    truth, groups = np.arange(6), np.array(list("abcdef"))
    judgement = judged(answers(SURE, SURE[::-1].copy(), np.eye(6)), truth, groups)
    evaluated = Evaluated(judgements=[judgement], file_count=6, group_count=6, failed=[("x.mp4", "broken")])
    found = json.loads(json.dumps(as_json(evaluated)))
    assert found["visual"]["accuracy"] == 1
    assert found["audio"]["accuracy"] == 0
    assert set(found["joint"]) >= {"accuracy", "macro_f1", "interval"}
    assert found["failed"] == [{"file": "x.mp4", "reason": "broken"}]
    text = "\n".join(as_text(evaluated))
    assert "1.00 (1.00 to 1.00)" in text
    assert all(emotion in text for emotion in EMOTIONS)
    assert "neutral relaxation" in text
    assert judgement.visual is not None
    draw_confusion(judgement.visual.confusion, "pictures", tmp_path / "c.png")
    with Image.open(tmp_path / "c.png") as image:
        assert image.size[0] > 500


def test_what_flatters_the_figures_is_said() -> None:
    truth = np.arange(6)
    judgement = judged(answers(SURE, SURE, np.eye(6)), truth, np.array(list("abcdef")))
    told = Evaluated(
        judgements=[judgement],
        file_count=6,
        group_count=6,
        failed=[],
        met_in_training=["a.mp4", "b.mp4"],
        met_by_classifiers=["c.mp4"],
    )
    found, text = as_json(told), list(as_text(told))
    assert found["met_in_training"] == ["a.mp4", "b.mp4"]
    assert found["met_by_classifiers"] == ["c.mp4"]
    assert text[1] == "CAUTION: it was trained on 2 of these files, which flatters its figures"
    assert text[2].startswith("CAUTION: 1 of these files share a group with --train")
    unknown = Evaluated(judgements=[judgement], file_count=6, group_count=6, failed=[])
    assert as_json(unknown)["met_in_training"] is None
    assert not any("CAUTION" in line for line in as_text(unknown))


def test_one_group_has_no_interval() -> None:
    judgement = judged(answers(SURE, SURE), np.arange(6), np.array(["a"] * 6))
    evaluated = Evaluated(judgements=[judgement], file_count=6, group_count=1, failed=[])
    found = json.loads(json.dumps(as_json(evaluated), allow_nan=False))
    assert found["visual"]["accuracy"] == 1
    assert (found["visual"]["interval"], found["visual"]["macro_f1_interval"]) == (None, None)
    text = "\n".join(as_text(evaluated))
    assert "so there are no intervals" in text
    assert "nan" not in text


def test_calibration_is_printed_where_scores_are_probabilities() -> None:
    odds = 0.5 * SURE + 0.5 / 6
    sure = Answers(name="sure", visual=odds, audio=np.full((6, 6), np.nan), joint=odds, calibrated=True)
    judgements = [judged(each, np.arange(6), np.arange(6)) for each in (sure, answers(SURE, SURE))]
    lines = list(as_text(Evaluated(judgements=judgements, file_count=6, group_count=6, failed=[])))
    (at,) = [number for number, line in enumerate(lines) if line.startswith("calibration error")]
    # All are right, and said to be so with 7/12.
    assert lines[at + 1].split() == ["sure", "-", "0.42", "0.42"]
    assert lines[at + 2] == "", "of scores that are no probabilities there is no calibration"
