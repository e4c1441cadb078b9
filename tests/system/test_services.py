"""The services as processes of their own, on a directory and on S3: the montage is the same."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Protocol

from support.command import run_json, serving
from support.trial import Trial

from moodcut import Client
from moodcut_kit.v1 import montage_pb2

_PEERS = ("segmenter", "scorer", "solver", "renderer")


class S3Server(Protocol):
    environment: dict[str, str]

    def make_bucket(self) -> str: ...
    def url(self, bucket: str, prefix: str = "") -> str: ...


@contextmanager
def separate_processes(store: str, directory: Path) -> Iterator[str]:
    """Six processes on one store, two of them segmenters; gives the director's address."""
    with ExitStack() as stack:
        addresses = {
            name: stack.enter_context(serving(name, "--store", store, log=directory / f"{name}.log")) for name in _PEERS
        }
        second = stack.enter_context(serving("segmenter", "--store", store, log=directory / "segmenter-2.log"))
        addresses["segmenter"] += f",{second}"
        options = [part for name, address in addresses.items() for part in (f"--{name}", address)]
        yield stack.enter_context(serving("director", "--store", store, *options, log=directory / "director.log"))


def essence(report: dict[str, Any]) -> dict[str, Any]:
    """A report without what differs from run to run: ids, times, places."""
    ignored = {"montage_id", "stage_seconds", "output", "reused", "kept"}
    return {name: value for name, value in report.items() if name not in ignored}


def test_embedded_separate_and_on_s3_the_montage_is_the_same(trial: Trial, s3_server: S3Server, tmp_path: Path) -> None:
    options = [trial.film, trial.song, "--duration", "10"]
    embedded, separate, on_s3 = (tmp_path / f"{name}.mp4" for name in ("embedded", "separate", "s3"))
    reports = [run_json("make", *options, "-o", embedded, "--store", tmp_path / "store")]
    with separate_processes(str(tmp_path / "shared"), tmp_path) as address:
        reports.append(run_json("make", *options, "-o", separate, "--server", address))
        _check_python_client(address, trial, reports[0])
    url = s3_server.url(s3_server.make_bucket(), "house")
    reports.append(run_json("make", *options, "-o", on_s3, "--store", url))
    assert not any(report["reused"] for report in reports)
    assert essence(reports[0]) == essence(reports[1]) == essence(reports[2])
    assert embedded.read_bytes() == separate.read_bytes() == on_s3.read_bytes()
    assert run_json("store", "du", "--store", url)["media"]["object_count"] == 2
    removed = run_json("store", "gc", "--store", url, "--older-than-hours", "0", "--dry-run")["removed"]
    assert not [each for each in removed if "/montages/" in each["key"]]


def _check_python_client(address: str, trial: Trial, report: dict[str, Any]) -> None:
    """The example of docs/api.md, on a server that has analysed this film before."""
    with Client(address) as client:
        movie, music = client.upload(trial.film), client.upload(trial.song)
        options = montage_pb2.MontageOptions(duration_seconds=10.0, skip_render=True)
        montage = client.create(request_id=f"client-{os.getpid()}", movie=movie, music=music, options=options)
        for latest in client.watch(montage.montage_id):
            montage = latest
        assert montage.state == montage_pb2.MONTAGE_STATE_SUCCEEDED, montage.error
        found = json.loads(client.read(montage.montage_id, montage_pb2.MONTAGE_FILE_REPORT))
        assert found["selection"] == report["selection"]
        assert found["stage_seconds"]["segment_movie"] < 1.0


def test_all_in_one_process(trial: Trial, tmp_path: Path) -> None:
    with serving("all", "--store", trial.store, "--metrics-port", "0", log=tmp_path / "all.log") as address:
        report = run_json("make", trial.film, trial.song, "--dry-run", "--server", address)
    assert report["selection"]
