"""Beats and downbeats from activations: the bar-pointer model, decoded exactly. Pure.

The hidden state is a bar's beat, its tempo (a whole number of frames per beat) and the place within the beat; tempo may
change only from one beat to the next, with probability proportional to exp(-lambda |to / from - 1|). Source: Krebs,
Böck and Widmer, "An efficient state-space model for joint tempo and meter tracking" (2015); observations as in Böck,
Krebs and Widmer, "Joint beat and downbeat tracking with recurrent neural networks" (2016).

Within a beat nothing is decided: the place simply advances. So the recursion here runs over the frames at which a beat
begins, and the frames in between are a difference of two running sums. It finds the same best path as a Viterbi pass
over all states, with 240 numbers per frame instead of some 15,000: memory does not limit the length of the music.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_FLOOR = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class BarPointerModel:
    """Parameters of the model; the defaults are the published ones.

    ``frame_rate``: activations per second. ``tempo_count``: how many tempi, spaced evenly in the logarithm.
    ``beat_share``: one part in so many of a beat observes the beat itself. ``least_activation``: frames before the
    first and after the last activation of this height are not decoded.
    """

    frame_rate: int = 100
    min_bpm: float = 55.0
    max_bpm: float = 215.0
    tempo_count: int = 60
    tempo_change_penalty: float = 100.0
    beat_share: int = 16
    least_activation: float = 0.05

    def intervals(self) -> NDArray[np.int64]:
        """Frames per beat of each tempo, increasing."""
        shortest, longest = 60.0 * self.frame_rate / self.max_bpm, 60.0 * self.frame_rate / self.min_bpm
        linear = np.arange(round(shortest), round(longest) + 1, dtype=np.int64)
        if self.tempo_count >= len(linear):
            return linear
        # Short intervals coincide when rounded, so more are drawn until enough differ.
        for count in range(self.tempo_count, 100 * self.tempo_count):
            drawn = np.unique(np.round(np.geomspace(shortest, longest, count))).astype(np.int64)
            if len(drawn) >= self.tempo_count:
                return drawn
        return linear


@dataclass(frozen=True, slots=True, eq=False)
class DecodedBeats:
    """``frames`` int64 [n]: the activation frame of each beat. ``positions`` int64 [n]: its place in the bar, from 1.

    ``log_probability`` of the best path lets bars of different lengths be compared on the same activations.
    """

    frames: NDArray[np.int64]
    positions: NDArray[np.int64]
    log_probability: float


def decode_beats(
    activations: NDArray[np.floating], *, beats_per_bar: int, model: BarPointerModel | None = None
) -> DecodedBeats:
    """The most likely beats for bars of ``beats_per_bar``.

    ``activations``: [frames, 2], the probabilities that a beat other than a downbeat, and that a downbeat, lies in the
    frame. No beats come back if no activation reaches ``least_activation``.
    """
    chosen = model or BarPointerModel()
    strong = np.flatnonzero((activations >= chosen.least_activation).any(axis=1))
    if len(strong) == 0:
        return DecodedBeats(np.empty(0, np.int64), np.empty(0, np.int64), float("-inf"))
    first, last = int(strong[0]), int(strong[-1]) + 1
    part = np.asarray(activations[first:last], dtype=np.float64)
    entries, log_probability = _best_entries(part, beats_per_bar, chosen)
    frames, positions = [], []
    for start, beat, length in entries:
        left, right = max(start, 0), min(start + length, len(part))
        if left < right:
            frames.append(first + left + int(np.argmax(part[left:right].max(axis=1))))
            positions.append(beat + 1)
    return DecodedBeats(np.array(frames, dtype=np.int64), np.array(positions, dtype=np.int64), log_probability)


def decode_meters(
    activations: NDArray[np.floating],
    *,
    meters: Sequence[int],
    model: BarPointerModel | None = None,
    check: Callable[[], None] = lambda: None,
) -> tuple[DecodedBeats, int]:
    """The likeliest beats over all ``meters`` (beats per bar), and their meter. ``check`` is called before each."""
    found = []
    for meter in meters:
        check()
        found.append((decode_beats(activations, beats_per_bar=meter, model=model), meter))
    return max(found, key=lambda each: each[0].log_probability)


def _best_entries(part: Floats, beats: int, model: BarPointerModel) -> tuple[list[tuple[int, int, int]], float]:
    """The best path as (frame at which a beat begins, beat from 0, frames that observe it), and its log probability.

    The first beat may have begun before frame 0: any state may come first, all equally likely.
    """
    intervals = model.intervals()
    tempi = np.arange(len(intervals))
    # As many leading states of a beat observe it as lie in its first 1 / beat_share.
    observing = -(-intervals // model.beat_share)
    longest, frame_count = int(intervals[-1]), len(part)
    sum_none, sum_beat = _running_sums(part, beats, model, pad=longest)
    with np.errstate(divide="ignore"):
        change = np.log(_tempo_change(intervals, model.tempo_change_penalty))

    # entered[longest + t, b, j]: best log probability of all before frame t, given that beat b begins there in tempo j.
    entered = np.full((longest + frame_count, beats, len(intervals)), -np.inf)
    start_log = -np.log(float(beats * intervals.sum()))
    for tempo, interval in enumerate(intervals):
        entered[longest - interval + 1 : longest + 1, :, tempo] = start_log
    chosen = np.zeros((frame_count, beats, len(intervals)), dtype=np.uint8)
    none_of = sum_none[:, np.newaxis, np.newaxis]
    for frame in range(1, frame_count):
        now = longest + frame
        began = now - intervals
        inside = sum_beat[began + observing].T - sum_beat[began].T + (none_of[now] - none_of[began + observing, 0].T)
        ended = entered[began, :, tempi].T + inside
        options = np.roll(ended, 1, axis=0)[:, :, np.newaxis] + change
        best = options.argmax(axis=1)
        chosen[frame] = best
        entered[now] = np.maximum(entered[now], np.take_along_axis(options, best[:, np.newaxis], axis=1)[:, 0])
    return _walk_back(entered, chosen, sum_none, sum_beat, intervals, observing)


def _walk_back(
    entered: Floats,
    chosen: NDArray[np.uint8],
    sum_none: Floats,
    sum_beat: Floats,
    intervals: NDArray[np.int64],
    observing: NDArray[np.int64],
) -> tuple[list[tuple[int, int, int]], float]:
    """The best last beat, and from it backwards every beat before."""
    longest, beats, frame_count = int(intervals[-1]), entered.shape[1], len(chosen)
    end = longest + frame_count
    best = (-np.inf, 0, 0, 0)
    for tempo, interval in enumerate(intervals):
        began = np.arange(end - interval, end)
        border = np.minimum(began + observing[tempo], end)
        inside = sum_beat[border] - sum_beat[began] + (sum_none[end] - sum_none[border])[:, np.newaxis]
        value = entered[began, :, tempo] + inside
        row, column = divmod(int(np.argmax(value)), beats)
        best = max(best, (float(value[row, column]), int(began[row]) - longest, column, tempo))
    log_probability, frame, beat, tempo = best
    path = [(frame, beat, int(observing[tempo]))]
    while frame > 0:
        tempo = int(chosen[frame, beat, tempo])
        frame, beat = frame - int(intervals[tempo]), (beat - 1) % beats
        path.append((frame, beat, int(observing[tempo])))
    return path[::-1], log_probability


def _running_sums(part: Floats, beats: int, model: BarPointerModel, *, pad: int) -> tuple[Floats, Floats]:
    """Running sums of log densities, zero before frame 0: no beat [pad + frames + 1], each beat [same, beats]."""
    beat, downbeat = np.maximum(part[:, 0], _FLOOR), np.maximum(part[:, 1], _FLOOR)
    none = np.log(np.maximum(1.0 - part.sum(axis=1), _FLOOR) / (model.beat_share - 1))
    each = np.repeat(np.log(beat)[:, np.newaxis], beats, axis=1)
    each[:, 0] = np.log(downbeat)
    sum_none = np.concatenate((np.zeros(pad + 1), np.cumsum(none)))
    return sum_none, np.concatenate((np.zeros((pad + 1, beats)), np.cumsum(each, axis=0)))


def _tempo_change(intervals: NDArray[np.int64], penalty: float) -> Floats:
    """Probability of each tempo [from, to] after a beat; what is below the floats' resolution counts as impossible."""
    ratio = intervals[np.newaxis, :] / intervals[:, np.newaxis].astype(np.float64)
    weight = np.exp(-penalty * np.abs(ratio - 1.0))
    weight[weight <= np.spacing(1.0)] = 0.0
    return np.asarray(weight / weight.sum(axis=1, keepdims=True), dtype=np.float64)
