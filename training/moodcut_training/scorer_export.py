"""From a trained network to the files the scorer runs: ONNX encoders of pictures and music, and the heads.

The scorer prepares pictures (224 x 224 in (x - 127) / 128) and music (log-mel patches of 3 s) itself, pools the patches
of a window, and applies a head. A backbone that prepares and pools in the same way can say so (:class:`ForScorer`).
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, Protocol, runtime_checkable

import numpy as np
import onnxruntime
import torch
from torch import Tensor, nn

from moodcut_scorer.emotions import EMOTIONS
from moodcut_scorer.heads import Head, Heads
from moodcut_scorer.mel import MEL_COUNT, PATCH_FRAMES
from moodcut_scorer.preprocess import INPUT_SIZE
from moodcut_scorer.traininglist import write_training_list
from moodcut_training.backbones.base import Backbone
from moodcut_training.backbones.onnx_export import EncoderGraph, export_encoder
from moodcut_training.errors import ExportError
from moodcut_training.export import export_heads
from moodcut_training.heldout import embed_prompts
from moodcut_training.network import EmotionNetwork, Modality, Projection
from moodcut_training.saved import TrainedModel

_TOLERANCE: Final = 1e-4


@runtime_checkable
class ForScorer(Protocol):
    """A backbone whose encoders the scorer can run.

    ``scorer_image_encoder``: float32 [n, 3, 224, 224] -> features [n, f], which are the image embeddings.
    ``scorer_music_encoders``: two networks, each of patches float32 [p, 187, 96] -> (penultimate [p, a], tags [p, b]).
    The music embedding must be the mean and the deviation over patches of both penultimate layers side by side, then
    the mean of both nets' tags.
    """

    def scorer_image_encoder(self) -> nn.Module:
        """The image network."""
        ...

    def scorer_music_encoders(self) -> tuple[nn.Module, nn.Module]:
        """Both music networks."""
        ...


def export_for_scorer(model: TrainedModel, directory: Path, *, learned_from: Iterable[Path]) -> list[Path]:
    """Write image.onnx, music-mtt.onnx, music-msd.onnx and heads.npz; ``$MOODCUT_MODEL_DIRECTORY`` names their folder.

    ``learned_from``: the clips that decided the weights; their hashes are written beside the heads, so that `moodcut
    evaluate` can say which of its clips the model has met. Each graph is run once against its network. Free text is
    left out: the scorer's moods are the six stored prompts. Raises ExportError if the backbone cannot be run by the
    scorer, was trained without text, or a graph differs.
    """
    network = model.network
    backbone = check_exportable(network.backbone, model.config)
    network.eval()
    pictures = torch.rand(2, 3, INPUT_SIZE, INPUT_SIZE, generator=torch.Generator().manual_seed(0)) * 2 - 1
    patches = torch.rand(3, PATCH_FRAMES, MEL_COUNT, generator=torch.Generator().manual_seed(0)) * 4
    first, second = backbone.scorer_music_encoders()
    made = [_export(backbone.scorer_image_encoder(), pictures, "images", ("features",), directory / "image.onnx")]
    for encoder, name in ((first, "music-mtt.onnx"), (second, "music-msd.onnx")):
        made.append(_export(encoder, patches, "patches", ("penultimate", "tags"), directory / name))
    heads = export_heads(scorer_heads(model), directory / "heads.npz")
    return [*made, heads, write_training_list(heads, learned_from)]


def check_exportable(backbone: Backbone, config: Mapping[str, Any]) -> ForScorer:
    """The backbone as the scorer can run it. Raises ExportError if it cannot, or the run trains no prompts."""
    if not isinstance(backbone, ForScorer):
        raise ExportError(
            f"The scorer cannot run the backbone {config['backbone']}, which prepares its input in another way. Train "
            "without exporting: model.pt holds the trained network."
        )
    if not config["with_text"]:
        raise ExportError(
            "The scorer's moods are the embeddings of the six prompts, and with_text = false trains none."
        )
    if importlib.util.find_spec("onnxscript") is None:
        raise ExportError(
            "Exporting needs the package 'onnxscript', which is not installed: pip install 'moodcut[train]'"
        )
    return backbone


def scorer_heads(model: TrainedModel) -> Heads:
    """The heads as the scorer applies them; without classifier the class layer is s times the prompts' cosines."""
    network = model.network
    with torch.no_grad():
        prompts = _array(embed_prompts(network, model.prompts))
        scale = network.log_scale.exp().item()
        image, music = (_head(network, name, prompts, scale, model.temperatures[name]) for name in ("image", "music"))
    dimension = network.dimension
    text = Head(
        centre=np.zeros(0, dtype=np.float32),
        scale=np.zeros(0, dtype=np.float32),
        weight=np.zeros((0, dimension), dtype=np.float32),
        bias=np.zeros(dimension, dtype=np.float32),
        class_weight=np.zeros((dimension, len(EMOTIONS)), dtype=np.float32),
        class_bias=np.zeros(len(EMOTIONS), dtype=np.float32),
        temperature=1.0,
    )
    return Heads(
        image=image, music=music, text=text, prompts=prompts, logit_scale=scale, logit_bias=network.bias.item()
    )


def _head(network: EmotionNetwork, modality: Modality, prompts: np.ndarray, scale: float, temperature: float) -> Head:
    dimension = network.dimension
    if modality in network.project:
        projection = network.project[modality]
        assert isinstance(projection, Projection)
        centre, spread = _array(projection.centre), _array(projection.spread)
        weight, bias = _array(projection.linear.weight.T), _array(projection.linear.bias)
    else:
        centre, spread = np.zeros(dimension, dtype=np.float32), np.ones(dimension, dtype=np.float32)
        weight, bias = np.eye(dimension, dtype=np.float32), np.zeros(dimension, dtype=np.float32)
    if network.with_classifier:
        layer = network.classify[modality]
        class_weight, class_bias = _array(layer.weight.T * dimension**0.5), _array(layer.bias)
    else:
        class_weight, class_bias = scale * prompts.T, np.zeros(len(EMOTIONS), dtype=np.float32)
    return Head(
        centre=centre,
        scale=spread,
        weight=weight,
        bias=bias,
        class_weight=class_weight,
        class_bias=class_bias,
        temperature=temperature,
    )


def _array(tensor: Tensor) -> np.ndarray:
    return np.array(tensor.detach().numpy(), dtype=np.float32)


def _export(encoder: nn.Module, example: Tensor, name: str, outputs: tuple[str, ...], path: Path) -> Path:
    """Write one network, open in its first dimension, and hold what the graph says against what the network says."""
    export_encoder(EncoderGraph(encoder, example, name, outputs), path)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    for count in (1, len(example)):
        given = example[:count]
        said = session.run(list(outputs), {name: given.numpy()})
        with torch.no_grad():
            meant = encoder(given)
        for one, other in zip(said, meant if isinstance(meant, tuple) else (meant,), strict=True):
            difference = float(np.abs(one - other.numpy()).max())
            if not difference <= _TOLERANCE * (1 + float(other.abs().max())):
                path.unlink()
                raise ExportError(f"{path} differed from the network by {difference:g} and was not kept.", file=path)
    return path
