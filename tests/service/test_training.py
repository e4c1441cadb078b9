"""Whole training runs in this process, on clips that a few layers can tell apart."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.labelled_clips import make_clips

torch = pytest.importorskip("torch", reason="torch is not installed: pip install moodcut[train]")

from moodcut_kit.media.audio import decode_audio  # noqa: E402
from moodcut_kit.modelcache import sha256_of  # noqa: E402
from moodcut_scorer import EMOTIONS, Runtime, SmallModel  # noqa: E402
from moodcut_scorer.errors import ModelMissingError  # noqa: E402
from moodcut_training.backbones.registry import BackboneSpec, load_backbone  # noqa: E402
from moodcut_training.board import Board  # noqa: E402
from moodcut_training.checkpoint import BEST, LAST, read_checkpoint  # noqa: E402
from moodcut_training.config import RunConfig  # noqa: E402
from moodcut_training.errors import (  # noqa: E402
    CheckpointError,
    ConfigError,
    DatasetError,
    ExportError,
    TrainingDivergedError,
    TrainingInterruptedError,
)
from moodcut_training.run import BOARD, MODEL, REPORT, SPLIT, train  # noqa: E402
from moodcut_training.saved import load_model  # noqa: E402
from moodcut_training.scorer_export import export_for_scorer  # noqa: E402


@pytest.fixture(scope="module")
def manifest(ffmpeg: Callable[..., None], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clips(ffmpeg, tmp_path_factory.mktemp("clips"))


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def configured(manifest: Path, cache: Path, tmp_path: Path) -> Callable[..., RunConfig]:
    def make(**changed: Any) -> RunConfig:
        settings: dict[str, Any] = {
            "backbone": "tiny",
            "pretrained": False,
            "manifest": manifest,
            "media": manifest.parent,
            "output": tmp_path / "run",
            "cache": cache,
            "epochs": 2,
            "learning_rate": 3e-3,
            "frames_per_clip": 4,
            "validation_share": 0.2,
            "test_share": 0.4,
            "tensorboard": False,
            "device": "cpu",
        }
        return RunConfig(**(settings | changed))

    return make


def weights(path: Path) -> dict[str, Any]:
    return dict(read_checkpoint(path)["network"])


def same(a: dict[str, Any], b: dict[str, Any]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


class StopAfter:
    """Asks to stop once it was asked so many times."""

    def __init__(self, count: int) -> None:
        self.left = count

    def __call__(self) -> bool:
        self.left -= 1
        return self.left < 0


def test_it_learns_what_can_be_learned_and_writes_it_down(configured: Callable[..., RunConfig], tmp_path: Path) -> None:
    stages: list[tuple[str, float]] = []
    config = configured(epochs=12, tensorboard=True, best_by="accuracy")
    result = train(config, watch=lambda stage, share: stages.append((stage, share)))
    report = json.loads((config.output / REPORT).read_text())
    assert report == json.loads(json.dumps(result.report))
    assert report["split"] == "test"
    assert sum(report["clip_count"].values()) == 30
    drawn = [row.rpartition(",")[2] for row in (config.output / SPLIT).read_text().splitlines()[1:]]
    assert {name: drawn.count(name) for name in report["clip_count"]} == report["clip_count"]
    for name in ("visual", "audio", "joint"):
        assert report[name]["accuracy"] >= 0.8, (name, report[name])
        assert sum(map(sum, report[name]["confusion"])) == report[name]["count"]
    assert report["retrieval"]["image_by_music_map"] > report["retrieval"]["chance_map"]
    assert next(stage for stage, _ in stages) == "decode"
    shares = [share for stage, share in stages if stage == "train"]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0

    loaded = load_model(config.output / MODEL)
    assert same(dict(loaded.network.state_dict()), weights(config.output / BEST))
    assert read_checkpoint(config.output / BEST)["optimiser"] is None
    assert loaded.report == result.report
    assert not loaded.network.training

    curves = read_curves(config.output / BOARD)
    assert {f"loss/{name}" for name in ("image_music", "text_music", "text_image", "classes", "total")} <= set(curves)
    assert {f"accuracy/{name}" for name in ("audio", "visual", "joint")} <= set(curves)
    assert {"validation/accuracy_joint", "learning_rate/0", "contrast/scale"} <= set(curves)
    steps = [step for step, _ in curves["loss/total"]]
    assert steps == list(range(1, len(steps) + 1))
    assert curves["loss/total"][-1][1] < curves["loss/total"][0][1]
    terms = ("image_music", "text_music", "text_image", "classes")
    assert sum(curves[f"loss/{name}"][0][1] for name in terms) == pytest.approx(curves["loss/total"][0][1], rel=1e-5)


def read_curves(directory: Path) -> dict[str, list[tuple[int, float]]]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(directory), size_guidance={"scalars": 0})
    events.Reload()
    return {name: [(each.step, each.value) for each in events.Scalars(name)] for name in events.Tags()["scalars"]}


@pytest.mark.parametrize("batches", [0, 1, 2])
def test_a_resumed_run_ends_with_the_same_weights(
    batches: int, configured: Callable[..., RunConfig], tmp_path: Path, whole_run: dict[str, Any]
) -> None:
    """Stopped after a batch in the middle of an epoch, after its last one, and in the second epoch."""
    config = configured(augmentations=("mirror", "crop"), tensorboard=batches == 1)
    clip_count = 30
    with pytest.raises(TrainingInterruptedError, match=rf"interrupted in epoch .*{LAST}"):
        train(config, stop=StopAfter(clip_count + batches))
    torch.rand(3)
    np.random.random(3)  # noqa: NPY002  # what happens in between must not matter
    result = train(config)
    assert result.resumed
    assert same(weights(config.output / LAST), whole_run["last"])
    assert same(weights(config.output / BEST), whole_run["best"])
    assert result.report == whole_run["report"]
    if config.tensorboard:
        steps = [step for step, _ in read_curves(config.output / BOARD)["loss/total"]]
        assert steps == list(range(1, len(steps) + 1))


@pytest.fixture(scope="module")
def whole_run(manifest: Path, cache: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The run of the test above, uninterrupted."""
    output = tmp_path_factory.mktemp("whole")
    config = RunConfig(
        backbone="tiny",
        pretrained=False,
        manifest=manifest,
        media=manifest.parent,
        output=output,
        cache=cache,
        epochs=2,
        learning_rate=3e-3,
        frames_per_clip=4,
        validation_share=0.2,
        test_share=0.4,
        tensorboard=False,
        augmentations=("mirror", "crop"),
        device="cpu",
    )
    result = train(config)
    assert not result.resumed
    return {"last": weights(output / LAST), "best": weights(output / BEST), "report": result.report}


def test_a_longer_run_goes_on_and_another_one_is_refused(configured: Callable[..., RunConfig]) -> None:
    first = train(configured(epochs=1))
    assert first.report["epochs"] == 1
    with pytest.raises(CheckpointError, match=r"learning_rate: 0\.003 -> 0\.001; seed: 0 -> 5.*--again"):
        train(configured(learning_rate=1e-3, seed=5))
    with pytest.raises(CheckpointError, match="data: "):
        train(configured(test_share=0.0, seed=0), watch=lambda stage, share: None)
    longer = train(configured(epochs=2))
    assert (longer.resumed, longer.report["epochs"]) == (True, 2)
    anew = train(configured(epochs=1, learning_rate=1e-3), again=True)
    assert (anew.resumed, anew.report["epochs"]) == (False, 1)


def test_a_damaged_checkpoint_is_said_to_be(configured: Callable[..., RunConfig]) -> None:
    config = configured(epochs=1)
    config.output.mkdir()
    (config.output / LAST).write_bytes(b"PK nothing")
    with pytest.raises(CheckpointError, match=r"last\.pt is no checkpoint, or is damaged"):
        train(config)


def test_an_interrupt_while_decoding_keeps_what_was_decoded(
    configured: Callable[..., RunConfig], tmp_path: Path
) -> None:
    with pytest.raises(TrainingInterruptedError, match="after 2 of 30 clips"):
        train(configured(cache=tmp_path / "fresh"), stop=StopAfter(2))
    assert len(list((tmp_path / "fresh").rglob("*.npz"))) == 2
    assert not (tmp_path / "run" / LAST).exists()


@pytest.mark.parametrize(
    "ablation",
    [
        {"with_classifier": False},
        {"with_text": False},
        {"contrast": "softmax", "head_learning_rate": 1e-2, "dimension": 16},
        {"validation_share": 0.0, "test_share": 0.0, "norm_statistics": "frozen", "augmentations": ("excerpt",)},
    ],
)
def test_ablations_train(ablation: dict[str, Any], configured: Callable[..., RunConfig]) -> None:
    config = configured(epochs=1, **ablation)
    result = train(config)
    network = result.model.network
    assert ("classify.image.weight" in network.state_dict()) == config.with_classifier
    assert result.report["split"] == ("test" if config.test_share else "train")
    loaded = load_model(config.output / MODEL).network
    assert same(dict(loaded.state_dict()), dict(network.state_dict()))
    words = loaded.backbone.words.weight
    untrained = load_backbone(BackboneSpec(name="tiny", random_weights=True)).words.weight
    assert torch.equal(words, untrained) != config.with_text
    norm = loaded.backbone.image.layers[1]
    assert torch.equal(norm.running_mean, torch.zeros_like(norm.running_mean)) == (config.norm_statistics == "frozen")


def test_what_cannot_be_trained(configured: Callable[..., RunConfig], monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        pytest.raises(ConfigError, match="torch sees no GPU here")
        if not torch.cuda.is_available()
        else (pytest.raises(TrainingInterruptedError))
    ):
        train(configured(device="cuda"), stop=lambda: True)
    with pytest.raises(ExportError, match="with_text = false"):
        train(configured(with_text=False), for_scorer=True)
    terms = {"image_music": torch.tensor(float("nan"), requires_grad=True)}
    monkeypatch.setattr("moodcut_training.trainer.loss_terms", lambda *_, **__: terms)
    with pytest.raises(TrainingDivergedError, match="The loss is nan in epoch 1, batch 1"):
        train(configured())


def test_the_scorer_runs_what_was_trained(configured: Callable[..., RunConfig], manifest: Path, tmp_path: Path) -> None:
    result = train(configured(epochs=2), for_scorer=True)
    directory = tmp_path / "mine"
    written = export_for_scorer(result.model, directory, learned_from=result.learned_from)
    assert sorted(path.name for path in written) == [
        "heads-trained-on.txt",
        "heads.npz",
        "image.onnx",
        "music-msd.onnx",
        "music-mtt.onnx",
    ]
    scorer = SmallModel(runtime=Runtime(thread_count=1, providers=("CPUExecutionProvider",)), directory=directory)
    assert scorer.name.startswith("mine-")
    assert scorer.trained_on == {sha256_of(path) for path in result.learned_from}
    assert 0 < len(scorer.trained_on) < len(list(manifest.parent.glob("*.mp4")))

    network = result.model.network
    pictures = [np.random.default_rng(n).integers(0, 255, (48, 64, 3), dtype=np.uint8) for n in range(3)]
    short = [decode_audio(manifest.parent / f"{name}-1.mp4", sample_rate=16_000, channels=1) for name in EMOTIONS]
    sounds = [*short, *(np.concatenate(short[first : first + 3]) for first in range(3))]
    with torch.no_grad():
        prompts = network.embed("text", [network.prepared("text", text) for text in result.model.prompts])
        image = network.embed("image", [network.prepared("image", each) for each in pictures])
        music = network.embed("music", [network.prepared("music", each) for each in sounds])
        odds = {
            name: (network.class_logits(name, found, prompts) / result.model.temperatures[name]).softmax(dim=1)
            for name, found in (("image", image), ("music", music))
        }
    heard = np.stack([scorer.encode_music(each, 16_000).whole for each in sounds])
    seen = scorer.encode_images(pictures)
    moods = np.stack([scorer.mood_embedding(emotion) for emotion in EMOTIONS])
    np.testing.assert_allclose(seen, image.numpy(), atol=1e-4)
    np.testing.assert_allclose(heard, music.numpy(), atol=1e-4)
    np.testing.assert_allclose(moods, prompts.numpy(), atol=1e-5)
    np.testing.assert_allclose(seen @ heard.T, (image @ music.T).numpy(), atol=2e-4)
    np.testing.assert_allclose(scorer.classify_images(seen), odds["image"].numpy(), atol=1e-3)
    np.testing.assert_allclose(scorer.classify_music(heard), odds["music"].numpy(), atol=1e-3)
    with pytest.raises(ModelMissingError, match="no text encoder"):
        scorer.encode_text(["a quiet lake"])


def test_all_clips_that_cannot_be_read_are_named_at_once(
    configured: Callable[..., RunConfig], manifest: Path, tmp_path: Path
) -> None:
    shutil.copytree(manifest.parent, tmp_path / "clips")
    for name in ("fear-1.mp4", "sad-2.mp4"):
        (tmp_path / "clips" / name).write_bytes(b"no film")
    with pytest.raises(DatasetError, match=r"2 of 30 clips cannot be trained on; .*fear-1\.mp4.*sad-2\.mp4"):
        train(configured(manifest=tmp_path / "clips" / manifest.name, media=tmp_path / "clips"))
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"output folder .*file cannot be made: File exists"):
        train(configured(output=tmp_path / "file"))


def test_one_file_under_two_names_is_not_on_both_sides(
    configured: Callable[..., RunConfig], manifest: Path, tmp_path: Path
) -> None:
    shutil.copytree(manifest.parent, tmp_path / "clips")
    shutil.copy(tmp_path / "clips" / "sad-1.mp4", tmp_path / "clips" / "again.mp4")
    rows = [f"{row},train" for row in manifest.read_text().splitlines()[1:]]
    given = tmp_path / "clips" / "given.csv"
    given.write_text("\n".join(["file,emotion,group,split", *rows, "again.mp4,sad,another,test"]))
    with pytest.raises(DatasetError, match=r"sad-1\.mp4 and .*again\.mp4 hold the same bytes.*in train.*in test"):
        train(configured(manifest=given, media=given.parent))


def test_curves_of_a_run_that_saved_nothing_are_taken_away(configured: Callable[..., RunConfig]) -> None:
    config = configured(epochs=1, tensorboard=True)
    with Board(config.output / BOARD) as board:
        board.scalars({"loss/total": 99.0}, 1)
    train(config)
    steps = [step for step, _ in read_curves(config.output / BOARD)["loss/total"]]
    assert steps == list(range(1, len(steps) + 1))
