"""What a network says of clips it was not trained on, and the figures made of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from moodcut_scorer.emotions import EMOTIONS
from moodcut_scorer.evaluation.metrics import (
    average_precisions,
    bootstrap_interval,
    confusion,
    fit_temperature,
    macro_f1,
)
from moodcut_training.manifest import Item
from moodcut_training.mediacache import CachedClip
from moodcut_training.network import EmotionNetwork

_BATCH = 6
_CHANCE_DRAWS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOutClips:
    """A split as a network sees it, all arrays by clip.

    ``image`` and ``music`` float32 [n, d] are unit vectors; rows of ``has_image`` and ``has_music`` [n] that are false
    are zeros. The logits float32 [n, 6] go with them. ``truth`` int64 [n]; ``groups`` [n] names.
    """

    image: NDArray[np.float32]
    music: NDArray[np.float32]
    image_logits: NDArray[np.float32]
    music_logits: NDArray[np.float32]
    has_image: NDArray[np.bool_]
    has_music: NDArray[np.bool_]
    truth: NDArray[np.int64]
    groups: NDArray[np.str_]


def middle_frames(clip: CachedClip, count: int) -> list[int]:
    """Numbers of ``count`` frames of a clip, each from the middle of an equal part; of one, the middle frame."""
    kept = min(count, clip.frame_count)
    return [int((number + 0.5) * clip.frame_count / kept) for number in range(kept)]


def embed_prompts(network: EmotionNetwork, prompts: Sequence[str]) -> Tensor:
    """Unit vectors [6, d] of the six prompts, in the order of EMOTIONS; no gradient."""
    with torch.no_grad():
        return network.embed("text", [network.prepared("text", text) for text in prompts])


def look_at(
    network: EmotionNetwork,
    items: Sequence[Item],
    clips: Sequence[CachedClip],
    *,
    prompts: Sequence[str] | None,
    frame_count: int,
    watch: Callable[[float], None] = lambda share: None,
) -> HeldOutClips:
    """Embed a split: ``frame_count`` frames of each clip, pooled as a shot's are, and the whole of its music.

    ``prompts`` are needed without classifier alone. The network is left in evaluation mode. ``watch`` is told the share
    done, and may raise.
    """
    network.eval()
    texts = None if prompts is None else embed_prompts(network, prompts)
    rows: dict[str, list[Tensor]] = {"image": [], "music": [], "image_logits": [], "music_logits": []}
    with torch.no_grad():
        for start in range(0, len(clips), _BATCH):
            watch(start / len(clips))
            part = clips[start : start + _BATCH]
            for modality, found in (("image", _images(network, part, frame_count)), ("music", _music(network, part))):
                rows[modality].append(found.cpu())
                rows[f"{modality}_logits"].append(
                    network.class_logits("image" if modality == "image" else "music", found, texts).cpu()
                )
    arrays = {
        name: (torch.cat(parts) if parts else torch.zeros(0, 6)).numpy().astype(np.float32)
        for name, parts in rows.items()
    }
    return HeldOutClips(
        **arrays,
        has_image=np.array([clip.frame_count > 0 for clip in clips], dtype=bool),
        has_music=np.array([clip.sample_count > 0 for clip in clips], dtype=bool),
        truth=np.array([item.emotion for item in items], dtype=np.int64),
        groups=np.array([item.group for item in items], dtype=np.str_),
    )


def _images(network: EmotionNetwork, clips: Sequence[CachedClip], frame_count: int) -> Tensor:
    inputs, owners = [], []
    for row, clip in enumerate(clips):
        for number in middle_frames(clip, frame_count) if clip.frame_count else ():
            inputs.append(network.prepared("image", clip.picture(number)))
            owners.append(row)
    sums = torch.zeros(len(clips), network.dimension, device=network.bias.device)
    if inputs:
        sums.index_add_(0, torch.tensor(owners, device=sums.device), network.embed("image", inputs))
    return functional.normalize(sums, dim=1)


def _music(network: EmotionNetwork, clips: Sequence[CachedClip]) -> Tensor:
    made = torch.zeros(len(clips), network.dimension, device=network.bias.device)
    for row, clip in enumerate(clips):
        if clip.sample_count:
            made[row] = network.embed("music", [network.prepared("music", clip.sound())])[0]
    return made


def temperatures(seen: HeldOutClips) -> dict[str, float]:
    """The temperature of each modality's logits that makes these clips' emotions likeliest; 1 where there are none."""
    made = {}
    for modality, able in (("image", seen.has_image), ("music", seen.has_music)):
        logits = getattr(seen, f"{modality}_logits")[able]
        made[modality] = fit_temperature(logits, seen.truth[able]) if len(logits) else 1.0
    return made


def figures(seen: HeldOutClips, *, temperature: dict[str, float] | None = None) -> dict[str, Any]:
    """``visual``, ``audio`` and ``joint`` (accuracy, macro F1, 95 % interval, confusion, count) and ``retrieval``.

    A modality's figures are of the clips that have it, the joint ones (logits over their temperatures, added) of those
    that have both. Retrieval is the mean average precision of clips of the query's emotion, the query's own group left
    out, against the mean over random rankings. Ready for JSON; what has no clip is None.
    """
    warmth = temperature or {"image": 1.0, "music": 1.0}
    both = seen.has_image & seen.has_music
    joint = seen.image_logits / warmth["image"] + seen.music_logits / warmth["music"]
    return {
        "visual": _accuracy(seen, seen.image_logits, seen.has_image),
        "audio": _accuracy(seen, seen.music_logits, seen.has_music),
        "joint": _accuracy(seen, joint, both),
        "retrieval": retrieval(seen),
    }


def _accuracy(seen: HeldOutClips, logits: NDArray[np.float32], able: NDArray[np.bool_]) -> dict[str, Any]:
    truth, predicted = seen.truth[able], logits[able].argmax(axis=1) if able.any() else np.zeros(0, dtype=np.int64)
    if not len(truth):
        return {"count": 0, "accuracy": None, "macro_f1": None, "interval": None, "confusion": None}
    right = (truth == predicted).astype(np.float64)
    return {
        "count": len(truth),
        "accuracy": float(right.mean()),
        "macro_f1": macro_f1(truth, predicted),
        "interval": list(bootstrap_interval(right, seen.groups[able])),
        "confusion": confusion(truth, predicted, len(EMOTIONS)).tolist(),
    }


def retrieval(seen: HeldOutClips) -> dict[str, float | None]:
    """Mean average precision of pictures for music and of music for pictures, and that of random rankings."""
    asked, found = np.flatnonzero(seen.has_music), np.flatnonzero(seen.has_image)
    scores = seen.music[asked] @ seen.image[found].T
    relevant = seen.truth[asked, None] == seen.truth[None, found]
    allowed = seen.groups[asked, None] != seen.groups[None, found]
    rng = np.random.default_rng(0)
    chance = [_map(rng.random(scores.shape), relevant, allowed) for _ in range(_CHANCE_DRAWS)]
    known = [value for value in chance if value is not None]
    return {
        "image_by_music_map": _map(scores, relevant, allowed),
        "music_by_image_map": _map(scores.T, relevant.T, allowed.T),
        "chance_map": float(np.mean(known)) if known else None,
    }


def _map(scores: NDArray[Any], relevant: NDArray[np.bool_], allowed: NDArray[np.bool_]) -> float | None:
    found = average_precisions(scores, relevant, allowed)
    kept = found[~np.isnan(found)]
    return float(kept.mean()) if len(kept) else None
