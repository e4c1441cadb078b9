"""Analyses a piece of music: decode, find beats or take those given, lay bars, group them into sections."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from moodcut_kit.contract import Json
from moodcut_kit.media.isolated import decode_sound
from moodcut_kit.media.limits import DEFAULT_PROCESS_LIMITS, ProcessLimits
from moodcut_kit.media.open import DEFAULT_LIMITS, MediaLimits
from moodcut_kit.media.source import Source
from moodcut_segmenter.bars import BarGrid, BeatTrack, bar_grid
from moodcut_segmenter.beat_backends import SAMPLE_RATE, Backend, default_backend, make_tracker
from moodcut_segmenter.errors import BadOptionsError
from moodcut_segmenter.given import GivenBeats, GivenTempo, given_track
from moodcut_segmenter.sections import Section, find_sections
from moodcut_segmenter.spectra import Spectra, sound_spectra

NO_BEAT = (
    "no beat was found in the music: a steady grid of 120 beats a minute is laid over it, so cuts will not follow it"
)
UNCLEAR_BEAT = "the beat is unclear (confidence {:.2f}): cuts may miss it; if you know it, give --bpm or --bars"
NO_BAR = "the music is too short for one complete bar"
LONGEST_SECONDS = 2 * 3600
_SMALLEST_METER, _LARGEST_METER = 2, 12


@dataclass(frozen=True, slots=True, kw_only=True)
class MusicOptions:
    """How a piece of music is analysed.

    ``backend``: what finds the beats; None takes madmom where its networks can run, beat_this where its weights are,
    else librosa. ``meters``: beats per bar it chooses from, none for its own choice. ``given``: beats or tempo known
    beforehand; then nothing is looked for. ``audio_track``: the sound track of a file with several, from 1; 0 takes the
    one a player would choose. Raises BadOptionsError.
    """

    backend: Backend | None = None
    meters: tuple[int, ...] = ()
    given: GivenBeats | GivenTempo | None = None
    audio_track: int = 0

    def __post_init__(self) -> None:
        if any(not _SMALLEST_METER <= meter <= _LARGEST_METER for meter in self.meters):
            message = f"the beats per bar to choose from are {self.meters}; each must be"
            raise BadOptionsError(f"{message} from {_SMALLEST_METER} to {_LARGEST_METER}", field="options.meters")
        if self.given is None and self.backend is Backend.GIVEN:
            raise BadOptionsError("no beats are given; give them or choose another beat tracker", field="backend")
        if self.audio_track < 0:
            raise BadOptionsError("sound tracks are counted from 1", field="options.audio_track")
        object.__setattr__(self, "meters", tuple(sorted(set(self.meters))))

    @property
    def used_backend(self) -> Backend:
        """Where the beats come from, with the default resolved."""
        return Backend.GIVEN if self.given is not None else self.backend or default_backend()

    def parameters(self) -> dict[str, Json]:
        """All that can change a result, for its fingerprint."""
        given: dict[str, Json] | None = None
        if isinstance(self.given, GivenBeats):
            given = {"seconds": list(self.given.seconds), "positions": list(self.given.positions)}
        elif isinstance(self.given, GivenTempo):
            given = {"bpm": self.given.bpm, "offset": self.given.offset_seconds, "meter": self.given.meter}
        return {
            "backend": self.used_backend.value,
            "meters": list(self.meters) if self.given is None else [],
            "given": given,
            "audio_track": self.audio_track,
        }


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class MusicResult:
    """What was found in a piece of music. All times count samples of ``sample_rate`` from its first one.

    ``sections`` tile the bars. ``beat_onsets`` and ``bar_onsets``: float64, onset strength in decibels, the highest at
    each beat and the mean over each bar.
    """

    sample_rate: int
    duration_pts: int
    grid: BarGrid
    sections: tuple[Section, ...]
    beat_onsets: NDArray[np.float64]
    bar_onsets: NDArray[np.float64]
    backend: Backend
    warnings: tuple[str, ...]

    @property
    def duration_seconds(self) -> Fraction:
        """Exact length."""
        return Fraction(self.duration_pts, self.sample_rate)


def analyze_music(
    path: Source,
    options: MusicOptions | None = None,
    *,
    limits: MediaLimits = DEFAULT_LIMITS,
    max_seconds: int = LONGEST_SECONDS,
    process_limits: ProcessLimits | None = DEFAULT_PROCESS_LIMITS,
    check: Callable[[], None] = lambda: None,
) -> MusicResult:
    """Find beats, bars and sections in the music file ``path``.

    Music without a beat gets a steady grid and a warning. Its sound is held in memory, so it may last ``max_seconds``
    at most, less than a film of ``limits``. ``check`` is called now and then and may raise to stop the work. Raises
    BackendNotInstalledError, BadOptionsError (given beats that are not of this music), and the media errors of
    :mod:`moodcut_kit.media`, MediaLimitError for longer music among them.
    """
    chosen = options or MusicOptions()
    sound = decode_sound(
        path,
        sample_rate=SAMPLE_RATE,
        channels=1,
        track=chosen.audio_track,
        limits=replace(limits, max_duration_seconds=min(limits.max_duration_seconds, max_seconds)),
        process_limits=process_limits,
        check=check,
    )
    return analyze_sound(sound, chosen, check=check)


def analyze_sound(
    sound: NDArray[np.float32], options: MusicOptions | None = None, *, check: Callable[[], None] = lambda: None
) -> MusicResult:
    """The same for sound at hand: float32 [samples], mono, 44,100 a second."""
    chosen = options or MusicOptions()
    spectra = sound_spectra(sound, sample_rate=SAMPLE_RATE, check=check)
    track, backend, clear_confidence, warnings = _beats(sound, spectra, chosen, check)
    grid = bar_grid(track, sound, sample_rate=SAMPLE_RATE, given=backend is Backend.GIVEN)
    if grid.confidence < clear_confidence:
        warnings.append(UNCLEAR_BEAT.format(grid.confidence))
    if not grid.bars:
        warnings.append(NO_BAR)
    check()
    return MusicResult(
        sample_rate=SAMPLE_RATE,
        duration_pts=len(sound),
        grid=grid,
        sections=tuple(find_sections(grid.bars, spectra, sample_rate=SAMPLE_RATE)),
        beat_onsets=spectra.onset_at(track.pts),
        bar_onsets=np.array([spectra.onset_between(bar.start_pts, bar.end_pts) for bar in grid.bars]),
        backend=backend,
        warnings=tuple(warnings),
    )


def _beats(
    sound: NDArray[np.float32], spectra: Spectra, options: MusicOptions, check: Callable[[], None]
) -> tuple[BeatTrack, Backend, float, list[str]]:
    """Beats, where they come from, the confidence from which on they are clear, and what to tell the user."""
    if options.given is not None:
        track, warnings = given_track(options.given, duration_pts=len(sound), sample_rate=SAMPLE_RATE)
        return track, Backend.GIVEN, 0.0, warnings
    tracker = make_tracker(options.used_backend, meters=options.meters)
    found = tracker.track(sound, spectra, check=check)
    if found is not None:
        return found, options.used_backend, tracker.clear_confidence, tracker.notices()
    steady = make_tracker(Backend.STEADY, meters=options.meters).track(sound, spectra, check=check)
    assert steady is not None, "the steady grid needs no beat"
    return steady, Backend.STEADY, 0.0, [NO_BEAT]
