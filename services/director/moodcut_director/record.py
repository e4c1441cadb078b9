"""The state object of one montage, and how it may change. Pure.

The object is JSON with a schema version; it is changed by compare-and-swap only. Who works on a montage holds its
lease: a fencing token that rises with every taking, and a time at which it ends unless renewed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from enum import Enum

from moodcut_director.errors import LeaseLostError
from moodcut_kit.contract import canonical_json
from moodcut_kit.errors import MoodcutError

SCHEMA = 1


class State(Enum):
    """How far a montage is; the names are those of the contract."""

    PENDING = "PENDING"
    SEGMENTING = "SEGMENTING"
    SCORING = "SCORING"
    SOLVING = "SOLVING"
    RENDERING = "RENDERING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def ended(self) -> bool:
        """Nothing more will happen to it."""
        return self in (State.SUCCEEDED, State.FAILED, State.CANCELLED)


class UnreadableRecordError(MoodcutError):
    """The state object is not one that any version writes."""

    code = "DATA_LOSS"
    reason = "STATE_UNREADABLE"


class NewerSchemaError(MoodcutError):
    """The state was written by a newer version, which alone may change it."""

    code = "FAILED_PRECONDITION"
    reason = "NEWER_SCHEMA"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One montage as it stands.

    ``token`` is the fencing token of the last taking; ``holder`` is empty where nobody works on it. Nobody may take it
    before ``lease_ends_seconds``. ``failure_count``: how often it was taken up and left without an end or a word.
    ``result`` holds object names by field of MontageResult, ``relaxations`` what was relaxed.
    """

    montage_id: str
    created_seconds: float
    state: State = State.PENDING
    token: int = 0
    holder: str = ""
    lease_ends_seconds: float = 0.0
    failure_count: int = 0
    error: dict[str, object] = field(default_factory=dict)
    result: dict[str, str] = field(default_factory=dict)
    relaxations: tuple[str, ...] = ()
    stage_seconds: dict[str, float] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """The state object's content."""
        return canonical_json(
            {
                "schema": SCHEMA,
                "montage_id": self.montage_id,
                "created_seconds": self.created_seconds,
                "state": self.state.value,
                "token": self.token,
                "holder": self.holder,
                "lease_ends_seconds": self.lease_ends_seconds,
                "failure_count": self.failure_count,
                "error": self.error,  # type: ignore[dict-item]
                "result": dict(self.result),
                "relaxations": list(self.relaxations),
                "stage_seconds": dict(self.stage_seconds),
            }
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> Record:
        """Read a state object. Raises NewerSchemaError or UnreadableRecordError."""
        try:
            body = json.loads(data)
            if body["schema"] > SCHEMA:
                raise NewerSchemaError(f"the montage's state has schema {body['schema']}; this version knows {SCHEMA}")
            return cls(
                montage_id=body["montage_id"],
                created_seconds=body["created_seconds"],
                state=State(body["state"]),
                token=body["token"],
                holder=body["holder"],
                lease_ends_seconds=body["lease_ends_seconds"],
                failure_count=body["failure_count"],
                error=body["error"],
                result=body["result"],
                relaxations=tuple(body["relaxations"]),
                stage_seconds=body["stage_seconds"],
            )
        except (ValueError, KeyError, TypeError) as error:
            raise UnreadableRecordError(f"the montage's state cannot be read: {error!r}") from error

    def takeable(self, *, now_seconds: float) -> bool:
        """True if work is left and nobody is known to be doing it."""
        return not self.state.ended and self.lease_ends_seconds <= now_seconds

    def taken(self, *, holder: str, now_seconds: float, lease_seconds: float) -> Record:
        """Taken by ``holder`` under the next fencing token; whoever still held it has left it without a word."""
        return replace(
            self,
            holder=holder,
            token=self.token + 1,
            lease_ends_seconds=now_seconds + lease_seconds,
            failure_count=self.failure_count + (1 if self.holder else 0),
        )

    def held(self, *, token: int) -> Record:
        """This record if ``token`` still holds it. Raises LeaseLostError."""
        if self.state.ended or self.token != token:
            raise LeaseLostError(f"montage {self.montage_id} is no longer held by token {token} ({self.state.value})")
        return self

    def renewed(self, *, token: int, now_seconds: float, lease_seconds: float) -> Record:
        """The lease prolonged. Raises LeaseLostError."""
        return replace(self.held(token=token), lease_ends_seconds=now_seconds + lease_seconds)

    def released(self, *, token: int) -> Record:
        """Given back unfinished, so that another can take it at once. Raises LeaseLostError."""
        return replace(self.held(token=token), holder="", lease_ends_seconds=0.0)

    def postponed(self, *, token: int, until_seconds: float, failed: bool) -> Record:
        """Given back, and not to be taken again before ``until_seconds``. Raises LeaseLostError."""
        count = self.failure_count + (1 if failed else 0)
        return replace(self.held(token=token), holder="", lease_ends_seconds=until_seconds, failure_count=count)

    def advanced(self, *, token: int, state: State, stage_seconds: dict[str, float]) -> Record:
        """At its next stage. Raises LeaseLostError."""
        return replace(self.held(token=token), state=state, stage_seconds=dict(stage_seconds))

    def succeeded(
        self, *, token: int, result: dict[str, str], relaxations: tuple[str, ...], stage_seconds: dict[str, float]
    ) -> Record:
        """Done, with the names of what was made. Raises LeaseLostError."""
        return replace(
            self.held(token=token),
            state=State.SUCCEEDED,
            holder="",
            result=dict(result),
            relaxations=relaxations,
            stage_seconds=dict(stage_seconds),
        )

    def failed(self, *, token: int, error: MoodcutError) -> Record:
        """Ended by an error. Raises LeaseLostError."""
        return replace(
            self.held(token=token),
            state=State.FAILED,
            holder="",
            error={
                "code": error.code,
                "reason": error.reason,
                "message": error.message,
                "metadata": dict(error.metadata),
            },
        )

    def cancelled(self) -> Record:
        """Stopped by its user; what has ended stays as it is."""
        return self if self.state.ended else replace(self, state=State.CANCELLED, holder="")
