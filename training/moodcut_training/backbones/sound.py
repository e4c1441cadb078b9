"""What every backbone asks of a piece of music."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from moodcut_scorer.errors import BadAudioError
from moodcut_scorer.mel import SHORTEST_SECONDS


def checked_sound(sound: NDArray[np.float32], sample_rate: int) -> NDArray[np.float32]:
    """The same sound, contiguous, float32 [samples].

    Raises BadAudioError if it is not a mono float signal of at least half a second with finite samples.
    """
    if sound.ndim != 1 or not np.issubdtype(sound.dtype, np.floating):
        raise BadAudioError(f"Music must be a mono float signal [n]; this is {sound.dtype} {list(sound.shape)}.")
    if sound.size < SHORTEST_SECONDS * sample_rate:
        seconds = sound.size / sample_rate
        raise BadAudioError(f"The music lasts {seconds:.2f} s; at least {SHORTEST_SECONDS} s are needed.")
    if not np.isfinite(sound).all():
        raise BadAudioError("The music holds samples that are not finite numbers.")
    return np.ascontiguousarray(sound, dtype=np.float32)
