"""What a montage request asks for, with every default resolved. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

from moodcut_director.errors import OptionError
from moodcut_director.grid import Unit

DEFAULT_MAX_SCENES = 5
DEFAULT_MAX_BARS = 4
LARGEST_MAX_SCENES = 1000


class Story(Enum):
    """Which scenes may be used together."""

    HARD = "hard"
    SOFT = "soft"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """How the shots are chosen.

    ``flexible``: a shot may take any whole number of units from ``min_units`` to ``max_units`` (0: four bars' worth);
    otherwise it takes all the units that it fills. ``per_unit``: a shot counts once for every unit it covers.
    ``average_units``: boundaries are evenly spaced, as in the paper.
    """

    story: Story = Story.HARD
    max_scenes: int = DEFAULT_MAX_SCENES
    unit: Unit = Unit.BAR
    average_units: bool = False
    flexible: bool = True
    min_units: int = 0
    max_units: int = 0
    per_unit: bool = True
    duration_seconds: Fraction | None = None
    in_point_seconds: Fraction = Fraction(0)
    keep_pickup: bool = False
    film_start_seconds: Fraction = Fraction(0)
    film_end_seconds: Fraction | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.max_scenes <= LARGEST_MAX_SCENES:
            message = f"max_scenes is {self.max_scenes}; it must be between 1 and {LARGEST_MAX_SCENES}"
            raise OptionError(message, field="max_scenes")
        if self.min_units < 0 or self.max_units < 0:
            raise OptionError("min_units and max_units must not be negative", field="max_units")
        if not self.flexible and (self.min_units or self.max_units):
            raise OptionError("min_units and max_units need flexible lengths", field="max_units")
        if 0 < self.max_units < self.min_units:
            raise OptionError(f"min_units ({self.min_units}) exceeds max_units ({self.max_units})", field="min_units")
        if self.duration_seconds is not None and self.duration_seconds <= 0:
            raise OptionError("duration_seconds must be positive", field="duration_seconds")
        if self.in_point_seconds < 0:
            raise OptionError("in_point_seconds must not be negative", field="in_point_seconds")
        if self.film_start_seconds < 0:
            raise OptionError("film_start_seconds must not be negative", field="film_start_seconds")
        if self.film_end_seconds is not None and self.film_end_seconds <= self.film_start_seconds:
            raise OptionError("film_end_seconds must lie after film_start_seconds", field="film_end_seconds")
