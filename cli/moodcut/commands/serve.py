"""`moodcut serve`: host one service, or all of them in one process."""

from __future__ import annotations

import logging

import click

from moodcut.hosting import SERVICE_NAMES, Addresses, embedded, host
from moodcut.media import open_user_store
from moodcut.params import checked_addresses, store_option
from moodcut_kit.server import RunningServer, ServerSettings

_PORTS = {"all": 50050, "director": 50050, "segmenter": 50051, "scorer": 50052, "solver": 50053, "renderer": 50054}


@click.command(name="serve")
@click.argument("service", type=click.Choice(["all", *SERVICE_NAMES]))
@click.option("--address", help="Where to listen: host:port or unix:path.  [default: localhost and the service's port]")
@store_option
@click.option(
    "--segmenter",
    "segmenters",
    multiple=True,
    default=[f"localhost:{_PORTS['segmenter']}"],
    show_default=True,
    help="For the director; several times, or a list with commas, for several segmenters that share the work.",
)
@click.option("--scorer", default=f"localhost:{_PORTS['scorer']}", show_default=True, help="For the director.")
@click.option("--solver", default=f"localhost:{_PORTS['solver']}", show_default=True, help="For the director.")
@click.option("--renderer", default=f"localhost:{_PORTS['renderer']}", show_default=True, help="For the director.")
@click.option("--metrics-port", type=click.IntRange(0, 65535), help="Serve Prometheus metrics on this port.")
@click.option(
    "--max-active-calls",
    type=click.IntRange(1),
    default=32,
    show_default=True,
    help="Calls admitted at once; more are told to come back.",
)
def command(
    service: str,
    address: str | None,
    store: str | None,
    segmenters: tuple[str, ...],
    scorer: str,
    solver: str,
    renderer: str,
    metrics_port: int | None,
    max_active_calls: int,
) -> None:
    """Host SERVICE until SIGTERM; calls under way are finished first.

    \b
    All in one process, and a client:
      moodcut serve all --store /srv/moodcut
      moodcut make film.mp4 song.mp3 -o out.mp4 --server localhost:50050
    Each in a process of its own, on one store:
      moodcut serve segmenter --store s3://bucket/moodcut?endpoint=http://localhost:9000
    """
    logging.getLogger().setLevel(logging.INFO)
    _check_address(address)
    settings = ServerSettings(
        address=address or f"localhost:{_PORTS[service]}",
        metrics_port=metrics_port,
        max_active_calls=max_active_calls,
    )
    opened = open_user_store(store)
    if service == "all":
        with embedded(opened, settings=settings) as running:
            _serve(service, running)
        return
    addresses = Addresses(
        segmenters=checked_addresses("--segmenter", segmenters), scorer=scorer, solver=solver, renderer=renderer
    )
    _serve(service, host(service, opened, settings, addresses))


def _serve(service: str, running: RunningServer) -> None:
    click.echo(f"serving {service} on {running.address}", err=True)
    running.serve_until_signal()


def _check_address(address: str | None) -> None:
    """gRPC takes a port that is too large as another one: refuse it. Raises click.UsageError."""
    if address is None or address.startswith("unix:"):
        return
    name, colon, port = address.rpartition(":")
    if not colon or not name or not port.isdecimal() or int(port) > 65535:
        raise click.UsageError(f"--address {address} is neither host:port (0 to 65535) nor unix:path")
