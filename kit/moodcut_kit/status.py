"""Errors on the wire: MoodcutError to ``google.rpc.Status`` with one ErrorInfo, and back."""

from __future__ import annotations

import grpc
from google.protobuf import any_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

from moodcut_kit import errors

# A status travels in metadata, of which gRPC takes 8 KiB in all unless told otherwise.
_MAX_MESSAGE, _MAX_VALUE = 1000, 200
_RETRYABLE_CODES = {"UNAVAILABLE", "RESOURCE_EXHAUSTED", "ABORTED"}


def to_status(error: errors.MoodcutError) -> status_pb2.Status:
    """The status a server answers with for ``error``."""
    details = [any_pb2.Any()]
    details[0].Pack(error_details_pb2.ErrorInfo(reason=error.reason, domain=errors.DOMAIN, metadata=error.metadata))
    delay_seconds = error.metadata.get("retry_delay_seconds")
    if delay_seconds is not None:
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromMilliseconds(int(float(delay_seconds) * 1000))
        details.append(any_pb2.Any())
        details[-1].Pack(retry)
    return status_pb2.Status(
        code=code_pb2.Code.Value(error.code), message=_short(error.message, _MAX_MESSAGE), details=details
    )


def _short(text: str, limit: int) -> str:
    """The text as valid Unicode of at most ``limit`` characters."""
    clean = text.encode("utf-8", "replace").decode()
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"


class RemoteError(errors.MoodcutError):
    """An error that another service reported. Code, reason and retryability are the instance's own."""

    def __init__(self, message: str, *, code: str, reason: str, metadata: dict[str, str]) -> None:
        super().__init__(message, **metadata)
        self.code = code  # type: ignore[misc]
        self.reason = reason  # type: ignore[misc]
        self.retryable = code in _RETRYABLE_CODES  # type: ignore[misc]


def from_rpc_error(error: grpc.RpcError) -> RemoteError:
    """What a failed call reported, as an error of ours."""
    assert isinstance(error, grpc.Call)
    code = error.code()
    name = code.name if code is not None else "UNKNOWN"
    reason, metadata = name, dict[str, str]()
    try:
        status = rpc_status.from_call(error)
    except ValueError:  # Details that contradict the status, as from a proxy in between.
        status = None
    for detail in status.details if status is not None else ():
        info = error_details_pb2.ErrorInfo()
        if detail.Unpack(info) and info.domain == errors.DOMAIN:
            reason, metadata = info.reason, dict(info.metadata)
    return RemoteError(error.details() or name, code=name, reason=reason, metadata=metadata)
