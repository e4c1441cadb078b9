"""The loop: batches of six tuples, one per emotion; Adam; a checkpoint after each epoch and whenever asked to stop."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, cast

import torch
from torch import Tensor

from moodcut_scorer.emotions import EMOTIONS
from moodcut_training.board import Board
from moodcut_training.checkpoint import BEST, LAST, Progress, load_checkpoint, save_checkpoint
from moodcut_training.config import RunConfig
from moodcut_training.draws import Draws, ahead
from moodcut_training.errors import TrainingDivergedError, TrainingInterruptedError
from moodcut_training.losses import Batch, Contrast, loss_terms
from moodcut_training.network import EmotionNetwork

_SAVE_SECONDS: Final = 600.0

Prepared = tuple[list[Tensor], list[Tensor]]
"""Pictures and sounds of a batch, as their encoders want them."""


class Trainer:
    """Trains a network. ``description`` is the run's with its data, by which its checkpoints are known again.

    ``validate`` gives the figures of the network on the validation split, by name; ``best`` among them decides which
    weights are kept.
    """

    def __init__(
        self,
        network: EmotionNetwork,
        draws: Draws,
        config: RunConfig,
        description: dict[str, Any],
        validate: Callable[[], dict[str, float]],
    ) -> None:
        self.network = network
        self.progress = Progress()
        self._draws = draws
        self._config = config
        self._description = description
        self._validate = validate
        self._texts = [network.prepared("text", each) for each in config.prompts] if config.with_text else None
        groups = network.parameter_groups(
            learning_rate=config.learning_rate, head_learning_rate=config.head_learning_rate
        )
        self.optimiser = torch.optim.Adam(groups)
        if config.norm_statistics != "auto":  # a backbone keeps them if it comes with a checkpoint's
            network.backbone.fixed_norms = config.norm_statistics == "frozen"

    def resume(self) -> bool:
        """Go on from the last checkpoint, if there is one. Raises CheckpointError for one of another run."""
        path = self._config.output / LAST
        if not path.is_file():
            return False
        self.progress = load_checkpoint(
            path, network=self.network, optimiser=self.optimiser, description=self._description
        )
        return True

    def run(
        self,
        *,
        board: Board,
        stop: Callable[[], bool] = lambda: False,
        watch: Callable[[float], None] = lambda share: None,
    ) -> None:
        """Train to the last epoch. ``stop`` is asked after each batch; ``watch`` is told the share done.

        Raises TrainingInterruptedError when stopped (all is saved), TrainingDivergedError.
        """
        while self.progress.epoch < self._config.epochs:
            self._epoch(board, stop, watch)
            self._end_epoch(board)

    def step(self, prepared: Prepared) -> dict[str, float]:
        """One step of the optimiser; gives the losses by term, and the batch's accuracies."""
        config = self._config
        images, music = prepared
        batch = self.network(images, music, self._texts)
        terms = loss_terms(
            batch,
            scale=self.network.log_scale.exp(),
            bias=self.network.bias,
            alpha=config.alpha if config.with_classifier else 0.0,
            contrast=cast(Contrast, config.contrast),
            with_text=config.with_text,
        )
        total = torch.stack(list(terms.values())).sum()
        self.optimiser.zero_grad(set_to_none=True)
        total.backward()
        self.optimiser.step()
        losses = {f"loss/{name}": value.item() for name, value in (terms | {"total": total}).items()}
        if not math.isfinite(losses["loss/total"]):
            raise TrainingDivergedError(
                f"The loss is {losses['loss/total']} in epoch {self.progress.epoch + 1}, batch "
                f"{self.progress.batch_count + 1}. The last checkpoint is from before. A smaller learning_rate may "
                "help; a changed one needs a new output folder, or --again."
            )
        return losses | _accuracies(batch)

    def _epoch(self, board: Board, stop: Callable[[], bool], watch: Callable[[float], None]) -> None:
        epoch = self.progress.epoch
        batches = self._draws.epoch(epoch)

        def prepare(number: int) -> Prepared:
            samples = self._draws.batch(batches[number], epoch=epoch, number=number)
            images = [self.network.prepared("image", each.picture) for each in samples]
            return images, [self.network.prepared("music", each.sound) for each in samples]

        self.network.train()
        saved_seconds = time.monotonic()
        for prepared in ahead(prepare, range(self.progress.batch_count, len(batches))):
            scalars = self.step(prepared)
            now = self.progress
            self.progress = replace(now, batch_count=now.batch_count + 1, step=now.step + 1)
            board.scalars(scalars, self.progress.step)
            watch((epoch + self.progress.batch_count / len(batches)) / self._config.epochs)
            stopping = stop()
            if stopping or time.monotonic() - saved_seconds > _SAVE_SECONDS:
                self._save(LAST)
                saved_seconds = time.monotonic()
            if stopping:
                raise TrainingInterruptedError(
                    f"interrupted in epoch {epoch + 1} of {self._config.epochs} after {self.progress.batch_count} of "
                    f"{len(batches)} batches; all is saved in {self._config.output / LAST}"
                )

    def _end_epoch(self, board: Board) -> None:
        """Validate, keep the best weights, and save; the checkpoint last, so that a crash before it repeats this."""
        found = self._validate()
        rates = {f"learning_rate/{index}": group["lr"] for index, group in enumerate(self.optimiser.param_groups)}
        curves = {f"validation/{name}": value for name, value in found.items() if math.isfinite(value)}
        scale, bias = self.network.log_scale.exp().item(), self.network.bias.item()
        board.scalars(curves | rates | {"contrast/scale": scale, "contrast/bias": bias}, self.progress.step)
        done = self.progress.epoch
        value = found.get("best", math.nan)
        better = not value <= self.progress.best_value  # also if there is nothing to validate on
        self.progress = replace(self.progress, epoch=done + 1, batch_count=0)
        if better:
            self.progress = replace(
                self.progress, best_epoch=done, best_value=value if math.isfinite(value) else float("-inf")
            )
            self._save(BEST)
        self._save(LAST)

    def _save(self, name: str) -> None:
        save_checkpoint(
            Path(self._config.output) / name,
            network=self.network,
            optimiser=None if name == BEST else self.optimiser,
            progress=self.progress,
            description=self._description,
        )


def _accuracies(batch: Batch) -> dict[str, float]:
    truth = torch.arange(len(EMOTIONS), device=batch.image.device)
    said = {
        "visual": batch.image_logits,
        "audio": batch.music_logits,
        "joint": batch.image_logits + batch.music_logits,
    }
    return {f"accuracy/{name}": (logits.argmax(dim=1) == truth).float().mean().item() for name, logits in said.items()}
