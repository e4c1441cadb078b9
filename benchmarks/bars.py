"""Beats and downbeats of every tracker that is there, on music of known bars.

Generated songs are of moods in turn, 24 bars each, from 60 to 200 beats a minute, in 3/4, 4/4 and 6/8 (beats are its
dotted quarters), with a steady and with a drifting tempo. Real songs are those of Debian's package
fretsonfire-songs-sectoid: the song and its guitar are mixed; notes.mid has the tempo, and one offset per song is
estimated, the one at which the notes meet the onsets of the sound best. F is mir_eval's F-measure with 70 ms; CMLt is
the share of beats right at the annotated level with no gap in phase or tempo; nothing is trimmed from the beginning.
"meter" is the share of songs whose beats per bar are right; rows with "2,3,4" let a tracker choose from these.

    python benchmarks/bars.py [--small] [--songs DIRECTORY] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import struct
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import mir_eval
import numpy as np
from measuring import machine
from numpy.typing import NDArray

from moodcut.demo import Emotion, write_song
from moodcut_kit.media.audio import decode_audio
from moodcut_segmenter import Backend, MusicOptions, analyze_sound
from moodcut_segmenter.beat_backends import SAMPLE_RATE, beat_this, madmom
from moodcut_segmenter.spectra import HOP, sound_spectra

_MOODS: tuple[Emotion, ...] = ("excited", "neutral", "tension", "relaxation", "fear", "sad")
_DEBIAN = Path("/usr/share/games/fretsonfire/data/songs/sectoid")
_LARGEST_OFFSET_SECONDS = 0.15


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Song:
    """``beats`` and ``downbeats`` are the truth in seconds."""

    kind: str
    name: str
    sound: NDArray[np.float32]
    beats: NDArray[np.float64]
    downbeats: NDArray[np.float64]
    meter: int


def generated(directory: Path, *, small: bool) -> Iterator[Song]:
    """Songs of every kind of bar and tempo."""
    kinds = [("4/4", 4, False, 0.0), ("3/4", 3, False, 0.0), ("6/8", 2, True, 0.0), ("4/4 drift", 4, False, 0.06)]
    kinds += [("3/4 drift", 3, False, 0.06)]
    for number, (kind, meter, compound, drift) in enumerate(kinds[:3] if small else kinds):
        tempi = (60, 80, 100) if compound else (60, 80, 100, 120, 140, 160, 180, 200)
        for step, bpm in enumerate(tempi[1:2] if small else tempi):
            path, mood = directory / "song.wav", _MOODS[(number + step) % len(_MOODS)]
            truth = write_song(
                path,
                bpm=bpm,
                meter=meter,
                compound=compound,
                bars=6 if small else 24,
                mood=mood,
                seed=100 * number + bpm,
                drift=drift,
                pickup_beats=step % 2,
            )
            yield Song(
                kind=kind,
                name=f"{kind} {bpm} {mood}",
                sound=decode_audio(path, sample_rate=SAMPLE_RATE, channels=1),
                beats=np.array(truth.beats_seconds),
                downbeats=np.array(truth.downbeats_seconds),
                meter=meter,
            )


def real(songs: Path) -> Iterator[Song]:
    """The songs of a directory of Frets on Fire."""
    for notes in sorted(songs.glob("*/notes.mid")):
        stems = [decode_audio(each, sample_rate=SAMPLE_RATE, channels=1) for each in sorted(notes.parent.glob("*.ogg"))]
        sound = np.zeros(max(len(stem) for stem in stems), dtype=np.float32)
        for stem in stems:
            sound[: len(stem)] += stem
        beat_seconds, struck = read_notes(notes.read_bytes())
        end, offset = len(sound) / SAMPLE_RATE, note_offset(sound, struck * beat_seconds)
        index = np.arange(int(struck.max()) + 1)
        times = index * beat_seconds + offset
        inside = (times >= 0) & (times < end)
        yield Song(
            kind="real",
            name=f"{notes.parent.name} ({60 / beat_seconds:.0f} BPM, offset {offset * 1000:+.0f} ms)",
            sound=sound,
            beats=times[inside],
            downbeats=times[inside & (index % 4 == 0)],
            meter=4,
        )


def read_notes(data: bytes) -> tuple[float, NDArray[np.float64]]:
    """Seconds per beat and the beats, from 0 on, at which notes begin, of a MIDI file of one tempo."""
    division = struct.unpack(">H", data[12:14])[0]
    at = data.index(b"\xff\x51\x03") + 3
    beat_seconds = int.from_bytes(data[at : at + 3], "big") / 1e6
    ticks: list[int] = []
    place = 14
    while place < len(data):
        (size,) = struct.unpack(">I", data[place + 4 : place + 8])
        ticks += _struck(data[place + 8 : place + 8 + size])
        place += 8 + size
    return beat_seconds, np.unique(np.array(ticks)) / division


def _struck(track: bytes) -> list[int]:
    """Ticks at which notes of one track begin."""
    found, place, tick, status = [], 0, 0, 0

    def number() -> int:
        nonlocal place
        value = 0
        while True:
            byte = track[place]
            place += 1
            value = value << 7 | byte & 0x7F
            if byte < 0x80:
                return value

    while place < len(track):
        tick += number()
        if track[place] >= 0x80:
            status = track[place]
            place += 1
        if status in (0xFF, 0xF0, 0xF7):
            place += status == 0xFF
            size = number()
            place += size
        else:
            if status & 0xF0 == 0x90 and track[place + 1] > 0:
                found.append(tick)
            place += 1 if status & 0xF0 in (0xC0, 0xD0) else 2
    return found


def note_offset(sound: NDArray[np.float32], seconds: NDArray[np.float64]) -> float:
    """The offset at which ``seconds`` meet the onsets of the sound best."""
    onset = sound_spectra(sound, sample_rate=SAMPLE_RATE).onset
    offsets = np.arange(-_LARGEST_OFFSET_SECONDS, _LARGEST_OFFSET_SECONDS, 0.002)
    times = np.arange(len(onset)) * HOP / SAMPLE_RATE
    return float(max(offsets, key=lambda offset: float(np.interp(seconds + offset, times, onset).mean())))


def trackers(*, small: bool) -> list[tuple[str, MusicOptions]]:
    """Every tracker that is there, by name, as it comes and with bars of two allowed."""
    there = [Backend.MADMOM] if madmom.installed() else []
    there += [Backend.BEAT_THIS] if beat_this.installed() else []
    there += [Backend.LIBROSA]
    plain = [(each.value, MusicOptions(backend=each)) for each in there]
    if small:
        return plain
    return plain + [(f"{each.value} 2,3,4", MusicOptions(backend=each, meters=(2, 3, 4))) for each in there]


def scores_of(song: Song, options: MusicOptions) -> dict[str, float]:
    """Beats, downbeats, meter and seconds of one tracker on one song."""
    began = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = analyze_sound(song.sound, options)
        seconds = time.process_time() - began
        track = result.grid.track
        beats = track.pts / SAMPLE_RATE
        downbeats = beats[track.positions == 1]
        return {
            "beats": float(mir_eval.beat.f_measure(song.beats, beats)),
            "downbeats": float(mir_eval.beat.f_measure(song.downbeats, downbeats)),
            "CMLt": float(mir_eval.beat.continuity(song.beats, beats)[1]),
            "meter": float(track.meter == song.meter),
            "confidence": result.grid.confidence,
            "seconds": seconds,
        }


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true", help="one short song in 4/4, 3/4 and 6/8")
    parser.add_argument("--songs", type=Path, default=_DEBIAN, help="the songs' directory of fretsonfire-songs-sectoid")
    parser.add_argument("--each", action="store_true", help="a line for every song as well")
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    arguments = parser.parse_args()
    print(machine())
    rows: dict[tuple[str, str], list[dict[str, float]]] = {}
    with tempfile.TemporaryDirectory() as directory:
        songs = [*generated(Path(directory), small=arguments.small)]
    songs += [] if arguments.small else [*real(arguments.songs)]
    for song in songs:
        for name, options in trackers(small=arguments.small):
            scores = scores_of(song, options)
            rows.setdefault((song.kind, name), []).append(scores)
            if arguments.each or song.kind == "real":
                print(f"{song.name:44} {name:16} " + " ".join(f"{key} {value:.3f}" for key, value in scores.items()))
    print(f"{'kind':12} {'tracker':16} {'songs':>5} {'beats F':>8} {'downb. F':>9} {'CMLt':>6} {'meter':>6}"
          f" {'conf.':>6} {'CPU s':>6}")  # fmt: skip
    table: list[dict[str, Any]] = []
    for (kind, name), found in rows.items():
        mean = {key: fmean(each[key] for each in found) for key in found[0]}
        table.append({"kind": kind, "tracker": name, "songs": len(found), **mean})
        print(f"{kind:12} {name:16} {len(found):5} {mean['beats']:8.3f} {mean['downbeats']:9.3f} {mean['CMLt']:6.3f}"
              f" {mean['meter']:6.2f} {mean['confidence']:6.2f} {mean['seconds']:6.1f}")  # fmt: skip
    if not any(row["kind"] == "real" for row in table):
        print(f"no real songs: {arguments.songs} has none (apt-get download fretsonfire-songs-sectoid; dpkg -x)")
    if arguments.json:
        arguments.json.write_text(json.dumps(table), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
