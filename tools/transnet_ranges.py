"""Measure the ranges of TransNet V2's tensors on films, for the 8-bit model.

    transnet_ranges.py FILM... [--windows 200] [--out services/segmenter/moodcut_segmenter/transnet_ranges.json]

Windows of 100 frames are drawn from all films with a fixed seed; of every convolution's input and output the smallest
and the largest value is noted. Needs the model in the model cache (`moodcut models build`).
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray

from moodcut_kit.media.picture import PictureConverter
from moodcut_kit.media.video import VideoReader
from moodcut_segmenter.transnet_model import (
    FRAME_HEIGHT,
    FRAME_WIDTH,
    KEPT_FRAMES,
    color_histograms,
    model_path,
    window_frames,
)

OUT = Path(__file__).resolve().parent.parent / "services/segmenter/moodcut_segmenter/transnet_ranges.json"


def frames_of(path: Path) -> NDArray[np.uint8]:
    """All frames of a film as the network sees them: uint8 [n, 27, 48, 3], RGB."""
    convert = PictureConverter(width=FRAME_WIDTH, height=FRAME_HEIGHT, scaling="bicubic")
    with VideoReader(path) as reader:
        count = reader.index.times.frame_count
        return np.stack([convert.to_rgb(frame) for _, frame in reader.frames(0, count)])


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("films", type=Path, nargs="+")
    parser.add_argument("--windows", type=int, default=200)
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    model = onnx.load(str(model_path()))
    convolutions = [node for node in model.graph.node if node.op_type == "Conv"]
    tensors = list(dict.fromkeys(name for node in convolutions for name in (node.input[0], node.output[0])))
    for name in tensors:
        model.graph.output.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None))
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    low, high = np.full(len(tensors), np.inf), np.full(len(tensors), -np.inf)
    rng = np.random.default_rng(0)
    share = -(-arguments.windows // len(arguments.films))
    for path in arguments.films:
        frames = frames_of(path)
        starts = np.arange(0, len(frames), KEPT_FRAMES)
        for start in rng.permutation(starts)[:share]:
            window = frames[window_frames(int(start), len(frames))]
            inputs = {"frames": window[np.newaxis], "histograms": color_histograms(window)[np.newaxis]}
            for index, value in enumerate(session.run(tensors, inputs)):
                low[index], high[index] = min(low[index], value.min()), max(high[index], value.max())
        print(path.name, len(frames))
    place = {name: index for index, name in enumerate(tensors)}
    rows = [
        [float(f"{bound[place[name]]:.5g}") for name in (node.input[0], node.output[0]) for bound in (low, high)]
        for node in convolutions
    ]
    text = ",\n  ".join(json.dumps(row) for row in rows)
    arguments.out.write_text(f'{{"convolutions": [\n  {text}\n]}}\n', encoding="utf-8")


if __name__ == "__main__":
    main()
