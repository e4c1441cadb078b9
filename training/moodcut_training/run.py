"""A training run from its configuration to a model file: resumes where it was left, ends with its held-out figures."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import torch

from moodcut_kit.modelcache import publish
from moodcut_training.board import Board, summary_writer
from moodcut_training.checkpoint import BEST, LAST, read_checkpoint
from moodcut_training.config import RunConfig
from moodcut_training.determinism import deterministic, pick_device
from moodcut_training.draws import Draws
from moodcut_training.errors import ConfigError, DatasetError, TrainingInterruptedError
from moodcut_training.heldout import figures, look_at, middle_frames, temperatures
from moodcut_training.manifest import SPLITS, Item, manifest_digest, part_of, read_manifest, write_split
from moodcut_training.mediacache import CachedClip, MediaCache, default_cache
from moodcut_training.network import EmotionNetwork, Modality, Projection
from moodcut_training.saved import TrainedModel, build_network, save_model
from moodcut_training.scorer_export import check_exportable
from moodcut_training.trainer import Trainer

MODEL: Final = "model.pt"
REPORT: Final = "report.json"
SPLIT: Final = "split.csv"
BOARD: Final = "board"
_BATCH = 6
_STANDARDISED_CLIPS = 240
_NAMED_CLIPS = 5

Watch = Callable[[str, float], None]
"""Told a stage ("decode", "train", "evaluate") and the share of it that is done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """The model and its figures. ``resumed``: the run had been begun before.

    ``learned_from``: the clips of the training and validation splits, which decided the weights and the temperatures.
    """

    model_path: Path
    model: TrainedModel
    report: dict[str, Any]
    resumed: bool
    learned_from: tuple[Path, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Split:
    """Items of one split and their decoded clips."""

    items: list[Item]
    clips: list[CachedClip]


def train(
    config: RunConfig,
    *,
    again: bool = False,
    for_scorer: bool = False,
    stop: Callable[[], bool] = lambda: False,
    watch: Watch = lambda stage, share: None,
) -> RunResult:
    """Train as ``config`` says and evaluate the best weights on the test split (else validation).

    A run that was interrupted goes on, and ends with the same weights as one that was not; ``again`` begins anew.
    Writes split.csv, last.pt, best.pt, model.pt, report.json and the folder board into ``config.output``. ``stop`` is
    asked after every batch and every decoded clip. ``for_scorer``: refuse at once what cannot be exported to the scorer
    afterwards.

    Raises ConfigError, DatasetError, BackboneError, CheckpointError, TensorBoardMissingError, TrainingDivergedError,
    ExportError, and TrainingInterruptedError once stopped, with everything saved.
    """
    device = pick_device(config.device)
    if config.tensorboard:
        summary_writer()  # decoding may take long: say at once that it is missing
    items = read_manifest(
        config.manifest,
        config.media,
        validation_share=config.validation_share,
        test_share=config.test_share,
        seed=config.seed,
    )
    with deterministic(config.seed):
        network = build_network(config.described(), random_weights=not config.pretrained)
        if for_scorer:
            check_exportable(network.backbone, config.described())
        if again:
            _forget(config.output)
        _make_folder(config.output)
        splits = _decoded(items, config, network.backbone.sample_rate, stop, watch)
        network.to(device)
        trainer = _trainer(network, splits, config, manifest_digest(items))
        resumed = trainer.resume()
        if not resumed:
            shutil.rmtree(
                config.output / BOARD, ignore_errors=True
            )  # of a run that was killed before it saved anything
            _standardise(trainer, splits["train"], config.prompts)
        write_split(items, config.output / SPLIT)
        directory = config.output / BOARD if config.tensorboard else None
        with Board(directory, first_step=trainer.progress.step + 1 if resumed else 0) as board:
            trainer.run(board=board, stop=stop, watch=partial(watch, "train"))
        return _finished(trainer, splits, config, resumed=resumed, watch=watch)


def _make_folder(output: Path) -> None:
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"The output folder {output} cannot be made: {error.strerror}.", key="output") from error


def _forget(output: Path) -> None:
    for name in (LAST, BEST, MODEL, REPORT):
        (output / name).unlink(missing_ok=True)


def _decoded(
    items: Sequence[Item], config: RunConfig, sample_rate: int, stop: Callable[[], bool], watch: Watch
) -> dict[str, _Split]:
    """Every clip's frames and sound, decoded now where they are not kept yet.

    Raises DatasetError once all were tried, naming the first that cannot be trained on.
    """
    cache = MediaCache(config.cache or default_cache(), frame_count=config.frames_per_clip, sample_rate=sample_rate)
    clips: list[CachedClip] = []
    problems: list[str] = []
    for number, item in enumerate(items):
        if stop():
            raise TrainingInterruptedError(
                f"interrupted after {number} of {len(items)} clips were decoded; they are kept, training had not begun"
            )
        watch("decode", number / len(items))
        try:
            clips.append(cache.clip(item.path))
        except DatasetError as error:
            problems.append(error.message)
    if problems:
        more = f" And {len(problems) - _NAMED_CLIPS} more." if len(problems) > _NAMED_CLIPS else ""
        raise DatasetError(
            f"{len(problems)} of {len(items)} clips cannot be trained on; mend them, or take them out of the manifest. "
            + " ".join(problems[:_NAMED_CLIPS])
            + more
        )
    pairs = list(zip(items, clips, strict=True))
    _check_contents(pairs)
    return {
        split: _Split(items=part_of(items, split), clips=[clip for item, clip in pairs if item.split == split])
        for split in SPLITS
    }


def _check_contents(pairs: Sequence[tuple[Item, CachedClip]]) -> None:
    """Raises DatasetError if a file lies on two sides of the split, which another name or group of it would hide."""
    sides: dict[str, Item] = {}
    for item, clip in pairs:
        first = sides.setdefault(clip.content, item)
        if first.split != item.split:
            raise DatasetError(
                f"{first.path} and {item.path} hold the same bytes, and one is in {first.split}, the other in "
                f"{item.split}. Give both one group, or leave one out."
            )


def _trainer(network: EmotionNetwork, splits: dict[str, _Split], config: RunConfig, digest: str) -> Trainer:
    known = splits["train"]
    labels = [item.emotion for item in known.items]
    draws = Draws(known.clips, labels, seed=config.seed, augmentations=config.augmentations)
    description = config.described() | {"data": digest}

    def validate() -> dict[str, float]:
        return _validation(_figures(network, splits["validation"], config), config.best_by)

    return Trainer(network, draws, config, description, validate)


def _standardise(trainer: Trainer, known: _Split, prompts: Sequence[str]) -> None:
    """Let the projections, if there are any, standardise by what the encoders make of the training split."""
    network = trainer.network
    seen = [clip for clip in known.clips if clip.frame_count]
    heard = [clip for clip in known.clips if clip.sample_count]
    given: dict[Modality, list[Callable[[], Any]]] = {
        "image": [partial(clip.picture, middle_frames(clip, 1)[0]) for clip in _spread(seen)],
        "music": [clip.sound for clip in _spread(heard)],
        "text": [partial(str, each) for each in prompts],
    }
    network.train()
    with torch.no_grad():
        for modality, projection in network.project.items():
            if not isinstance(projection, Projection):
                continue
            # An incomplete batch at the end may be a single item, of which batch norms cannot learn.
            rows = [
                network.features(modality, [network.prepared(modality, item()) for item in given[modality][start:end]])
                for start, end in pairwise(range(0, len(given[modality]) + 1, _BATCH))
            ]
            projection.standardise(torch.cat(rows))


def _spread(clips: list[CachedClip]) -> list[CachedClip]:
    """At most 240 of them, evenly from all; standardising needs no more."""
    return clips[:: -(-len(clips) // _STANDARDISED_CLIPS)]


def _figures(network: EmotionNetwork, split: _Split, config: RunConfig) -> dict[str, Any] | None:
    if not split.items:
        return None
    prompts = config.prompts if config.with_text else None
    seen = look_at(network, split.items, split.clips, prompts=prompts, frame_count=config.evaluation_frames)
    return figures(seen)


def _validation(found: dict[str, Any] | None, best_by: str) -> dict[str, float]:
    """Curves for the board, and ``best``: what decides which weights are kept. NaN where nothing can be said.

    Retrieval says nothing where no emotion has two groups; accuracy decides then.
    """
    if found is None:
        return {}

    def number(value: float | None) -> float:
        return math.nan if value is None else value

    curves = {f"accuracy_{name}": number(found[name]["accuracy"]) for name in ("visual", "audio", "joint")}
    ranks = {name: number(found["retrieval"][name]) for name in ("image_by_music_map", "music_by_image_map")}
    best = sum(ranks.values()) / len(ranks)
    if best_by == "accuracy" or math.isnan(best):
        best = curves["accuracy_joint"]
    return curves | ranks | {"best": best}


def _finished(
    trainer: Trainer, splits: dict[str, _Split], config: RunConfig, *, resumed: bool, watch: Watch
) -> RunResult:
    network, progress = trainer.network, trainer.progress
    network.load_state_dict(read_checkpoint(config.output / BEST)["network"])
    prompts = config.prompts if config.with_text else None
    look = partial(look_at, network, prompts=prompts, frame_count=config.evaluation_frames)
    fitted = splits["validation"]
    warmth = temperatures(look(fitted.items, fitted.clips)) if fitted.items else {"image": 1.0, "music": 1.0}
    judged = next(name for name in ("test", "validation", "train") if splits[name].items)
    held = splits[judged]
    seen = look(held.items, held.clips, watch=partial(watch, "evaluate"))
    report: dict[str, Any] = {
        "split": judged,
        "clip_count": {name: len(split.items) for name, split in splits.items()},
        "epochs": progress.epoch,
        "best_epoch": progress.best_epoch + 1,
        **figures(seen, temperature=warmth),
    }
    model = TrainedModel(network=network.cpu().eval(), config=config.described(), temperatures=warmth, report=report)
    path = save_model(config.output / MODEL, model)
    publish(config.output / REPORT, partial(_write_json, report))
    learned_from = tuple(item.path for name in ("train", "validation") for item in splits[name].items)
    return RunResult(model_path=path, model=model, report=report, resumed=resumed, learned_from=learned_from)


def _write_json(value: dict[str, Any], target: Path) -> None:
    target.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
