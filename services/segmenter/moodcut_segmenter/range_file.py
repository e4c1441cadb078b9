"""What is stored between the calls: the plan of a film and the results of its ranges, as bytes.

A range's file is its arrays, then its JPEGs one after the other, so that putting ranges together reads the arrays and
only those JPEGs that become keyframes. Arrays are NumPy's own format without pickles.
"""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from moodcut_kit.media.frameindex import FrameIndex
from moodcut_kit.time import FrameTimes
from moodcut_segmenter.detectors import TransitionProbabilities
from moodcut_segmenter.errors import BadPlanError
from moodcut_segmenter.film_pass import RangeResult
from moodcut_segmenter.letterbox import PictureArea
from moodcut_segmenter.samples import FilmShape

_MAGIC = b"MCRANGE3"
_HEAD = struct.Struct("<8sQ")
_RANGE_ARRAYS = (
    *("about", "single", "many", "sample_frames", "features", "defects"),
    *("row_peaks", "column_peaks", "sound", "jpeg_frames", "jpeg_sizes"),
)

ReadRange = Callable[[int, int], bytes]
"""Reads so many bytes (second) from an offset (first)."""


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What is known of a film before any range is analysed. ``chapters_seconds``: where chapters begin, from the first
    frame."""

    index: FrameIndex
    shape: FilmShape
    ranges: tuple[tuple[int, int], ...]
    chapters_seconds: tuple[Fraction, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class StoredRange:
    """A range read back without its JPEGs, and where each of those lies: frame to (offset, byte count)."""

    result: RangeResult
    jpegs: dict[int, tuple[int, int]]


def plan_bytes(plan: Plan) -> bytes:
    """A plan as bytes."""
    times, shape = plan.index.times, plan.shape
    runs = np.array(times.runs(), dtype=np.int64)
    return _save(
        runs=runs,
        clock=np.array(
            [times.time_base.numerator, times.time_base.denominator, times.boundaries_pts[0]], dtype=np.int64
        ),
        keyframes=plan.index.keyframes,
        shape=np.array([shape.width, shape.height, shape.rotation_degrees], dtype=np.int64),
        measured=np.array(_numbers(shape.measured), dtype=np.int64),
        ranges=np.array(plan.ranges, dtype=np.int64),
        chapters=np.array([each.as_integer_ratio() for each in plan.chapters_seconds], dtype=np.int64).reshape(-1, 2),
    )


def read_plan(data: bytes) -> Plan:
    """The inverse of :func:`plan_bytes`. Raises BadPlanError for anything else."""
    arrays = _load(data, "the plan", ("runs", "clock", "keyframes", "shape", "measured", "ranges", "chapters"))
    numerator, denominator, first_pts = (int(each) for each in arrays["clock"])
    times = FrameTimes.from_runs(
        time_base=Fraction(numerator, denominator),
        first_pts=first_pts,
        runs=[(int(step), int(count)) for step, count in arrays["runs"]],
    )
    width, height, rotation = (int(each) for each in arrays["shape"])
    return Plan(
        FrameIndex(times, arrays["keyframes"].astype(np.int64)),
        FilmShape(
            width=width, height=height, rotation_degrees=rotation, measured=_area([int(n) for n in arrays["measured"]])
        ),
        tuple((int(start), int(end)) for start, end in arrays["ranges"]),
        tuple(Fraction(int(over), int(under)) for over, under in arrays["chapters"]),
    )


def range_pieces(result: RangeResult) -> Iterator[bytes]:
    """A range's result as bytes, in pieces to be written one after the other."""
    frames = sorted(result.jpegs)
    sizes = [len(result.jpegs[frame]) for frame in frames]
    arrays = _save(
        about=np.array([result.start_frame, result.end_frame, result.missing_count], dtype=np.int64),
        single=result.probabilities.single,
        many=result.probabilities.many,
        sample_frames=result.sample_frames,
        features=result.features,
        defects=result.defects,
        row_peaks=result.row_peaks,
        column_peaks=result.column_peaks,
        sound=result.sound,
        jpeg_frames=np.array(frames, dtype=np.int64),
        jpeg_sizes=np.array(sizes, dtype=np.int64),
    )
    yield _HEAD.pack(_MAGIC, len(arrays)) + arrays
    for frame in frames:
        yield result.jpegs[frame]


def read_range(read: ReadRange) -> StoredRange:
    """A stored range without its JPEGs. Raises BadPlanError if it is no such file."""
    head = read(0, _HEAD.size)
    magic, size = _HEAD.unpack(head) if len(head) == _HEAD.size else (b"", 0)
    if magic != _MAGIC:
        raise BadPlanError("a range key names an object that is no analysed range")
    arrays = _load(read(_HEAD.size, size), "a range", _RANGE_ARRAYS)
    start, end, missing = (int(each) for each in arrays["about"])
    result = RangeResult(
        start_frame=start,
        end_frame=end,
        probabilities=TransitionProbabilities(arrays["single"], arrays["many"]),
        sample_frames=arrays["sample_frames"],
        features=arrays["features"],
        defects=arrays["defects"],
        row_peaks=arrays["row_peaks"],
        column_peaks=arrays["column_peaks"],
        sound=arrays["sound"],
        jpegs={},
        missing_count=missing,
    )
    jpegs, offset = dict[int, tuple[int, int]](), _HEAD.size + size
    for frame, byte_count in zip(arrays["jpeg_frames"], arrays["jpeg_sizes"], strict=True):
        jpegs[int(frame)] = (offset, int(byte_count))
        offset += int(byte_count)
    return StoredRange(result, jpegs)


def _numbers(area: PictureArea | None) -> list[int]:
    return [] if area is None else [area.left, area.top, area.width, area.height]


def _area(numbers: list[int]) -> PictureArea | None:
    if not numbers:
        return None
    left, top, width, height = numbers
    return PictureArea(left=left, top=top, width=width, height=height)


def _save(**arrays: NDArray[np.generic]) -> bytes:
    target = io.BytesIO()
    np.savez(target, **arrays)  # type: ignore[arg-type]
    return target.getvalue()


def _load(data: bytes, what: str, names: tuple[str, ...]) -> dict[str, Any]:
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            return {name: archive[name] for name in names}
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise BadPlanError(f"{what} cannot be read: {error}") from error
