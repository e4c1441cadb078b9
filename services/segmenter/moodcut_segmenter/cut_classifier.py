"""Tells clear cuts and quiet stretches from cheap measures, and what only the network can decide. Pure.

Four perceptrons with one hidden layer, whose answers are averaged, trained to foresee what TransNet V2 says of a step
between two frames (tools/train_cut_classifier.py; the weights are shipped). They say "nothing", "maybe" or "a hard
cut"; they are not asked to be right about the hard cases, only to know which those are.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from moodcut_segmenter.cut_measures import CONTEXT_FRAMES as MEASURED_FRAMES
from moodcut_segmenter.cut_measures import inputs, measures

WEIGHTS_FILE = "cut_classifier.npz"
ALONE_FRAMES = 12
"""A clear cut has nothing else that may be a transition so near to it."""
CONTEXT_FRAMES = MEASURED_FRAMES + ALONE_FRAMES
"""How far around a frame the frames lie that its verdict depends on."""

_CLEAR = 0.9

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Verdicts:
    """What is known of each step, bool [frames]: a clear hard cut after the frame, or a matter for the network.

    What is neither is quiet.
    """

    clear: NDArray[np.bool_]
    open: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class CutClassifier:
    """Weights of k perceptrons: inputs are standardised by ``mean`` and ``scale`` [k, 178], then ``hidden`` [k, 179, h]
    and ``output`` [k, h + 1, 3], the last row of each being the bias."""

    mean: Floats
    scale: Floats
    hidden: Floats
    output: Floats

    def of_inputs(self, rows: Floats) -> Floats:
        """Probability of no transition, of one in doubt, and of a hard cut at each step: float32 [n, 3].

        ``rows``: float32 [n, 178], from :func:`~moodcut_segmenter.cut_measures.inputs`.
        """
        found = np.zeros((len(rows), self.output.shape[2]), dtype=np.float32)
        for mean, scale, hidden, output in zip(self.mean, self.scale, self.hidden, self.output, strict=True):
            # No matrix product of BLAS: its last bits depend on how many rows there are, and so on how a film is
            # divided.
            inner = np.maximum(np.einsum("ni,ih->nh", (rows - mean) / scale, hidden[:-1]) + hidden[-1], 0)
            logits = np.einsum("nh,hk->nk", inner, output[:-1]) + output[-1]
            powers = np.exp(logits - logits.max(axis=1, keepdims=True))
            found += powers / powers.sum(axis=1, keepdims=True)
        return found / np.float32(len(self.mean))


@cache
def weights_sha256() -> str:
    """Hash of the weights that are shipped."""
    return hashlib.sha256(resources.files("moodcut_segmenter").joinpath(WEIGHTS_FILE).read_bytes()).hexdigest()


@cache
def cut_classifier() -> CutClassifier:
    """The classifier that is shipped."""
    path = resources.files("moodcut_segmenter").joinpath(WEIGHTS_FILE)
    with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        return CutClassifier(arrays["mean"], arrays["scale"], arrays["hidden"], arrays["output"])


def verdicts(probabilities: Floats, *, quiet: float, clear: float = _CLEAR) -> Verdicts:
    """Sort steps by their ``probabilities`` [n, 3].

    A step may be a transition if any is likelier than ``quiet``. A cut is clear if it is likelier than ``clear`` and no
    other step within ALONE_FRAMES may be one.
    """
    maybe = 1 - probabilities[:, 0] > quiet
    near = np.convolve(maybe, np.ones(2 * ALONE_FRAMES + 1, dtype=np.int64))[ALONE_FRAMES : ALONE_FRAMES + len(maybe)]
    cuts = maybe & (probabilities[:, 2] > clear) & (near == 1)
    return Verdicts(cuts, maybe & ~cuts)


def verdicts_between(
    frames: NDArray[np.uint8], start: int, end: int, *, quiet: float, clear: float = _CLEAR
) -> Verdicts:
    """Verdicts on the steps ``start`` to ``end`` of ``frames`` (uint8 [n, 27, 48, 3], RGB), by the classifier shipped.

    Only frames up to CONTEXT_FRAMES before and after are looked at; where ``frames`` ends nearer, there the film ends.
    """
    first, last = max(0, start - CONTEXT_FRAMES), min(len(frames), end + CONTEXT_FRAMES)
    found = verdicts(cut_classifier().of_inputs(inputs(measures(frames[first:last]))), quiet=quiet, clear=clear)
    return Verdicts(found.clear[start - first : end - first], found.open[start - first : end - first])
