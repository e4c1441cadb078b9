"""The music under the picture: exactly the samples between two times."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from moodcut_kit.media.audio import decode_audio, probe_audio
from moodcut_kit.time import ticks_nearest
from moodcut_renderer.errors import TimelineError

# Rates every player of AAC takes. Music of another rate is resampled, once.
_KEPT_RATES = (44100, 48000)
_OTHER_RATE = 48000
# A cut through a sounding wave clicks: it is faded over so short a time that nobody hears a fade.
_FADE_IN_SECONDS, _FADE_OUT_SECONDS = Fraction(1, 500), Fraction(1, 100)
# Analyses round times to their own ticks; more than this is not rounding.
_SLACK_SECONDS = Fraction(1, 20)


def montage_sound(
    path: Path, *, start_seconds: Fraction, end_seconds: Fraction, track: int = 0
) -> tuple[NDArray[np.float32], int]:
    """The music from ``start_seconds`` to ``end_seconds`` of its first sample.

    ``track`` is its sound track, counted from 1; 0 takes the one a player would choose.

    Returns float32 [n, 2] and the sample rate: 44,100 or 48,000, the music's own if it is one of them. n is the exact
    number of samples between the two times; sample 0 is the one nearest to the start. The first 2 ms and the last 10
    ms are faded. Raises TimelineError if the music is shorter, and what the kit's decoder raises.
    """
    own_rate = probe_audio(path, track=track).sample_rate
    rate = own_rate if own_rate in _KEPT_RATES else _OTHER_RATE
    whole = decode_audio(path, sample_rate=rate, channels=2, track=track)
    first, after = ticks_nearest(start_seconds, Fraction(rate)), ticks_nearest(end_seconds, Fraction(rate))
    missing = after - len(whole)
    if missing > _SLACK_SECONDS * rate:
        message = f"the timeline uses the music up to {float(end_seconds):.3f} s; it lasts {len(whole) / rate:.3f} s"
        raise TimelineError(message, field="music_end_pts", music_seconds=len(whole) / rate)
    part = whole[first:after].copy()
    if missing > 0:
        part = np.concatenate((part, np.zeros((after - first - len(part), 2), dtype=np.float32)))
    _fade(part, rate)
    return part, rate


def _fade(sound: NDArray[np.float32], rate: int) -> None:
    """Fade both ends in place."""
    rise = min(int(_FADE_IN_SECONDS * rate), len(sound))
    fall = min(int(_FADE_OUT_SECONDS * rate), len(sound))
    sound[:rise] *= np.linspace(0, 1, rise, endpoint=False, dtype=np.float32)[:, None]
    sound[len(sound) - fall :] *= np.linspace(1, 0, fall, dtype=np.float32)[:, None]
