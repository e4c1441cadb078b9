from __future__ import annotations

import pytest

from moodcut_kit.store.base import ObjectKeyError, StoreUnfitError
from moodcut_kit.store.s3address import S3Address, credentials_from


def test_all_in_the_url() -> None:
    address = S3Address.from_url(
        "s3://bucket/a/b/?endpoint=http://host:9000&region=eu", {"AWS_ENDPOINT_URL": "http://x"}
    )
    assert address == S3Address(bucket="bucket", prefix="a/b/", endpoint="host:9000", secure=False, region="eu")
    assert str(address) == "s3://bucket/a/b/ at host:9000"


@pytest.mark.parametrize(
    ("environment", "endpoint", "secure"),
    [
        ({}, "s3.amazonaws.com", True),
        ({"AWS_ENDPOINT_URL": "http://a:1"}, "a:1", False),
        ({"AWS_ENDPOINT_URL": "http://a:1", "AWS_ENDPOINT_URL_S3": "https://b"}, "b", True),
        ({"AWS_ENDPOINT_URL_S3": "https://b", "MOODCUT_S3_ENDPOINT": "http://c:3/"}, "c:3", False),
    ],
)
def test_endpoint_from_the_environment(environment: dict[str, str], endpoint: str, secure: bool) -> None:
    address = S3Address.from_url("s3://bucket", environment)
    assert (address.endpoint, address.secure, address.prefix, address.region) == (endpoint, secure, "", "us-east-1")


def test_region_from_the_environment() -> None:
    assert S3Address.from_url("s3://bucket", {"AWS_REGION": "eu-x", "AWS_DEFAULT_REGION": "no"}).region == "eu-x"


@pytest.mark.parametrize(
    "url",
    ["s3://", "s3://B", "s3://b", "s3://key:secret@bucket", "http://bucket", "s3://bucket?endpont=x", "s3://bucket#x"],
)
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(StoreUnfitError, match="write s3://BUCKET"):
        S3Address.from_url(url, {})


@pytest.mark.parametrize("endpoint", ["host:9000", "ftp://host", "http://", "http://host/path"])
def test_what_is_no_endpoint(endpoint: str) -> None:
    with pytest.raises(StoreUnfitError, match="http://HOST:PORT"):
        S3Address.from_url(f"s3://bucket?endpoint={endpoint}", {})


def test_what_is_no_prefix() -> None:
    with pytest.raises(ObjectKeyError):
        S3Address.from_url("s3://bucket/a/../b", {})


def test_keys() -> None:
    both = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_SESSION_TOKEN": "t", "MINIO_ROOT_USER": "u"}
    found = credentials_from(both).retrieve()
    assert (found.access_key, found.secret_key, found.session_token) == ("a", "b", "t")
    found = credentials_from({"MINIO_ROOT_USER": "u", "MINIO_ROOT_PASSWORD": "p"}).retrieve()
    assert (found.access_key, found.secret_key) == ("u", "p")
    with pytest.raises(StoreUnfitError, match="AWS_ACCESS_KEY_ID"):
        credentials_from({"AWS_ACCESS_KEY_ID": "a"})
