"""The proof, by trying, that a store honours write conditions. Without them two workers could both win a job."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import TypeAlias

from moodcut_kit.store.base import ObjectChangedError, ObjectExistsError, ObjectStore, StoreUnfitError

_Write: TypeAlias = Callable[[], str]

PROOF_PREFIX = "scratch/self-test/"


def prove_conditions(store: ObjectStore, name: str) -> None:
    """Write a small object under all conditions and remove it again.

    ``name`` is the store's name for the message. Raises StoreUnfitError if a write goes through that should have been
    refused, or is refused though its condition holds.
    """
    key = f"{PROOF_PREFIX}{secrets.token_hex(16)}"
    try:
        _expect(name, "if-none-match on a new object", True, lambda: store.put(key, b"1", if_absent=True))
        _expect(name, "if-none-match on an existing object", False, lambda: store.put(key, b"2", if_absent=True))
        old = store.get(key).etag
        _expect(name, "if-match with the right etag", True, lambda: store.put(key, b"3", if_match=old))
        _expect(name, "if-match with an outdated etag", False, lambda: store.put(key, b"4", if_match=old))
        if store.get(key).data != b"3":
            raise StoreUnfitError(f"The store {name} does not return what was written last.", store=name)
        store.delete(key)
        _expect(name, "if-match on a missing object", False, lambda: store.put(key, b"5", if_match=old))
    finally:
        store.delete(key)


def _expect(name: str, what: str, should_pass: bool, write: _Write) -> None:
    try:
        write()
    except (ObjectExistsError, ObjectChangedError):
        passed = False
    else:
        passed = True
    if passed != should_pass:
        raise StoreUnfitError(
            f"The store {name} does not honour write conditions ({what} was {'written' if passed else 'refused'}), "
            "without which jobs could run twice and spoil one another. Use a store that does, such as AWS S3, "
            "a recent MinIO or SeaweedFS.",
            store=name,
            condition=what,
        )
