"""`moodcut evaluate`: how well a model finds emotions in labelled media."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from moodcut.console import note, print_json
from moodcut.hosting import evaluation, load_judge
from moodcut.params import INPUT_FILE, json_option

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command(name="evaluate")
@click.argument("model")
@click.argument("manifest", type=INPUT_FILE)
@click.option("--media", type=_FOLDER, help="Where the manifest's files lie; by default beside the manifest.")
@click.option("--split", help="Take only the rows whose column `split` says this.")
@click.option("--train", "train_manifest", type=INPUT_FILE, help="Also judge classifiers learned from these clips.")
@click.option("--train-media", type=_FOLDER, help="Where the files of --train lie; by default beside that manifest.")
@click.option("--train-split", help="Take only the rows of --train whose column `split` says this.")
@click.option(
    "--zero-shot",
    "zero_shots",
    metavar="NAME=WEIGHTS",
    multiple=True,
    help="Also judge a published model without training, such as audioclip=AudioCLIP-Full-Training.pt or "
    "wav2clip=openai/clip-vit-base-patch32,Wav2CLIP.pt (needs moodcut[train] and the weights; repeatable).",
)
@click.option("--png", type=click.Path(file_okay=False, path_type=Path), help="Draw the confusion matrices here.")
@json_option
def command(
    model: str,
    manifest: Path,
    media: Path | None,
    split: str | None,
    train_manifest: Path | None,
    train_media: Path | None,
    train_split: str | None,
    zero_shots: tuple[str, ...],
    png: Path | None,
    as_json: bool,
) -> None:
    """Judge MODEL on the labelled media of MANIFEST: accuracy, macro F1, retrieval, confusion, beside baselines.

    MODEL is `small`, a directory that `moodcut train --export` wrote, or a heads.npz. MANIFEST is a CSV with the
    columns file, emotion (excited, fear, neutral, relaxation, sad or tension) and group (files of one group come from
    the same source; for the intervals, and so that no clip finds its own sibling). Files may have picture, sound or
    both; one that cannot be read is named and left out. Clips that the model was trained on are told: they flatter it.

    \b
    Examples:
      moodcut evaluate small clips.csv
      moodcut evaluate small clips.csv --json > figures.json
      moodcut evaluate my-model clips.csv --split test --train clips.csv --train-split train
    """
    scorer = evaluation()
    items = scorer.manifest.read_manifest(manifest, media=media, split=split)
    train = (
        scorer.manifest.read_manifest(train_manifest, media=train_media, split=train_split) if train_manifest else ()
    )
    loaded = scorer.model.load_model(model)
    others = [load_judge(each) for each in zero_shots]
    if png is not None:
        png.mkdir(parents=True, exist_ok=True)
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("looking and listening", total=None)
        evaluated = scorer.evaluating.evaluate(
            loaded,
            items,
            name=loaded.name,
            train=train,
            others=others,
            progress=lambda done, count, file: progress.update(task, completed=done, total=count),
        )
    for file, reason in evaluated.failed:
        note(f"left out {file}: {reason}")
    if png is not None:
        for modality, confusion in scorer.tables.matrices(evaluated).items():
            path = png / f"confusion-{modality}.png"
            scorer.plots.draw_confusion(confusion, f"{loaded.name}: {modality}", path)
            note(f"wrote {path}")
    if as_json:
        print_json(scorer.tables.as_json(evaluated))
        return
    for line in scorer.tables.as_text(evaluated):
        click.echo(line)
