"""`moodcut store du|gc`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import click

from moodcut.console import print_json
from moodcut.hosting import kept_attempts
from moodcut.media import open_user_store
from moodcut.params import json_option, store_option
from moodcut_kit.contract import Json
from moodcut_kit.store.usage import Tally, collect_garbage, measure


@click.group(name="store")
def command() -> None:
    """Look into the object store and clean it up.

    \b
    Examples:
      moodcut store du
      moodcut store gc --dry-run
    """


@command.command()
@store_option
@json_option
def du(store: str | None, as_json: bool) -> None:
    """Say what takes how much: objects and bytes by kind.

    Media that are only referenced (they lie where the user has them) are listed apart.
    """
    usage = measure(open_user_store(store).list(""))
    rows = {kind: _row(tally) for kind, tally in [*usage.by_kind.items(), ("total", usage.total)]}
    if as_json:
        print_json(dict(rows))
        return
    click.echo(f"{'kind':<10} {'objects':>8} {'MB':>10} {'MB referenced':>14}")
    for kind, tally in [*usage.by_kind.items(), ("total", usage.total)]:
        if tally.object_count or kind == "total":
            click.echo(
                f"{kind:<10} {tally.object_count:>8} {tally.byte_count / 1e6:>10.1f} "
                f"{tally.referenced_byte_count / 1e6:>14.1f}"
            )


def _row(tally: Tally) -> Json:
    return {
        "object_count": tally.object_count,
        "byte_count": tally.byte_count,
        "referenced_byte_count": tally.referenced_byte_count,
    }


@command.command()
@store_option
@click.option(
    "--older-than-hours", type=click.FloatRange(0), default=24.0, show_default=True, help="Leave alone what is younger."
)
@click.option("--dry-run", is_flag=True, help="Say what would be removed, and remove nothing.")
@json_option
def gc(store: str | None, older_than_hours: float, dry_run: bool, as_json: bool) -> None:
    """Remove what nothing needs: unfinished writes and uploads, and attempts that no finished montage names."""
    opened = open_user_store(store)
    before = datetime.now(UTC) - timedelta(hours=older_than_hours)
    removals = collect_garbage(opened, before=before, kept_attempts=kept_attempts(opened), dry_run=dry_run)
    if as_json:
        removed: list[Json] = [
            {"key": each.info.key, "byte_count": each.info.byte_count, "reason": each.reason} for each in removals
        ]
        print_json({"dry_run": dry_run, "removed": removed})
        return
    for each in removals:
        click.echo(f"{each.reason:<10} {each.info.byte_count:>12}  {each.info.key}")
    byte_count = sum(each.info.byte_count for each in removals)
    click.echo(f"{len(removals)} objects, {byte_count / 1e6:.1f} MB {'could be' if dry_run else 'were'} removed")
