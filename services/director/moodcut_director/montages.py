"""Montages in the object store: request, state, progress, and the queue of work.

A montage's state changes by compare-and-swap only. Progress is an object of its own, written at most once a second, so
that it never disturbs the state. The queue holds an empty object for every montage with work left.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from google.protobuf import json_format

from moodcut_director.errors import MontageNotFoundError, RequestIdTakenError
from moodcut_director.record import NewerSchemaError, Record, UnreadableRecordError
from moodcut_kit.contract import canonical_json, montage_prefix, owner_prefix
from moodcut_kit.store.base import ObjectChangedError, ObjectExistsError, ObjectNotFoundError, ObjectStore
from moodcut_kit.v1 import montage_pb2

_log = logging.getLogger(__name__)
_QUEUE = "queue/"
_QUEUE_ITEM = re.compile(r"queue/\d{15}-(?P<principal>.+)-(?P<montage_id>[0-9a-f]{32})")
_SWAP_TRIES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueItem:
    """Work to be found: whose montage, and which."""

    key: str
    principal: str
    montage_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What is being done, in words, and the share of it that is done."""

    stage: str
    share: float


class Montages:
    """All montages in one store."""

    def __init__(self, store: ObjectStore, *, clock: Callable[[], float] = time.time) -> None:
        self.store = store
        self.clock = clock

    def create(self, principal: str, request: montage_pb2.CreateMontageRequest) -> str:
        """Note a request and queue it; repeating it repeats nothing. Raises RequestIdTakenError for another body."""
        montage_id = montage_id_of(principal, request.request_id)
        prefix = montage_prefix(principal, montage_id)
        asked = json_format.MessageToDict(request, preserving_proto_field_name=True)
        asked.setdefault("options", {})  # Options left out and options without any field set are the same.
        body = canonical_json(asked)
        try:
            self.store.put(f"{prefix}request", body, if_absent=True)
        except ObjectExistsError:
            if self.store.get(f"{prefix}request").data != body:
                message = f"request_id {request.request_id!r} was used before for another montage; choose a new one"
                raise RequestIdTakenError(message, request_id=request.request_id) from None
        record = Record(montage_id=montage_id, created_seconds=self.clock())
        try:
            self.store.put(f"{prefix}state", record.to_bytes(), if_absent=True)
        except ObjectExistsError:
            record, _ = self.load(principal, montage_id)
        if not record.state.ended:
            # The name is the same whenever it is queued, so a crash between state and queue is mended by asking again.
            self.store.put(f"{_QUEUE}{int(record.created_seconds * 1000):015d}-{principal}-{montage_id}", b"")
        return montage_id

    def request(self, principal: str, montage_id: str) -> montage_pb2.CreateMontageRequest:
        """What was asked for. Raises MontageNotFoundError."""
        data = self._get(f"{montage_prefix(principal, montage_id)}request", montage_id)[0]
        return json_format.ParseDict(json.loads(data), montage_pb2.CreateMontageRequest(), ignore_unknown_fields=True)

    def load(self, principal: str, montage_id: str) -> tuple[Record, str]:
        """A montage's state with its etag. Raises MontageNotFoundError."""
        data, etag = self._get(f"{montage_prefix(principal, montage_id)}state", montage_id)
        return Record.from_bytes(data), etag

    def change(self, principal: str, montage_id: str, change: Callable[[Record], Record]) -> Record:
        """Apply ``change`` to the state by compare-and-swap, again if another was faster, and return what was written.

        What ``change`` raises passes through. Raises ObjectChangedError if others are faster every time.
        """
        key = f"{montage_prefix(principal, montage_id)}state"
        for attempt in range(_SWAP_TRIES):
            record, etag = self.load(principal, montage_id)
            changed = change(record)
            if changed == record:
                return record
            try:
                self.store.put(key, changed.to_bytes(), if_match=etag)
            except ObjectChangedError:
                if attempt + 1 == _SWAP_TRIES:
                    raise
                time.sleep(0.01 * (attempt + 1))
                continue
            return changed
        raise AssertionError("unreachable")

    def put_progress(self, principal: str, montage_id: str, progress: Progress) -> None:
        """Say how far the current stage is."""
        body = canonical_json({"stage": progress.stage, "share": round(progress.share, 4)})
        self.store.put(f"{montage_prefix(principal, montage_id)}progress", body)

    def progress(self, principal: str, montage_id: str) -> Progress:
        """How far the current stage is; nothing yet is no error."""
        try:
            body = json.loads(self.store.get(f"{montage_prefix(principal, montage_id)}progress").data)
        except ObjectNotFoundError:
            return Progress(stage="", share=0.0)
        return Progress(stage=body["stage"], share=body["share"])

    def queue(self) -> Iterator[QueueItem]:
        """Montages with work left, oldest first; what is no queue item is passed over."""
        for info in self.store.list(_QUEUE):
            match = _QUEUE_ITEM.fullmatch(info.key)
            if match is None:
                _log.warning("%s is no queue item", info.key)
                continue
            yield QueueItem(key=info.key, principal=match["principal"], montage_id=match["montage_id"])

    def unqueue(self, item: QueueItem) -> None:
        """Take a montage that has ended off the queue."""
        self.store.delete(item.key)

    def ids(self, principal: str) -> list[str]:
        """Ids of all montages of ``principal``."""
        prefix = f"{owner_prefix(principal)}montages/"
        return [
            info.key[len(prefix) : -len("/state")] for info in self.store.list(prefix) if info.key.endswith("/state")
        ]

    def kept_attempts(self, prefix: str) -> set[str] | None:
        """Tokens of the attempts that the montage under ``prefix`` needs; None where all must stay."""
        try:
            record = Record.from_bytes(self.store.get(f"{prefix}state").data)
        except (ObjectNotFoundError, NewerSchemaError, UnreadableRecordError):
            return None
        if not record.state.ended:
            return None
        attempts = f"{prefix}attempts/"
        named = (key.removeprefix(attempts) for key in record.result.values() if key.startswith(attempts))
        return {key.partition("/")[0] for key in named}

    def _get(self, key: str, montage_id: str) -> tuple[bytes, str]:
        try:
            found = self.store.get(key)
        except ObjectNotFoundError:
            message = f"there is no montage {montage_id!r}"
            raise MontageNotFoundError(message, montage_id=montage_id) from None
        return found.data, found.etag


def montage_id_of(principal: str, request_id: str) -> str:
    """The id of the montage that ``principal`` asks for under ``request_id``."""
    return hashlib.sha256(canonical_json({"principal": principal, "request_id": request_id})).hexdigest()[:32]
