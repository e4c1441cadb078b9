"""The bar-pointer model against a Viterbi pass over every state."""

from __future__ import annotations

import numpy as np
import pytest

from moodcut_segmenter.bar_pointer import BarPointerModel, decode_beats

_SMALL = BarPointerModel(
    frame_rate=20, min_bpm=80.0, max_bpm=240.0, tempo_count=6, tempo_change_penalty=8.0, beat_share=4
)


def _every_state(
    activations: np.ndarray[tuple[int, int], np.dtype[np.float64]], beats: int, model: BarPointerModel
) -> tuple[list[int], list[int], float]:
    """Plain Viterbi over (beat, tempo, place): frames and positions of the beats, and the log probability."""
    intervals = model.intervals()
    states = [(b, j, p) for b in range(beats) for j, length in enumerate(intervals) for p in range(length)]
    number = {state: index for index, state in enumerate(states)}
    weight = np.exp(-model.tempo_change_penalty * np.abs(intervals[None, :] / intervals[:, None] - 1))
    weight /= weight.sum(axis=1, keepdims=True)
    with np.errstate(divide="ignore"):
        log_change = np.log(weight)
        none = np.log((1 - activations.sum(axis=1)) / (model.beat_share - 1))
        log_beat = np.log(activations)
    kind = [0 if p * model.beat_share >= intervals[j] else 2 if b == 0 else 1 for b, j, p in states]
    observed = np.stack((none, log_beat[:, 0], log_beat[:, 1]), axis=1)[:, kind]
    value = observed[0] - np.log(len(states))
    back = np.zeros((len(activations), len(states)), dtype=int)
    for frame in range(1, len(activations)):
        new = np.empty(len(states))
        for index, (b, j, p) in enumerate(states):
            if p > 0:
                source, best = number[b, j, p - 1], value[number[b, j, p - 1]]
            else:
                ends = [number[(b - 1) % beats, i, intervals[i] - 1] for i in range(len(intervals))]
                options = [value[end] + log_change[i, j] for i, end in enumerate(ends)]
                source, best = ends[int(np.argmax(options))], max(options)
            back[frame, index], new[index] = source, best
        value = new + observed[frame]
    path = [int(np.argmax(value))]
    for frame in range(len(activations) - 1, 0, -1):
        path.append(int(back[frame, path[-1]]))
    path.reverse()
    marks = np.array([kind[state] > 0 for state in path])
    edges = np.flatnonzero(np.diff(np.concatenate(([False], marks, [False])).astype(int)))
    frames = [
        start + int(np.argmax(activations[start:end].max(axis=1)))
        for start, end in zip(edges[::2], edges[1::2], strict=True)
    ]
    return frames, [states[path[frame]][0] + 1 for frame in frames], float(value.max())


def _clicks(count: int, *, period: int, meter: int, seed: int) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    rng = np.random.default_rng(seed)
    activations = rng.uniform(0.005, 0.12, (count, 2))
    for beat, frame in enumerate(range(int(rng.integers(0, period)), count, period)):
        activations[frame, 1 if beat % meter == 0 else 0] = rng.uniform(0.4, 0.8)
    return activations


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("beats", [2, 3])
def test_equals_a_pass_over_every_state(beats: int, seed: int) -> None:
    activations = _clicks(90, period=8 + seed % 4, meter=beats, seed=seed)
    found = decode_beats(activations, beats_per_bar=beats, model=_SMALL)
    strong = np.flatnonzero((activations >= _SMALL.least_activation).any(axis=1))
    first, last = strong[0], strong[-1] + 1
    frames, positions, log_probability = _every_state(activations[first:last], beats, _SMALL)
    assert found.log_probability == pytest.approx(log_probability, rel=1e-9)
    assert found.frames.tolist() == [frame + first for frame in frames]
    assert found.positions.tolist() == positions


@pytest.mark.parametrize("meter", [3, 4])
def test_the_right_meter_is_more_likely(meter: int) -> None:
    activations = _clicks(3000, period=50, meter=meter, seed=1)
    found = {beats: decode_beats(activations, beats_per_bar=beats) for beats in (3, 4)}
    assert max(found, key=lambda beats: found[beats].log_probability) == meter
    assert np.all(np.diff(found[meter].frames) == 50)


def test_tempo_is_followed_as_it_drifts() -> None:
    steps = np.round(np.linspace(45, 62, 60)).astype(int)
    frames = 20 + np.concatenate(([0], np.cumsum(steps)))
    activations = np.full((int(frames[-1]) + 30, 2), 0.01)
    for beat, frame in enumerate(frames):
        activations[frame, 1 if beat % 4 == 0 else 0] = 0.8
    found = decode_beats(activations, beats_per_bar=4)
    assert found.frames.tolist() == frames.tolist()
    assert found.positions.tolist() == [beat % 4 + 1 for beat in range(len(frames))]


def test_no_activation_no_beats() -> None:
    assert len(decode_beats(np.full((500, 2), 0.01), beats_per_bar=4).frames) == 0
    assert len(decode_beats(np.zeros((500, 2)), beats_per_bar=4).frames) == 0


def test_one_strong_frame_is_decoded_without_error() -> None:
    activations = np.full((100, 2), 0.001)
    activations[40, 1] = 0.9
    found = decode_beats(activations, beats_per_bar=4)
    assert found.frames.tolist() == [40]
