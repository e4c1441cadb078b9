"""What an S3 server or the way to it answers, as errors of the store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from xml.etree import ElementTree

from minio.error import InvalidResponseError, MinioException, S3Error, ServerError
from urllib3.exceptions import HTTPError

from moodcut_kit.errors import InvalidArgumentError, MoodcutError
from moodcut_kit.store.base import (
    ObjectChangedError,
    ObjectExistsError,
    ObjectNotFoundError,
    StoreUnavailableError,
    StoreUnfitError,
)

_NO_ACCESS = frozenset(
    {
        "AccessDenied",
        "ExpiredToken",
        "InvalidAccessKeyId",
        "InvalidToken",
        "RequestTimeTooSkewed",
        "SignatureDoesNotMatch",
    }
)


class RangeBeyondEndError(InvalidArgumentError):
    """The part of an object that was asked for lies behind its end."""

    reason = "RANGE_BEYOND_END"


@contextmanager
def translated(store: str, key: str = "") -> Iterator[None]:
    """Turn what minio and urllib3 raise into the store's errors; ``store`` and ``key`` go into the message."""
    try:
        yield
    except S3Error as error:
        raise store_error(store, key, error.code or "", error.message or "") from error
    except ServerError as error:
        raise StoreUnavailableError(f"The store {store} is in trouble: {error}.", store=store) from error
    except InvalidResponseError as error:
        raise StoreUnfitError(f"What answers for {store} is no S3 server: {error}.", store=store) from error
    except HTTPError as error:
        raise StoreUnavailableError(f"The store {store} cannot be reached: {error}.", store=store) from error
    except MinioException as error:
        raise StoreUnfitError(f"The store {store} cannot be used: {error}", store=store) from error


def store_error(store: str, key: str, code: str, message: str) -> MoodcutError:
    """The error that S3's ``code`` stands for."""
    detail = f"{code}: {message}" if message else code
    if code == "NoSuchKey":
        return ObjectNotFoundError(f"There is no object {key}.", key=key)
    if code == "NoSuchBucket":
        return StoreUnfitError(f"There is no bucket for {store}. Create it, or correct the address.", store=store)
    if code == "InvalidRange":
        return RangeBeyondEndError(f"{key} ends before that range.", key=key)
    if code in _NO_ACCESS:
        message = f"The store {store} lets nobody in with these keys ({detail}). Check the key and its policy."
        return StoreUnfitError(message, store=store)
    return StoreUnavailableError(f"The store {store} refused {key or 'a request'} ({detail}).", store=store, key=key)


def condition_error(key: str, *, if_absent: bool) -> MoodcutError:
    """The error of a write whose condition did not hold."""
    if if_absent:
        return ObjectExistsError(f"There is an object {key} already.", key=key)
    return ObjectChangedError(f"{key} has been changed or removed by somebody else.", key=key)


def error_in(body: bytes) -> tuple[str, str]:
    """Code and message of an S3 error document; two empty strings if it is none."""
    try:
        root = ElementTree.fromstring(body)
    except ElementTree.ParseError:
        return "", ""
    if root.tag.rpartition("}")[2] != "Error":
        return "", ""
    found = {child.tag.rpartition("}")[2]: child.text or "" for child in root}
    return found.get("Code", "Unknown"), found.get("Message", "")
