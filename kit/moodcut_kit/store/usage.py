"""What a store holds, by kind and owner, and what of it nobody needs any more."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Set
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeAlias

from moodcut_kit.store.base import ObjectInfo, ObjectStore

KINDS = ("media", "analyses", "uploads", "montages", "queue", "scratch", "other")
"""All kinds of objects, in the order in which they are shown."""

_OWNED = re.compile(r"p/(?P<principal>[^/]+)/(?P<kind>media|analyses|uploads|montages)/")
_ATTEMPT = re.compile(r"(?P<montage>p/[^/]+/montages/[^/]+/)attempts/(?P<token>[^/]+)/")

KeptAttempts: TypeAlias = Callable[[str], "Set[str] | None"]
"""Given a montage's prefix (``p/PRINCIPAL/montages/ID/``): the tokens of the attempts that must stay, such as the
winner of a finished montage, or None if all must, because the montage is not finished or cannot be read."""

Reason: TypeAlias = Literal["unfinished", "attempt", "upload", "scratch"]


@dataclass(slots=True)
class Tally:
    """``byte_count`` is what the store itself holds; ``referenced_byte_count`` what it names where it lies."""

    object_count: int = 0
    byte_count: int = 0
    referenced_byte_count: int = 0

    def add(self, info: ObjectInfo) -> None:
        """Count one object."""
        self.object_count += 1
        if info.is_reference:
            self.referenced_byte_count += info.byte_count
        else:
            self.byte_count += info.byte_count


@dataclass(frozen=True, slots=True)
class Usage:
    """What a store holds. ``by_kind`` has every kind; ``by_principal`` each owner's kinds, without empty ones."""

    total: Tally = field(default_factory=Tally)
    by_kind: dict[str, Tally] = field(default_factory=lambda: {kind: Tally() for kind in KINDS})
    by_principal: dict[str, dict[str, Tally]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """Something that was removed, or with ``dry_run`` would have been."""

    info: ObjectInfo
    reason: Reason


def kind_of(key: str) -> tuple[str, str]:
    """Kind and owner of an object by its name; the owner is empty for what has none."""
    owned = _OWNED.match(key)
    if owned is not None:
        return owned["kind"], owned["principal"]
    first = key.partition("/")[0]
    return (first if first in ("queue", "scratch") else "other"), ""


def measure(objects: Iterable[ObjectInfo]) -> Usage:
    """Add up objects, such as all of a store: ``measure(store.list(""))``. Pure."""
    usage = Usage()
    owners: defaultdict[str, defaultdict[str, Tally]] = defaultdict(lambda: defaultdict(Tally))
    for info in objects:
        kind, principal = kind_of(info.key)
        usage.total.add(info)
        usage.by_kind[kind].add(info)
        if principal:
            owners[principal][kind].add(info)
    usage.by_principal.update({principal: dict(kinds) for principal, kinds in sorted(owners.items())})
    return usage


def removable(objects: Iterable[ObjectInfo], *, before: datetime, kept_attempts: KeptAttempts) -> list[Removal]:
    """Of ``objects``, those that nobody needs and that have not changed since ``before``.

    They are unfinished uploads, scratch objects, and attempts of finished montages that ``kept_attempts`` does not
    name; it is asked once per montage. Pure.
    """
    kept: dict[str, Set[str] | None] = {}
    found = []
    for info in objects:
        if info.modified >= before:
            continue
        attempt = _ATTEMPT.match(info.key)
        if attempt is not None:
            montage = attempt["montage"]
            if montage not in kept:
                kept[montage] = kept_attempts(montage)
            tokens = kept[montage]
            if tokens is not None and attempt["token"] not in tokens:
                found.append(Removal(info=info, reason="attempt"))
        elif kind_of(info.key)[0] == "uploads":
            found.append(Removal(info=info, reason="upload"))
        elif kind_of(info.key)[0] == "scratch":
            found.append(Removal(info=info, reason="scratch"))
    return found


def collect_garbage(
    store: ObjectStore, *, before: datetime, kept_attempts: KeptAttempts, dry_run: bool = False
) -> list[Removal]:
    """Remove from ``store`` what :func:`removable` finds and writes that were never finished.

    Returns what was removed, or with ``dry_run`` would be. ``before`` must lie further back than any write or attempt
    under way can: a day is ample. Safe while the store is in use, and to run twice at once.
    """
    removals = removable(store.list(""), before=before, kept_attempts=kept_attempts)
    if not dry_run:
        for removal in removals:
            store.delete(removal.info.key)
    unfinished = store.remove_unfinished(before=before, dry_run=dry_run)
    return [*removals, *(Removal(info=info, reason="unfinished") for info in unfinished)]
