"""`moodcut train`: a model of one's own, trained as the paper does it."""

from __future__ import annotations

import shlex
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

from moodcut.app import EXIT_INTERRUPTED
from moodcut.console import note, print_json, stage_progress
from moodcut.hosting import missing_extra
from moodcut.params import json_option
from moodcut_kit.contract import Json
from moodcut_kit.errors import CancelledError

if TYPE_CHECKING:
    from moodcut_training.run import RunResult

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@click.command(name="train")
@click.argument("config", type=click.Path(dir_okay=False, path_type=Path), required=False)
@click.option(
    "--example",
    help="Print a configuration to begin with: full (the paper's), without-classifier, without-text, "
    "without-pretraining (its ablations), or tiny (minutes on two cores).",
)
@click.option(
    "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Another value for a key of CONFIG; repeatable."
)
@click.option("--again", is_flag=True, help="Begin anew, whatever was trained into the output folder before.")
@click.option(
    "--export",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write the model as the scorer runs it into this folder; MOODCUT_MODEL_DIRECTORY then names it.",
)
@json_option
def command(
    config: Path | None,
    example: str | None,
    overrides: tuple[str, ...],
    again: bool,
    export: Path | None,
    as_json: bool,
) -> None:
    """Train a model on labelled clips, as CONFIG (a TOML file) says.

    The clips are listed in a manifest: a CSV with the columns file, emotion (excited, fear, neutral, relaxation, sad or
    tension), group (files cut from one source share it) and, if wanted, split (train, validation, test). The model and
    its figures on the held-out clips are written into the output folder. A run that was interrupted, also by Ctrl-C,
    goes on where it was when it is started again, and ends with the same weights.

    CONFIG must give backbone (small, audioclip, clip-clap, wav2clip or tiny), manifest and output; docs/training.md
    lists all keys, docs/backbones.md what each backbone is and which weights it takes.

    \b
    Examples:
      moodcut train --example full > full.toml
      moodcut train full.toml
      moodcut train full.toml --set seed=1 --set output=runs/seed-1
      moodcut train tiny.toml --export my-model
    """
    try:
        from moodcut_training import config as configuration
    except ImportError as error:
        raise missing_extra("train", error) from error
    if example is not None:
        click.echo(configuration.example(example), nl=False)
        return
    if config is None:
        raise click.UsageError("name a CONFIG; `moodcut train --example full` prints one to begin with")
    chosen = configuration.read_config(config, _pairs(overrides))
    try:
        from moodcut_training.run import train
        from moodcut_training.scorer_export import export_for_scorer
    except ImportError as error:
        raise missing_extra("train", error) from error
    try:
        with stop_when_told() as stop, stage_progress() as progress:
            result = train(chosen, again=again, for_scorer=export is not None, stop=stop, watch=progress.update)
    except CancelledError as error:
        note(f"moodcut: {error.message}. Go on with: {_same_command(config, overrides, export)}")
        raise click.exceptions.Exit(EXIT_INTERRUPTED) from error
    exported: list[Path] = []
    if export is not None:
        with stage_progress() as progress:
            progress.update("export", 0.0)
            exported = export_for_scorer(result.model, export, learned_from=result.learned_from)
    if as_json:
        files: list[Json] = [str(path) for path in exported]
        print_json({"model": str(result.model_path), "exported": files, "resumed": result.resumed, **result.report})
    else:
        click.echo(_summary(result))
        for path in exported:
            click.echo(str(path))


def _pairs(overrides: tuple[str, ...]) -> dict[str, str]:
    pairs = {}
    for each in overrides:
        key, equals, value = each.partition("=")
        if not equals:
            raise click.UsageError(f"--set {each}: write KEY=VALUE, such as --set seed=1")
        pairs[key.strip()] = value.strip()
    return pairs


@contextmanager
def stop_when_told() -> Iterator[Callable[[], bool]]:
    """While the block runs, an interrupt is only noted, so that all can be saved; a second one ends at once."""
    told = False

    def take_note(signum: int, frame: FrameType | None) -> None:
        nonlocal told
        if told:
            raise KeyboardInterrupt
        told = True
        note("stopping as soon as all is saved; a second interrupt stops at once and loses what was not saved yet")

    before = {each: signal.signal(each, take_note) for each in _SIGNALS}
    try:
        yield lambda: told
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _same_command(config: Path, overrides: tuple[str, ...], export: Path | None) -> str:
    words = ["moodcut", "train", str(config), *(word for each in overrides for word in ("--set", each))]
    return shlex.join([*words, "--export", str(export)] if export is not None else words)


def _summary(result: RunResult) -> str:
    report = result.report
    held = report["split"] != "train"
    lines = [
        f"{report['split']} split{'' if held else ' (nothing was held out: these figures say little)'}, "
        f"weights of epoch {report['best_epoch']} of {report['epochs']}",
        f"{'':<8} {'clips':>5} {'accuracy':>8}  {'95 % interval':<14} {'macro F1':>8}",
    ]
    lines += [_row(name, report[name]) for name in ("visual", "audio", "joint")]
    ranks = report["retrieval"]
    lines.append(
        f"retrieval (mean average precision): pictures for music {_number(ranks['image_by_music_map'])}, music for "
        f"pictures {_number(ranks['music_by_image_map'])}, chance {_number(ranks['chance_map'])}"
    )
    return "\n".join([*lines, str(result.model_path)])


def _row(name: str, figures: dict[str, Any]) -> str:
    interval = "-" if figures["interval"] is None else "{:.3f} to {:.3f}".format(*figures["interval"])
    accuracy, f1 = _number(figures["accuracy"]), _number(figures["macro_f1"])
    return f"{name:<8} {figures['count']:>5} {accuracy:>8}  {interval:<14} {f1:>8}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
