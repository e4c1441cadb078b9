"""Between the contract's messages and the director's own values. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction

from moodcut_director.errors import OptionError
from moodcut_director.grid import Music, Unit
from moodcut_director.options import DEFAULT_MAX_SCENES, Selection, Story
from moodcut_kit.errors import MoodcutError
from moodcut_kit.v1 import media_pb2, montage_pb2, solver_pb2

_STORIES = {
    montage_pb2.STORY_CONSTRAINT_UNSPECIFIED: Story.HARD,
    montage_pb2.STORY_CONSTRAINT_HARD: Story.HARD,
    montage_pb2.STORY_CONSTRAINT_SOFT: Story.SOFT,
    montage_pb2.STORY_CONSTRAINT_NONE: Story.NONE,
}
_UNITS = {
    montage_pb2.GRID_UNIT_UNSPECIFIED: Unit.BAR,
    montage_pb2.GRID_UNIT_BAR: Unit.BAR,
    montage_pb2.GRID_UNIT_HALF_BAR: Unit.HALF_BAR,
    montage_pb2.GRID_UNIT_BEAT: Unit.BEAT,
    montage_pb2.GRID_UNIT_NONE: Unit.NONE,
}


def selection_from(options: montage_pb2.MontageOptions) -> Selection:
    """The selection that ``options`` ask for, defaults resolved. Raises OptionError naming the field."""
    if options.constraint not in _STORIES:
        raise OptionError(f"constraint {options.constraint} is not known", field="constraint")
    if options.unit not in _UNITS:
        raise OptionError(f"unit {options.unit} is not known", field="unit")
    return Selection(
        story=_STORIES[options.constraint],
        max_scenes=options.max_scenes or DEFAULT_MAX_SCENES,
        unit=_UNITS[options.unit],
        average_units=options.boundaries == montage_pb2.GRID_BOUNDARIES_AVERAGE,
        flexible=options.length_mode != solver_pb2.LENGTH_MODE_WHOLE_SHOT,
        min_units=options.min_units,
        max_units=options.max_units,
        per_unit=options.weighting != solver_pb2.WEIGHTING_PER_SHOT,
        duration_seconds=_seconds(options.duration_seconds, "duration_seconds") or None,
        in_point_seconds=_seconds(options.in_point_seconds, "in_point_seconds"),
        keep_pickup=options.keep_pickup,
        film_start_seconds=_seconds(options.film_start_seconds, "film_start_seconds"),
        film_end_seconds=_seconds(options.film_end_seconds, "film_end_seconds") or None,
    )


def _seconds(value: float, field: str) -> Fraction:
    """Seconds as given by a person, to the microsecond."""
    if not math.isfinite(value) or value < 0:
        raise OptionError(f"{field} is {value}; it must be a number that is not negative", field=field)
    return Fraction(round(value * 1_000_000), 1_000_000)


def rational(value: Fraction) -> media_pb2.Rational:
    """A fraction as a message."""
    return media_pb2.Rational(num=value.numerator, den=value.denominator)


def music_from(message: media_pb2.MusicAnalysis) -> Music:
    """Beats and bars of the music."""
    return Music(
        time_base=Fraction(message.time_base.num, message.time_base.den),
        duration_pts=message.duration_pts,
        bars=[(bar.start_pts, bar.end_pts) for bar in message.bars],
        beats=[beat.pts for beat in message.beats],
        downbeats=[beat.pts for beat in message.beats if beat.position == 1],
        meter=max(1, message.meter),
    )


def in_users_words(error: MoodcutError, media_refs: Iterable[montage_pb2.MediaRef]) -> MoodcutError:
    """The error with its file named as the user named it, where it names an object of the store."""
    path = error.metadata.get("file", "")
    for media in media_refs:
        if media.sha256 and media.name and media.sha256 in path:
            told = MoodcutError(error.message.replace(path, media.name), **{**error.metadata, "file": media.name})
            told.code, told.reason, told.retryable = error.code, error.reason, error.retryable  # type: ignore[misc]
            return told
    return error
