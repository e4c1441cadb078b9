"""Where the servers of one service are: lists of addresses, and names that stand for several machines."""

from __future__ import annotations

import socket
from collections.abc import Iterable

_DNS = "dns:///"


def split_addresses(values: Iterable[str]) -> tuple[str, ...]:
    """Addresses of a list whose entries may be lists with commas; each once, in order."""
    parts = (part.strip() for value in values for part in value.split(","))
    return tuple(dict.fromkeys(filter(None, parts)))


def backends(addresses: Iterable[str]) -> tuple[str, ...]:
    """The addresses with every ``dns:///name:port`` replaced by the machines that the name stands for now.

    A headless Kubernetes service names its pods like that. A name that cannot be resolved stays as it is.
    """
    found: list[str] = []
    for address in addresses:
        found.extend(_machines(address) if address.startswith(_DNS) else (address,))
    return tuple(dict.fromkeys(found))


def _machines(address: str) -> tuple[str, ...]:
    host, _, port = address.removeprefix(_DNS).rpartition(":")
    try:
        entries = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
    except OSError:
        return (address,)
    machines = sorted((family == socket.AF_INET6, str(where[0])) for family, _, _, _, where in entries)
    return tuple(f"ipv6:[{ip}]:{port}" if six else f"ipv4:{ip}:{port}" for six, ip in machines)
