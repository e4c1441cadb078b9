"""Writes generated songs: drums, bass and chords with beats and downbeats of known truth."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from moodcut.demo import synth
from moodcut.demo.moods import SOUNDS, Emotion, Sound
from moodcut.demo.truth import SongTruth, truth_path

_CODECS = {".wav": "pcm_s16le", ".flac": "flac", ".m4a": "aac", ".mp3": "libmp3lame", ".ogg": "libvorbis"}


def write_song(
    path: Path,
    *,
    bpm: float | None = None,
    meter: int = 4,
    compound: bool = False,
    bars: int,
    mood: Emotion | Sequence[Emotion],
    seed: int,
    drift: float = 0.0,
    pickup_beats: int = 0,
    lead_seconds: float = 0.3,
    tail_seconds: float = 2.0,
    sample_rate: int = 44100,
) -> SongTruth:
    """Make a song and write it with its truth beside it (:func:`truth_path`). The same arguments give the same song.

    ``bpm`` is the mean tempo in beats a minute, by default that of the mood; ``drift`` is how far the tempo swings
    around it (0.05: five per cent faster, then slower). ``compound`` divides every beat in three: with ``meter`` 2 the
    song is in 6/8, its beats dotted quarters. ``mood`` is one for the whole song, or several for equal
    parts of it. ``lead_seconds`` of silence come first, then ``pickup_beats``, then the bars, and a last chord on the
    downbeat after them that rings for ``tail_seconds``. The format follows from the suffix: wav, flac, m4a, mp3, ogg.
    """
    if path.suffix not in _CODECS:
        raise ValueError(f"cannot write {path.suffix!r}; known suffixes: {', '.join(_CODECS)}")
    if not 0 <= pickup_beats < meter or bars < 1:
        raise ValueError("pickup_beats must be less than a bar, and there must be at least one bar")
    moods: list[Emotion] = [mood] if isinstance(mood, str) else list(mood)
    bar_moods = [moods[bar * len(moods) // bars] for bar in range(bars)]
    tempo = bpm if bpm is not None else SOUNDS[moods[0]].bpm
    beat_samples = _beat_samples(tempo, drift, pickup_beats + bars * meter + 1, lead_seconds, sample_rate)
    total = int(beat_samples[-1]) + round(tail_seconds * sample_rate)
    parts = 3 if compound else 0
    sound = _perform(beat_samples, bar_moods, meter, parts, pickup_beats, total, sample_rate, seed)
    _encode(path, sound, sample_rate)
    positions = [(index - pickup_beats) % meter + 1 for index in range(len(beat_samples))]
    truth = SongTruth(
        seed=seed,
        sample_rate=sample_rate,
        duration_seconds=total / sample_rate,
        bpm=tempo,
        meter=meter,
        beats_seconds=tuple(int(each) / sample_rate for each in beat_samples),
        beat_positions=tuple(positions),
        downbeats_seconds=tuple(int(each) / sample_rate for each in beat_samples[pickup_beats::meter]),
        moods=tuple(bar_moods),
    )
    truth.write(truth_path(path))
    return truth


def _beat_samples(bpm: float, drift: float, count: int, lead_seconds: float, rate: int) -> NDArray[np.int64]:
    """Sample of each beat, int64 [count]. With drift the tempo makes one slow swing over the song."""
    place = np.arange(count - 1) / max(1, count - 1)
    intervals = 60 / (bpm * (1 + drift * np.sin(2 * np.pi * place)))
    seconds = lead_seconds + np.concatenate(([0.0], np.cumsum(intervals)))
    return np.round(seconds * rate).astype(np.int64)


class _Mix:
    """A stereo sound that notes are added to. Each has a place from 0 (left) to 1 (right)."""

    def __init__(self, sample_count: int) -> None:
        self.sound = np.zeros((2, sample_count), dtype=np.float32)

    def add(self, note: NDArray[np.float32], sample: int, gain: float, place: float = 0.5) -> None:
        start, end = max(sample, 0), min(sample + len(note), self.sound.shape[1])
        if start < end:
            part = note[start - sample : end - sample] * gain
            self.sound[0, start:end] += part * np.sqrt(1 - place)
            self.sound[1, start:end] += part * np.sqrt(place)


def _perform(
    beats: NDArray[np.int64],
    bar_moods: Sequence[Emotion],
    meter: int,
    parts: int,
    pickup: int,
    total: int,
    rate: int,
    seed: int,
) -> NDArray[np.float32]:
    """Play the song: float32 [2, total], peak 0.89. Beats are divided in ``parts``, by the mood where it is 0."""
    rng = np.random.default_rng((seed, 2))
    drums, tune = _Mix(total), _Mix(total)
    kit = {"kick": synth.kick(rate), "snare": synth.snare(rate, rng), "hat": synth.hat(rate, rng)}
    kit["crash"] = synth.crash(rate, rng)
    for index in range(pickup):
        _play_upbeat(tune, drums, kit, beats, index, SOUNDS[bar_moods[0]], rate)
    for bar, mood in enumerate(bar_moods):
        first = pickup + bar * meter
        _play_drums(drums, kit, beats[first : first + meter + 1], SOUNDS[mood], bar, parts, rng)
        _play_tune(tune, beats[first : first + meter + 1], SOUNDS[mood], bar, parts, rate, rng)
    _play_end(tune, drums, kit, int(beats[-1]), SOUNDS[bar_moods[-1]], rate, total)
    sound = drums.sound + synth.reverb(tune.sound, rate, rng, share=0.25)
    return np.asarray(0.89 * sound / np.max(np.abs(sound)), dtype=np.float32)


def _play_upbeat(
    tune: _Mix,
    drums: _Mix,
    kit: dict[str, NDArray[np.float32]],
    beats: NDArray[np.int64],
    index: int,
    voice: Sound,
    rate: int,
) -> None:
    length = float(beats[index + 1] - beats[index]) / rate
    note = voice.key + 12 + voice.chords[0][1] - 2 * (len(beats) % 2)
    tune.add(synth.tone(note, length, rate, brightness=voice.brightness), int(beats[index]), 0.3 * voice.loudness)
    drums.add(kit["hat"], int(beats[index]), 0.4 * voice.drums)


def _play_drums(
    mix: _Mix,
    kit: dict[str, NDArray[np.float32]],
    beats: NDArray[np.int64],
    voice: Sound,
    bar: int,
    divided: int,
    rng: np.random.Generator,
) -> None:
    """One bar of drums: bass drum on the downbeat (and the middle of a bar of four or more), snare on the others."""
    meter = len(beats) - 1
    gain = voice.drums * voice.loudness
    if bar % 8 == 0:
        mix.add(kit["crash"], int(beats[0]), 0.35 * gain, 0.6)
    for beat in range(meter):
        at, step = int(beats[beat]), int(beats[beat + 1] - beats[beat])
        strong = beat == 0 or (meter % 2 == 0 and meter > 2 and beat == meter // 2)
        if strong:
            mix.add(kit["kick"], at, gain * (1.0 if beat == 0 else 0.8))
        elif meter % 2 == 0 or beat > 0:
            mix.add(kit["snare"], at, gain * (0.65 if meter % 2 == 0 else 0.4))
        parts = divided or (4 if voice.density > 0.9 else 2 if voice.density > 0.4 else 1)
        for part in range(parts):
            accent = 0.4 if part == 0 else 0.2 + 0.05 * rng.random()
            mix.add(kit["hat"], at + step * part // parts, gain * accent, 0.7)
    if meter % 2 == 0 and voice.density > 0.6 and bar % 4 == 3:
        last = int(beats[-2])
        for part in (1, 2, 3):
            mix.add(kit["snare"], last + (int(beats[-1]) - last) * part // 4, gain * (0.3 + 0.1 * part), 0.4)


def _play_tune(
    mix: _Mix, beats: NDArray[np.int64], voice: Sound, bar: int, divided: int, rate: int, rng: np.random.Generator
) -> None:
    """One bar of bass, chord and melody."""
    meter = len(beats) - 1
    chord = voice.chords[bar % len(voice.chords)]
    bar_seconds = float(beats[-1] - beats[0]) / rate
    gain = voice.loudness
    sustain = 0.5 + 1.2 * (1 - voice.density)
    for number, note in enumerate(chord):
        sung = synth.tone(
            voice.key + note,
            bar_seconds,
            rate,
            brightness=voice.brightness,
            attack_seconds=0.012,
            decay_seconds=sustain,
        )
        mix.add(sung, int(beats[0]), 0.26 * gain, 0.25 + 0.25 * number)
    bass_steps = range(meter) if voice.density > 0.6 else (0, meter // 2) if meter % 2 == 0 else (0,)
    for beat in bass_steps:
        length = min(float(beats[-1] - beats[beat]) / rate, 0.9)
        bass = synth.tone(voice.key - 24 + chord[0], length, rate, brightness=0.45, decay_seconds=0.5)
        mix.add(bass, int(beats[beat]), (0.6 if beat == 0 else 0.4) * gain)
    scale = [chord[0], chord[1], chord[2], chord[0] + 12]
    for beat in range(meter):
        at, step = int(beats[beat]), int(beats[beat + 1] - beats[beat])
        parts = divided or (2 if voice.density > 0.4 else 1)
        for part in range(parts):
            if rng.random() < 0.35 + 0.55 * voice.density:
                note = voice.key + 12 + int(rng.choice(scale))
                length = step / parts / rate
                lead = synth.tone(note, length * 1.2, rate, brightness=voice.brightness, decay_seconds=0.35)
                mix.add(lead, at + step * part // parts, (0.22 if part == 0 else 0.15) * gain, 0.35)


def _play_end(
    tune: _Mix, drums: _Mix, kit: dict[str, NDArray[np.float32]], sample: int, voice: Sound, rate: int, total: int
) -> None:
    """The last chord, with bass drum and cymbal."""
    drums.add(kit["kick"], sample, voice.drums * voice.loudness)
    drums.add(kit["crash"], sample, 0.4 * voice.drums * voice.loudness, 0.6)
    seconds = (total - sample) / rate
    if seconds <= 0.05:
        return
    for note in (-24, *voice.chords[0]):
        last = synth.tone(voice.key + note, seconds, rate, brightness=voice.brightness, decay_seconds=0.8)
        tune.add(last, sample, 0.35 * voice.loudness)


def _encode(path: Path, sound: NDArray[np.float32], rate: int) -> None:
    codec = _CODECS[path.suffix]
    with av.open(str(path), "w", options={"fflags": "+bitexact"}) as container:
        stream: Any = container.add_stream(codec, rate=rate, layout="stereo")
        if path.suffix in (".m4a", ".mp3"):
            stream.bit_rate = 192_000
        for start in range(0, sound.shape[1], rate):
            planes = np.ascontiguousarray(sound[:, start : start + rate])
            frame = av.AudioFrame.from_ndarray(planes, format="fltp", layout="stereo")
            frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
