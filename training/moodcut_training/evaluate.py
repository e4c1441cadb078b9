"""Grouped cross-validation of the heads: what they do on clips whose source they never met."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from moodcut_scorer.heads import Heads, softmax, unit
from moodcut_training.data import grouped_folds
from moodcut_training.features import ClipFeatures
from moodcut_training.metrics import (
    average_precisions,
    bootstrap_interval,
    calibration_error,
    fit_temperature,
    macro_f1,
)
from moodcut_training.train import TrainingConfig, train_heads


@dataclass(slots=True, kw_only=True)
class HeldOut:
    """What a model said about clips it was not trained on, gathered over folds and repeats."""

    truth: list[int] = field(default_factory=list)
    group: list[str] = field(default_factory=list)
    logits: list[np.ndarray] = field(default_factory=list)
    nearest: list[int] = field(default_factory=list)

    def add(self, embeddings: np.ndarray, labels: np.ndarray, groups: np.ndarray, heads: Heads, modality: str) -> None:
        """Take the embeddings [n, d] of held-out clips of one modality."""
        head = heads.image if modality == "image" else heads.music
        self.logits.extend(embeddings @ head.class_weight + head.class_bias)
        self.nearest.extend((embeddings @ heads.prompts.T).argmax(axis=1).tolist())
        self.truth.extend(labels.tolist())
        self.group.extend(groups.tolist())

    def temperature(self) -> float:
        """The temperature that calibrates these logits."""
        return fit_temperature(np.stack(self.logits), np.array(self.truth))

    def summary(self) -> dict[str, float | tuple[float, float]]:
        """Accuracy with its interval, macro F1, accuracy by the nearest prompt, calibration before and after."""
        truth, logits = np.array(self.truth), np.stack(self.logits)
        predicted = logits.argmax(axis=1)
        right = (predicted == truth).astype(np.float64)
        return {
            "accuracy": float(right.mean()),
            "interval": bootstrap_interval(right, np.array(self.group)),
            "macro_f1": macro_f1(truth, predicted),
            "nearest_prompt_accuracy": float(np.mean(np.array(self.nearest) == truth)),
            "ece_raw": calibration_error(softmax(logits), truth),
            "ece_calibrated": calibration_error(softmax(logits / self.temperature()), truth),
            "temperature": self.temperature(),
        }


@dataclass(slots=True, kw_only=True)
class Evaluation:
    """Results of a cross-validation: per modality, and average precisions of retrieval in both directions."""

    visual: HeldOut = field(default_factory=HeldOut)
    audio: HeldOut = field(default_factory=HeldOut)
    joint: HeldOut = field(default_factory=HeldOut)
    image_by_music: list[float] = field(default_factory=list)
    music_by_image: list[float] = field(default_factory=list)
    by_chance: list[float] = field(default_factory=list)

    def summary(self) -> dict[str, object]:
        """All figures, ready for JSON."""
        return {
            "visual": self.visual.summary(),
            "audio": self.audio.summary(),
            "joint": self.joint.summary(),
            "retrieval": {
                "image_by_music_map": float(np.nanmean(self.image_by_music)),
                "music_by_image_map": float(np.nanmean(self.music_by_image)),
                "chance_map": float(np.nanmean(self.by_chance)),
            },
        }


def embed_clips(clips: Sequence[ClipFeatures], heads: Heads) -> tuple[np.ndarray, np.ndarray]:
    """Image and music embeddings [n, d] of clips: unit means over frames and windows, zeros where there are none."""
    images = np.zeros((len(clips), heads.dimension), dtype=np.float32)
    music = np.zeros_like(images)
    for row, clip in enumerate(clips):
        if len(clip.frames):
            images[row] = unit(heads.image.embed(clip.frames).mean(axis=0))
        if len(clip.windows):
            music[row] = unit(heads.music.embed(clip.windows).mean(axis=0))
    return images, music


def cross_validate(
    clips: Sequence[ClipFeatures],
    labels: np.ndarray,
    groups: Sequence[str],
    prompts: np.ndarray,
    config: TrainingConfig,
    *,
    fold_count: int = 5,
    seeds: Sequence[int] = (0, 1, 2),
) -> Evaluation:
    """Train and judge ``fold_count`` times per seed; groups are never divided, and nothing is chosen on held-out clips.

    Retrieval ranks within a fold's held-out clips and leaves out those of the query's own group.
    """
    result = Evaluation()
    names = np.array(groups)
    for seed in seeds:
        folds = grouped_folds(labels.tolist(), groups, fold_count=fold_count, seed=seed)
        for fold in range(fold_count):
            kept, held = np.flatnonzero(folds != fold).tolist(), np.flatnonzero(folds == fold).tolist()
            heads = train_heads([clips[i] for i in kept], labels[kept], prompts, config)
            _judge(result, [clips[i] for i in held], labels[held], names[held], heads, seed)
    return result


def _judge(
    result: Evaluation, clips: Sequence[ClipFeatures], labels: np.ndarray, groups: np.ndarray, heads: Heads, seed: int
) -> None:
    images, music = embed_clips(clips, heads)
    seen = np.array([len(clip.frames) > 0 for clip in clips])
    heard = np.array([len(clip.windows) > 0 for clip in clips])
    result.visual.add(images[seen], labels[seen], groups[seen], heads, "image")
    result.audio.add(music[heard], labels[heard], groups[heard], heads, "music")
    both = seen & heard
    result.joint.logits.extend(
        images[both] @ heads.image.class_weight
        + heads.image.class_bias
        + music[both] @ heads.music.class_weight
        + heads.music.class_bias
    )
    result.joint.nearest.extend(((images[both] + music[both]) @ heads.prompts.T).argmax(axis=1).tolist())
    result.joint.truth.extend(labels[both].tolist())
    result.joint.group.extend(groups[both].tolist())
    scores = music[heard] @ images[seen].T
    same = labels[heard][:, None] == labels[seen][None]
    other = groups[heard][:, None] != groups[seen][None]
    result.image_by_music.extend(average_precisions(scores, same, other))
    result.music_by_image.extend(average_precisions(scores.T, same.T, other.T))
    chance = np.random.default_rng(seed).random(scores.shape)
    result.by_chance.extend(average_precisions(chance, same, other))
