"""Where an S3 store is and how to get in: from its URL and the environment.

Variables, first one set wins: endpoint ``MOODCUT_S3_ENDPOINT``, ``AWS_ENDPOINT_URL_S3``, ``AWS_ENDPOINT_URL`` (the
URL's own ``endpoint`` before all; AWS itself without any); region ``AWS_REGION``, ``AWS_DEFAULT_REGION`` (likewise);
keys ``AWS_ACCESS_KEY_ID`` with ``AWS_SECRET_ACCESS_KEY`` and ``AWS_SESSION_TOKEN``, or ``MINIO_ROOT_USER`` with
``MINIO_ROOT_PASSWORD``, or the pod's role where Kubernetes or ECS gives it one.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from minio.credentials.providers import IamAwsProvider, Provider, StaticProvider

from moodcut_kit.store.base import StoreUnfitError, check_key

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_ENDPOINTS = ("MOODCUT_S3_ENDPOINT", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
_REGIONS = ("AWS_REGION", "AWS_DEFAULT_REGION")
_ROLES = (
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)
_AWS_ENDPOINT = "https://s3.amazonaws.com"
_DEFAULT_REGION = "us-east-1"


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Address:
    """``endpoint`` is ``host[:port]``; ``prefix`` is empty or ends with a slash."""

    bucket: str
    prefix: str
    endpoint: str
    secure: bool
    region: str

    @classmethod
    def from_url(cls, url: str, environment: Mapping[str, str] = os.environ) -> S3Address:
        """Read ``s3://BUCKET/PREFIX?endpoint=...&region=...``. Raises StoreUnfitError for what cannot be one."""
        try:
            parts = urlsplit(url)
        except ValueError as error:
            raise StoreUnfitError(f"{url} is no S3 address: {error}.", url=url) from error
        options = parse_qs(parts.query)
        unknown = sorted(options.keys() - {"endpoint", "region"})
        if parts.scheme != "s3" or not _BUCKET.fullmatch(parts.netloc) or parts.fragment or unknown:
            raise StoreUnfitError(
                f"{url} is no S3 address: write s3://BUCKET/PREFIX?endpoint=http://HOST:PORT&region=REGION "
                "(all but the bucket may be left out; keys belong into the environment).",
                url=url,
            )
        prefix = parts.path.strip("/")
        endpoint = options.get("endpoint", [_first(environment, _ENDPOINTS) or _AWS_ENDPOINT])[0]
        try:
            place = urlsplit(endpoint)
        except ValueError as error:
            raise StoreUnfitError(f"{endpoint!r} is no S3 endpoint: {error}.", endpoint=endpoint) from error
        if place.scheme not in ("http", "https") or not place.hostname or place.path.strip("/") or place.query:
            message = f"{endpoint!r} is no S3 endpoint: write http://HOST:PORT or https://HOST."
            raise StoreUnfitError(message, endpoint=endpoint)
        return cls(
            bucket=parts.netloc,
            prefix=f"{check_key(prefix)}/" if prefix else "",
            endpoint=place.netloc,
            secure=place.scheme == "https",
            region=options.get("region", [_first(environment, _REGIONS) or _DEFAULT_REGION])[0],
        )

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.prefix} at {self.endpoint}"


def credentials_from(environment: Mapping[str, str] = os.environ) -> Provider:
    """The keys to get in with. Raises StoreUnfitError if there are none."""
    key, secret = environment.get("AWS_ACCESS_KEY_ID"), environment.get("AWS_SECRET_ACCESS_KEY")
    if key and secret:
        return StaticProvider(key, secret, environment.get("AWS_SESSION_TOKEN"))
    user, password = environment.get("MINIO_ROOT_USER"), environment.get("MINIO_ROOT_PASSWORD")
    if user and password:
        return StaticProvider(user, password)
    if _first(environment, _ROLES):
        return IamAwsProvider()
    raise StoreUnfitError("There are no keys for S3: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.")


def _first(environment: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((environment[name] for name in names if environment.get(name)), "")
