"""A director to ask, in this process or elsewhere, and how it gets to know the user's files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click

from moodcut.client import Client
from moodcut.hosting import embedded
from moodcut.media import open_user_store, register
from moodcut_kit.store.base import ObjectStore
from moodcut_kit.v1 import montage_pb2

server_option = click.option(
    "--server", help="Address of a director to ask, in place of doing the work in this process."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """``store`` is that of the director in this process, None for one elsewhere."""

    client: Client
    store: ObjectStore | None

    def register(self, path: Path) -> montage_pb2.MediaRef:
        """Make a file known to the director."""
        return self.client.upload(path) if self.store is None else register(self.store, path)


def check_server(server: str | None, *, keeps: bool = False) -> None:
    """Raise click.UsageError where the command names a store, or is to keep artifacts, beside a server."""
    source = click.get_current_context().get_parameter_source("store")
    if server and (source is click.core.ParameterSource.COMMANDLINE or keeps):
        also = " and --keep" if keeps else ""
        raise click.UsageError(f"--server keeps its objects itself: leave --store{also} away")


@contextmanager
def open_session(server: str | None, store_url: str | None) -> Iterator[Session]:
    """Ask the director at ``server``, or host one in this process over the user's store."""
    if server:
        with Client(server) as client:
            client.check()
            yield Session(client=client, store=None)
        return
    store = open_user_store(store_url)
    with embedded(store) as hosted, Client(hosted.address) as client:
        yield Session(client=client, store=store)
