"""Files that were labelled otherwise, as shares of the six emotions: they widen what a head has heard.

The clips are few and of one kind of music; songs with felt emotions are more, and of every kind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from moodcut_scorer.emotions import EMOTIONS

# The nine scales of the Geneva emotional music scale (Zentner, Grandjean and Scherer 2008), each by what it comes near
# to. Set by hand from the words, not fitted.
FELT: Final[Mapping[str, Mapping[str, float]]] = {
    "amazement": {"neutral": 0.25},
    "solemnity": {},
    "tenderness": {"relaxation": 0.5},
    "nostalgia": {"sad": 0.3},
    "calmness": {"relaxation": 1.0},
    "power": {"excited": 0.5, "tension": 0.5},
    "joyful_activation": {"excited": 1.0},
    "tension": {"tension": 1.0, "fear": 0.5},
    "sadness": {"sad": 1.0},
}


def shares_of_felt(names: Sequence[str], felt: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shares of listeners [n, k] who felt each of ``names`` [k] -> shares [n, 6] of the six emotions, each row 1.

    Each emotion is measured by how often it is felt otherwise, and the larger is favoured (squares), since all emotions
    are felt a little everywhere. Raises ValueError for a name that is not in FELT, or if an emotion has no name at all.
    """
    unknown = [name for name in names if name not in FELT]
    if unknown:
        raise ValueError(f"{unknown[0]!r} is no felt emotion that is known; these are: {', '.join(FELT)}.")
    near = np.array([[FELT[name].get(emotion, 0.0) for emotion in EMOTIONS] for name in names])
    missing = [emotion for emotion, column in zip(EMOTIONS, near.T, strict=True) if not column.any()]
    if missing:
        raise ValueError(f"None of {', '.join(names)} comes near {missing[0]}.")
    found = felt @ near
    relative = np.square(found / np.maximum(found.mean(axis=0), 1e-9))
    whole = relative.sum(axis=1, keepdims=True)
    return np.where(whole > 0, relative / np.where(whole > 0, whole, 1.0), 1.0 / len(EMOTIONS))
