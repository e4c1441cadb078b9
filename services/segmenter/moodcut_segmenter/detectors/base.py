"""What a shot detector is: pictures of a range of frames in, two probabilities per frame out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

_DRAFT_LINES = 720


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureFormat:
    """How a detector wants its pictures: uint8 [height, width, 3] in ``colour_order`` ("rgb" or "bgr").

    With ``height`` 0 the height follows the film's shape. ``draft``: values may be off by one or two, where that spares
    time (:meth:`draft_for`).
    """

    width: int
    height: int
    colour_order: str
    draft: bool = False

    def size_for(self, width: int, height: int) -> tuple[int, int]:
        """(width, height) for a film of this size; a film is never enlarged where the height is free."""
        if self.height:
            return self.width, self.height
        scaled = min(self.width, width)
        return scaled, max(1, round(height * scaled / width))

    def draft_for(self, width: int, height: int) -> bool:
        """Whether a film of this size is looked at in drafts: from 720 lines on keyframes of drafts look the same."""
        return self.draft and min(width, height) >= _DRAFT_LINES


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The frames a detector sees and the ones it answers for, half-open, in a film of ``frame_count`` frames."""

    first_frame: int
    last_frame_end: int
    start_frame: int
    end_frame: int
    frame_count: int
    frame_rate: Fraction

    @classmethod
    def whole(cls, frame_count: int, *, frame_rate: Fraction = Fraction(25)) -> Span:
        """A whole film."""
        return cls(
            first_frame=0,
            last_frame_end=frame_count,
            start_frame=0,
            end_frame=frame_count,
            frame_count=frame_count,
            frame_rate=frame_rate,
        )


@dataclass(frozen=True, slots=True, eq=False)
class TransitionProbabilities:
    """Two probabilities for each frame of a range, float32 [frames].

    ``single``: the frame is the last one before a cut, or the middle of a longer transition. ``many``: the frame
    belongs to a transition. Ranges put one after the other give what a single pass over the film gives.
    """

    single: NDArray[np.float32]
    many: NDArray[np.float32]


class ShotDetector(ABC):
    """Finds transitions between shots.

    ``name`` and ``version`` enter the fingerprint; ``model_digest`` is the hash of a learned model's file, or empty.
    ``alignment_frames`` is the multiple of frames at which the film may be divided into ranges, or 0 if the detector
    has to see the whole film at once; ``context_frames`` is how many frames before and after a range it needs to see.
    """

    name: str
    version: int
    picture: PictureFormat
    alignment_frames: int = 0
    context_frames: int = 0

    @property
    def model_digest(self) -> str:
        """SHA-256 of the model's file; empty without one."""
        return ""

    @abstractmethod
    def detect(
        self, pictures: Iterator[NDArray[np.uint8]], span: Span, *, check: Callable[[], None]
    ) -> TransitionProbabilities:
        """Probabilities for ``span.start_frame`` to ``span.end_frame``.

        ``pictures`` yields one picture per frame from ``span.first_frame`` to ``span.last_frame_end``. ``check`` is
        called now and then and may raise to stop the work. Called from several threads at once.
        """
