"""`moodcut doctor`."""

from __future__ import annotations

import click

from moodcut.app import EXIT_FAILED
from moodcut.checks import all_checks
from moodcut.console import print_json
from moodcut.params import json_option, store_option
from moodcut_kit.contract import Json


@click.command(name="doctor")
@store_option
@json_option
def command(store: str | None, as_json: bool) -> None:
    """Say what is installed, which accelerators are there, what is missing, and the command that mends it.

    The exit code is 1 if something is missing that `moodcut make` needs.
    """
    checks = list(all_checks(store))
    ok = all(check.ok or not check.needed for check in checks)
    if as_json:
        rows: list[Json] = [
            {"name": each.name, "ok": each.ok, "needed": each.needed, "detail": each.detail, "mend": each.mend}
            for each in checks
        ]
        print_json({"ok": ok, "checks": rows})
    else:
        for each in checks:
            mark = "ok" if each.ok else "MISSING" if each.needed else "optional"
            click.echo(f"{mark:<9} {each.name:<24} {each.detail}")
            if not each.ok and each.mend:
                click.echo(f"{'':<9} {'':<24} mend: {each.mend}")
    if not ok:
        raise click.exceptions.Exit(EXIT_FAILED)
