"""Checks a rendered montage against the film, the music and what was asked for; knows nothing of the renderer.

Every frame of the montage is compared with every frame of the film, small and grey. Cuts are where the best match
jumps; the sound's place is found by cross-correlation with the music. From the command line:

    PYTHONPATH=tests python -m support.verify_montage MONTAGE.mp4 FILM MUSIC REPORT.json

where REPORT.json is what `moodcut make --json` printed.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from support.mediareading import Picture, Sound, read_picture, read_sound

_CHUNK = 256
# A jump this many film frames away from steady play is a cut.
_JUMP_FRAMES = 4
# Matches within this factor (and offset, in squared grey levels) of the best are as good: film that stands still.
_AS_GOOD, _AS_GOOD_LEVELS = 1.25, 0.15
_MAX_LAG_SECONDS = 0.5


@dataclass(frozen=True, kw_only=True)
class ExpectedClip:
    """A clip as asked for: when it begins (the real downbeat, counted from the first one), and its film frames."""

    start_seconds: float
    source_start_frame: int
    source_end_frame: int


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What was measured. Times in the montage count from its first frame; frames are output frames.

    ``cut_errors_frames`` has one entry per expected cut: distance of the cut found from the downbeat. A join where the
    film simply goes on shows no cut; there the place is judged by the film frame alone (``invisible_joins``).
    ``first_frame_errors`` and ``last_frame_errors`` are in film frames, one per clip. ``sound_offset_ms`` is positive
    when the sound comes late. ``worst_difference`` is the largest mean absolute difference, in grey levels, of a frame
    from its best match.
    """

    frame_count: int
    constant_rate: bool
    rate: float
    picture_seconds: float
    sound_seconds: float
    picture_start_ms: float
    cut_errors_frames: tuple[float, ...]
    unexpected_cuts: tuple[int, ...]
    invisible_joins: int
    first_frame_errors: tuple[int, ...]
    last_frame_errors: tuple[int, ...]
    repeated_at_joins: int
    sound_offset_ms: float
    sound_correlation: float
    worst_difference: float

    def problems(self, *, expected_frame_count: int | None = None, max_difference: float = 6.0) -> list[str]:
        """What breaks the promises of a montage, in words; empty if nothing does."""
        found = []
        if not self.constant_rate:
            found.append("the frame rate is not constant")
        if expected_frame_count is not None and self.frame_count != expected_frame_count:
            found.append(f"{self.frame_count} frames, expected {expected_frame_count}")
        worst = max(self.cut_errors_frames, default=0.0)
        if worst > 0.5 + 1e-6:
            found.append(f"a cut lies {worst:.2f} frames from its downbeat")
        if self.unexpected_cuts:
            found.append(f"cuts at frames {list(self.unexpected_cuts)} were not asked for")
        if any(self.first_frame_errors):
            found.append(f"first frames of clips are off by {[e for e in self.first_frame_errors if e]}")
        if any(self.last_frame_errors):
            found.append(f"last frames of clips are off by {[e for e in self.last_frame_errors if e]}")
        if self.repeated_at_joins:
            found.append(f"{self.repeated_at_joins} frames are repeated at joins")
        if abs(self.sound_offset_ms) > 1.0:
            found.append(f"the sound is off by {self.sound_offset_ms:.2f} ms")
        if self.sound_correlation < 0.9:
            found.append(f"the sound resembles the music only by {self.sound_correlation:.2f}")
        if abs(self.picture_seconds - self.sound_seconds) > 1 / self.rate:
            found.append(f"picture {self.picture_seconds:.3f} s, sound {self.sound_seconds:.3f} s")
        if abs(self.picture_start_ms) > 1.0:
            found.append(f"the picture begins at {self.picture_start_ms:.2f} ms")
        if self.worst_difference > max_difference:
            found.append(f"a frame differs from all of the film by {self.worst_difference:.1f} levels")
        return found


def verify_montage(
    montage: Path,
    *,
    movie: Path | Picture,
    music: Path,
    clips: Sequence[ExpectedClip],
    music_start_seconds: float,
) -> Findings:
    """Measure ``montage``. ``movie`` may be a film already read, to check several montages of it."""
    made = read_picture(montage)
    film = movie if isinstance(movie, Picture) else read_picture(movie)
    best, differences, costs = match_frames(made.greys, film.greys)
    steps = np.diff(made.pts)
    rate = Fraction(len(made.pts)) / made.duration_seconds
    film_seconds = (film.pts - film.pts[0]) * float(film.time_base)
    cuts = find_cuts(best, film_seconds, float(rate))
    places, invisible, used = _find_places(clips, cuts, best, film_seconds, rate)
    dues = [clip.start_seconds * float(rate) for clip in clips[1:]]
    errors = [abs(place - due) for place, due in zip(places, dues, strict=True)]
    # A downbeat in the middle between two frames may be cut at either.
    nearest = [place if abs(place - due) <= 0.5 + 1e-6 else round(due) for place, due in zip(places, dues, strict=True)]
    starts = [0, *nearest]
    ends = [*starts[1:], len(best)]
    sound, song = read_sound(montage), read_sound(music, sample_rate=read_sound(montage).sample_rate)
    lag, correlation = sound_offset(sound, song, music_start_seconds)
    lag += float(sound.start_seconds - made.start_seconds)
    return Findings(
        frame_count=len(best),
        constant_rate=bool(np.all(np.abs(steps - steps[0]) <= (0 if steps[0] > 1 else 1))),
        rate=float(rate),
        picture_seconds=float(made.duration_seconds),
        sound_seconds=float(sound.duration_seconds),
        picture_start_ms=float(made.start_seconds) * 1000,
        cut_errors_frames=tuple(errors),
        unexpected_cuts=tuple(cut for cut in sorted(set(cuts) - used) if surely_jumps(cut, best, costs)),
        invisible_joins=invisible,
        first_frame_errors=tuple(
            _frame_error(costs, start, clip.source_start_frame) for start, clip in zip(starts, clips, strict=True)
        ),
        last_frame_errors=tuple(
            _frame_error(costs, end - 1, clip.source_end_frame - 1) for end, clip in zip(ends, clips, strict=True)
        ),
        repeated_at_joins=repeated_frames(best, costs, starts[1:], film_seconds, float(rate)),
        sound_offset_ms=lag * 1000,
        sound_correlation=correlation,
        worst_difference=float(differences.max()),
    )


def match_frames(
    made: NDArray[np.uint8], film: NDArray[np.uint8]
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float32]]:
    """For each frame of ``made`` [m, d] the best of ``film`` [n, d].

    Returns its number int64 [m], the mean absolute difference float64 [m], and all mean squared differences, float32
    [m, n]. Of matches that are as good as the best, the one that continues from the frame before is taken.
    """
    reference = film.astype(np.float32)
    norms = np.einsum("ij,ij->i", reference, reference)
    costs = np.empty((len(made), len(film)), dtype=np.float32)
    for start in range(0, len(made), _CHUNK):
        part = made[start : start + _CHUNK].astype(np.float32)
        squares = np.einsum("ij,ij->i", part, part)[:, None] + norms[None] - 2 * part @ reference.T
        costs[start : start + _CHUNK] = np.maximum(squares, 0) / film.shape[1]
    best = np.empty(len(made), dtype=np.int64)
    for index, row in enumerate(costs):
        lowest = int(np.argmin(row))
        if index:
            near = slice(max(int(best[index - 1]), 0), int(best[index - 1]) + _JUMP_FRAMES)
            close = int(np.argmin(row[near])) + int(best[index - 1])
            if row[close] <= row[lowest] * _AS_GOOD + _AS_GOOD_LEVELS:
                lowest = close
        best[index] = lowest
    differences = np.array(
        [np.abs(frame.astype(np.int16) - film[match]).mean() for frame, match in zip(made, best, strict=True)]
    )
    return best, differences, costs


def find_cuts(best: NDArray[np.int64], film_seconds: NDArray[np.float64], rate: float) -> list[int]:
    """Output frames at which the film does not go on steadily."""
    usual = float(np.median(np.diff(film_seconds)))
    moved = np.diff(film_seconds[best])
    allowed = _JUMP_FRAMES * max(usual, 1 / rate)
    longest = np.diff(film_seconds, append=film_seconds[-1] + usual)[best[1:] - 1]
    return [int(at) + 1 for at in np.flatnonzero((moved < -1e-9) | (moved > np.maximum(allowed, longest * 1.01)))]


def _as_good(costs: NDArray[np.float32], matched: int, other: int) -> bool:
    """Whether the film's frame ``other`` is as good a match as ``matched``."""
    return bool(costs[other] <= costs[matched] * _AS_GOOD + _AS_GOOD_LEVELS)


def surely_jumps(cut: int, best: NDArray[np.int64], costs: NDArray[np.float32]) -> bool:
    """Whether the film jumps at output frame ``cut``.

    Where film stands still the frame before is a guess: if a frame shortly before the next one is as good a match for
    it, nothing was jumped over.
    """
    before, after = int(best[cut - 1]), int(best[cut])
    nearby = range(max(0, after - _JUMP_FRAMES), after)
    return after < before or not any(_as_good(costs[cut - 1], before, frame) for frame in nearby)


def sound_offset(sound: Sound, song: Sound, start_seconds: float) -> tuple[float, float]:
    """Seconds by which ``sound`` lags ``song`` from ``start_seconds`` on, and the normalised correlation there."""
    rate = sound.sample_rate
    margin = round(_MAX_LAG_SECONDS * rate)
    first = round(start_seconds * rate)
    piece = np.zeros(len(sound.samples) + 2 * margin, dtype=np.float64)
    low, high = max(first - margin, 0), min(first + len(sound.samples) + margin, len(song.samples))
    piece[low - (first - margin) : high - (first - margin)] = song.samples[low:high]
    size = 1 << (len(piece) + len(sound.samples)).bit_length()
    spectrum = np.fft.rfft(piece, size) * np.conj(np.fft.rfft(sound.samples.astype(np.float64), size))
    correlation = np.fft.irfft(spectrum, size)[: 2 * margin + 1]
    peak = int(np.argmax(correlation))
    shift = 0.0
    if 0 < peak < 2 * margin:
        left, middle, right = correlation[peak - 1 : peak + 2]
        shift = 0.5 * (left - right) / (left - 2 * middle + right)
    lag = (margin - peak - shift + (first - start_seconds * rate)) / rate
    under = piece[peak : peak + len(sound.samples)]
    scale = np.sqrt(np.sum(under**2) * np.sum(sound.samples.astype(np.float64) ** 2))
    return float(lag), float(correlation[peak] / scale) if scale > 0 else 0.0


def _find_places(
    clips: Sequence[ExpectedClip],
    cuts: Sequence[int],
    best: NDArray[np.int64],
    film_seconds: NDArray[np.float64],
    rate: Fraction,
) -> tuple[list[int], int, set[int]]:
    """Output frame at which each expected cut was found; number of joins that cannot be seen; cuts used."""
    places: list[int] = []
    used: set[int] = set()
    invisible = 0
    usual = float(np.median(np.diff(film_seconds)))
    for before, clip in pairwise(clips):
        due = clip.start_seconds * float(rate)
        gap = film_seconds[clip.source_start_frame] - film_seconds[before.source_end_frame - 1]
        if 0 <= gap <= _JUMP_FRAMES * max(usual, 1 / float(rate)):
            invisible += 1
            found = int(np.argmax((best >= clip.source_start_frame) & (np.arange(len(best)) >= due - 25)))
            used.update(cut for cut in cuts if abs(cut - found) <= 1)
        elif cuts:
            found = min(cuts, key=lambda cut: abs(cut - due))
            used.add(found)
        else:
            found = -(10**6)
        places.append(found)
    return places, invisible, used


def _frame_error(costs: NDArray[np.float32], output_frame: int, source_frame: int) -> int:
    """Film frames between the frame expected and the nearest of those that match as well as the best."""
    if not 0 <= output_frame < len(costs):
        return 10**6
    row = costs[output_frame]
    good = np.flatnonzero(row <= row.min() * _AS_GOOD + _AS_GOOD_LEVELS)
    return int(good[np.argmin(np.abs(good - source_frame))] - source_frame)


def repeated_frames(
    best: NDArray[np.int64],
    costs: NDArray[np.float32],
    starts: Sequence[int],
    film_seconds: NDArray[np.float64],
    rate: float,
) -> int:
    """Frames beside a join that repeat the one before, although the film's next frame is there and looks different."""
    count = 0
    for start in starts:
        for one, other in ((start - 2, start - 1), (start, start + 1)):
            if one < 0 or other >= len(best) or best[one] != best[other]:
                continue
            following = min(int(best[one]) + 1, len(film_seconds) - 1)
            is_due = film_seconds[following] - film_seconds[best[one]] < 1.05 / rate
            # Where film stands still, the first of the two may be the film's frame before: nothing is repeated then.
            if best[one] and _as_good(costs[one], int(best[one]), int(best[one]) - 1):
                continue
            looks_different = costs[other, following] > costs[other, best[one]] * _AS_GOOD + _AS_GOOD_LEVELS
            count += int(is_due and looks_different)
    return count


def clips_from_report(report: dict[str, Any]) -> list[ExpectedClip]:
    """What `moodcut make --json` says it asked for."""
    bounds = report["unit_boundaries_seconds"]
    return [
        ExpectedClip(
            start_seconds=bounds[each["first_bar"]] - report["music_start_seconds"],
            source_start_frame=each["source_start_frame"],
            source_end_frame=each["source_end_frame"],
        )
        for each in report["selection"]
    ]


def main(arguments: Sequence[str]) -> int:
    """Print what was found as JSON; the exit code says whether all is well."""
    montage, movie, music, report_path = map(Path, arguments)
    report = json.loads(report_path.read_text())
    findings = verify_montage(
        montage,
        movie=movie,
        music=music,
        clips=clips_from_report(report),
        music_start_seconds=report["music_start_seconds"],
    )
    problems = findings.problems()
    print(json.dumps(asdict(findings) | {"problems": problems}, indent=1))  # noqa: T201
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
