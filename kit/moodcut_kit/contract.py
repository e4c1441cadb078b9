"""What the services agree on besides the messages: names of objects, and fingerprints of results.

Everything lies under its owner, so that knowing a content hash grants nothing. Pure and light.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from moodcut_kit.errors import InvalidArgumentError

LOCAL_PRINCIPAL = "local"

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

_PRINCIPAL = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_ID = re.compile(r"[a-z0-9-]{1,80}")


def _checked(pattern: re.Pattern[str], value: str, field: str) -> str:
    if not pattern.fullmatch(value) or ".." in value:
        raise InvalidArgumentError(f"{field} is {value!r}; it must match {pattern.pattern}", field=field, value=value)
    return value


def owner_prefix(principal: str) -> str:
    """Prefix of all that ``principal`` owns. Raises InvalidArgumentError for a name that could leave it."""
    return f"p/{_checked(_PRINCIPAL, principal, 'principal')}/"


def media_key(principal: str, sha256: str) -> str:
    """Key of a film or a piece of music."""
    return f"{owner_prefix(principal)}media/{_checked(_SHA256, sha256, 'sha256')}"


def analysis_key(principal: str, sha256: str, fingerprint: str, name: str) -> str:
    """Key of ``name``, part of what a service found in the media ``sha256`` under ``fingerprint``."""
    media = _checked(_SHA256, sha256, "sha256")
    return f"{owner_prefix(principal)}analyses/{media}/{_checked(_SHA256, fingerprint, 'fingerprint')}/{name}"


def montage_prefix(principal: str, montage_id: str) -> str:
    """Prefix of all that belongs to one montage."""
    return f"{owner_prefix(principal)}montages/{_checked(_ID, montage_id, 'montage_id')}/"


def check_owned(principal: str, key: str, field: str) -> str:
    """``key``, if it is a plain name under ``principal``; otherwise InvalidArgumentError naming ``field``."""
    if not key.startswith(owner_prefix(principal)) or any(part in ("", ".", "..") for part in key.split("/")):
        message = f"{field} names {key!r}, which is not an object of {principal}"
        raise InvalidArgumentError(message, field=field, key=key)
    return key


def canonical_json(value: Json | Mapping[str, Json]) -> bytes:
    """JSON with sorted keys and no spaces: equal values give equal bytes. NaN and infinities raise ValueError."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=True).encode()


def fingerprint(
    *, stage: str, version: int, model_digest: str, parameters: Mapping[str, Json], inputs: Sequence[str]
) -> str:
    """Name of a result: equal exactly when the result must be equal.

    ``parameters`` have their defaults resolved; ``inputs`` are hashes or fingerprints and their order does not
    matter. What cannot change the result (threads, provider, chunking) stays out.
    """
    body: dict[str, Json] = {
        "stage": stage,
        "version": version,
        "model_digest": model_digest,
        "parameters": dict(parameters),
        "inputs": [str(each) for each in sorted(inputs)],
    }
    return hashlib.sha256(canonical_json(body)).hexdigest()
