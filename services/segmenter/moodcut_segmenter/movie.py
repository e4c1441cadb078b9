"""Analyses a film: ranges, and what becomes of them when they are put together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from moodcut_kit.media.frameindex import FrameIndex
from moodcut_kit.media.isolated import read_film_facts
from moodcut_kit.media.renditions import render_frames
from moodcut_kit.media.source import Source
from moodcut_kit.time import FrameTimes
from moodcut_segmenter.clock_gaps import skipped_frames
from moodcut_segmenter.detectors import DEFAULT_DETECTOR, Detector, ShotDetector, make_detector
from moodcut_segmenter.errors import BadOptionsError, BadPlanError, NoChaptersError
from moodcut_segmenter.film_pass import (
    DEFAULT_DECODING,
    Decoding,
    RangeResult,
    analyze_frames,
    film_shape,
    keyframe_rendition,
)
from moodcut_segmenter.film_sound import window_count
from moodcut_segmenter.given_scenes import check_starts
from moodcut_segmenter.keyframes import JPEG_QUALITY, keyframes_of, sample_stride
from moodcut_segmenter.letterbox import PictureArea
from moodcut_segmenter.picture_defects import Defect
from moodcut_segmenter.picture_store import PictureStore
from moodcut_segmenter.ranges import plan_ranges
from moodcut_segmenter.samples import FilmShape, Peaks
from moodcut_segmenter.scene_finding import SceneFinder, SceneSource, by_grouping, by_model, by_starts
from moodcut_segmenter.scene_model import SceneModel
from moodcut_segmenter.shot_features import samples_within, shot_table
from moodcut_segmenter.shots import ShotSpan, find_shots, without_blank_ends
from moodcut_segmenter.shown_part import longest_shown_part

_DEFECT_SHARE = 0.8


class Unusable(Enum):
    """Why a shot should not be chosen."""

    BLACK = "black"
    ONLY_TRANSITION = "only_transition"
    CREDITS = "credits"
    BLURRED = "blurred"


_REASONS = {
    Defect.BLANK: Unusable.BLACK,
    Defect.CREDITS: Unusable.CREDITS,
    Defect.BLURRED: Unusable.BLURRED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MovieOptions:
    """What may be chosen about a film's analysis.

    ``detector``: a string names a plug-in (:mod:`moodcut_segmenter.detectors.plugins`). ``scene_count`` None lets the
    film decide. ``scene_starts_seconds``: with scenes that are given, and only then.
    """

    detector: Detector | str = DEFAULT_DETECTOR
    scene_count: int | None = None
    scene_source: SceneSource = SceneSource.GROUPING
    scene_starts_seconds: tuple[Fraction, ...] = ()

    def __post_init__(self) -> None:
        if self.scene_count is not None and self.scene_count < 1:
            raise BadOptionsError("the number of scenes must be at least 1", scene_count=self.scene_count)
        if self.scene_count is not None and self.scene_source in (SceneSource.GIVEN, SceneSource.CHAPTERS):
            message = f"scenes that are {self.scene_source.value} cannot be counted as well: leave scene_count out"
            raise BadOptionsError(message, field="scene_count")
        if bool(self.scene_starts_seconds) != (self.scene_source is SceneSource.GIVEN):
            message = "beginnings of scenes belong to scenes that are given, and those need at least one"
            raise BadOptionsError(message, field="scene_starts")


@dataclass(frozen=True, slots=True)
class FoundShot:
    """A shot, the index of its scene, and why it cannot be used if so."""

    span: ShotSpan
    scene: int
    unusable: Unusable | None


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class MovieResult:
    """What was found in a film. ``picture`` is the picture without black bars; ``scenes`` are half-open ranges of
    shots; ``keyframes``: (shot, frame) in film order."""

    index: FrameIndex
    shape: FilmShape
    picture: PictureArea
    shots: tuple[FoundShot, ...]
    scenes: tuple[tuple[int, int], ...]
    scene_source: SceneSource
    keyframes: tuple[tuple[int, int], ...]
    warnings: tuple[str, ...]

    @property
    def frame_rate(self) -> Fraction:
        """The constant rate nearest to the film's own."""
        return self.index.times.rate()


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class AnalyzedMovie:
    """A film's result together with the JPEG bytes of its keyframes, by frame."""

    result: MovieResult
    jpegs: Mapping[int, bytes] = field(repr=False)


def scene_finder(
    options: MovieOptions, *, chapters_seconds: Sequence[Fraction] = (), model: SceneModel | None = None
) -> SceneFinder:
    """How scenes are found with these options in a film with these chapters.

    ``model`` is the learned one, or None for the user's own. Raises NoChaptersError, ModelNotBuiltError and
    BadSceneModelError.
    """
    if options.scene_source is SceneSource.GIVEN:
        return by_starts(options.scene_starts_seconds)
    if options.scene_source is SceneSource.CHAPTERS:
        if not chapters_seconds:
            raise NoChaptersError("The film has no chapters. Give its scenes, or let them be found.")
        return by_starts(chapters_seconds, SceneSource.CHAPTERS)
    if options.scene_source is SceneSource.MODEL:
        return by_model(model or SceneModel(), options.scene_count)
    return by_grouping(options.scene_count)


def merge_ranges(
    ranges: Sequence[RangeResult], index: FrameIndex, shape: FilmShape, *, find_scenes: SceneFinder | None = None
) -> MovieResult:
    """Put ranges together: exactly the result of a single pass.

    ``find_scenes``: by grouping if left out. Raises BadPlanError if the ranges do not tile the film.
    """
    frame_count, times = index.times.frame_count, index.times
    ends = [0, *(each.end_frame for each in ranges)]
    if [each.start_frame for each in ranges] != ends[:-1] or ends[-1] != frame_count:
        given = ", ".join(f"{each.start_frame}-{each.end_frame}" for each in ranges)
        raise BadPlanError(f"the ranges {given or '(none)'} do not tile the film's {frame_count} frames", ranges=given)
    spans = find_shots(
        np.concatenate([each.probabilities.single for each in ranges]),
        np.concatenate([each.probabilities.many for each in ranges]),
    )
    sample_frames = np.concatenate([each.sample_frames for each in ranges])
    defects = np.concatenate([each.defects for each in ranges])
    empty = (defects == Defect.BLANK) | (defects == Defect.CREDITS)
    heard = sum(len(each.sound) for each in ranges)
    if heard not in (0, window_count(times)):
        raise BadPlanError(f"the ranges have {heard} windows of sound, not the film's {window_count(times)}")
    picked = [samples_within(span, sample_frames) for span in spans]
    table = shot_table(
        spans,
        times,
        sample_frames=sample_frames,
        picture=[each.features for each in ranges],
        sound=[each.sound for each in ranges],
    )
    found = (find_scenes or by_grouping())(table)
    scenes = found.scenes
    scene_of = np.repeat(np.arange(len(scenes)), [end - start for start, end in scenes])
    unusable = [
        _unusable(span, defects[rows[_inside(span, sample_frames[rows])]])
        for span, rows in zip(spans, picked, strict=True)
    ]
    spans = [_shown(span, sample_frames[rows], empty[rows]) for span, rows in zip(spans, picked, strict=True)]
    shots = tuple(
        FoundShot(span, int(scene), reason) for span, scene, reason in zip(spans, scene_of, unusable, strict=True)
    )
    stride = sample_stride(times.rate())
    return MovieResult(
        index=index,
        shape=shape,
        picture=_picture(ranges, shape),
        shots=shots,
        scenes=scenes,
        scene_source=found.source,
        keyframes=tuple((number, frame) for number, span in enumerate(spans) for frame in keyframes_of(span, stride)),
        warnings=(*_warnings(sum(each.missing_count for each in ranges), times), *found.warnings),
    )


def decode_keyframes(
    path: Source,
    index: FrameIndex,
    shape: FilmShape,
    frames: Sequence[int],
    *,
    decoding: Decoding = DEFAULT_DECODING,
    check: Callable[[], None] = lambda: None,
) -> Iterator[tuple[int, bytes]]:
    """(frame, JPEG bytes) of single frames, by seeking: for shots in which no sample lies."""
    if not frames:
        return
    batches = render_frames(
        path,
        index,
        [(number, number + 1) for number in sorted(frames)],
        [replace(keyframe_rendition(shape), jpeg_quality=JPEG_QUALITY)],
        rotation_degrees=shape.rotation_degrees,
        decoder_threads=decoding.threads,
        limits=decoding.limits,
        process_limits=decoding.process_limits,
        check=check,
    )
    for batch in batches:
        yield from zip(batch.frames[0], batch.jpegs[0], strict=True)


def analyze_movie(
    path: Path,
    options: MovieOptions | None = None,
    *,
    detector: ShotDetector | None = None,
    decoding: Decoding = DEFAULT_DECODING,
    on_progress: Callable[[float], None] = lambda share: None,
    check: Callable[[], None] = lambda: None,
) -> AnalyzedMovie:
    """Find shots, scenes and keyframes of the film file ``path`` in one pass; the file is decoded as ``decoding`` says.

    ``detector`` may be one of your own. Raises ModelNotBuiltError if the detector's model has not been built,
    BadOptionsError, NoChaptersError and BadSceneModelError, and the media errors of :mod:`moodcut_kit.media`.
    """
    chosen = options or MovieOptions()
    used = detector or make_detector(chosen.detector)
    facts = read_film_facts(path, limits=decoding.limits, process_limits=decoding.process_limits, check=check)
    index, shape = facts.index, film_shape(path, facts, decoding=decoding, check=check)
    check_starts(chosen.scene_starts_seconds, index.times.duration_seconds)
    find_scenes = scene_finder(chosen, chapters_seconds=facts.chapters_seconds)
    planned = plan_ranges(
        index.times.frame_count,
        alignment_frames=used.alignment_frames,
        context_frames=used.context_frames,
        keyframes=index.keyframes,
        range_count=1,
    )
    ranges, jpegs = [], PictureStore()
    for start, end in planned:
        ranges.append(
            analyze_frames(path, index, shape, used, start_frame=start, end_frame=end, decoding=decoding, check=check)
        )
        jpegs.add(ranges[-1].jpegs.items())
        ranges[-1] = replace(ranges[-1], jpegs={})
        on_progress(end / index.times.frame_count)
    result = merge_ranges(ranges, index, shape, find_scenes=find_scenes)
    lacking = [frame for _, frame in result.keyframes if frame not in jpegs]
    jpegs.add(decode_keyframes(path, index, shape, lacking, decoding=decoding, check=check))
    return AnalyzedMovie(result=result, jpegs=jpegs.only(frame for _, frame in result.keyframes))


def _warnings(missing_count: int, times: FrameTimes) -> tuple[str, ...]:
    found = []
    if missing_count:
        found.append(f"{missing_count} of {times.frame_count} frames could not be decoded; a neighbour stands for each")
    frames, places = skipped_frames(times)
    if frames:
        found.append(f"frames lost from the film: {frames}, gaps: {places}; the frame before a gap is shown for longer")
    return tuple(found)


def _shown(span: ShotSpan, frames: NDArray[np.int64], empty: NDArray[np.bool_]) -> ShotSpan:
    return without_blank_ends(longest_shown_part(span, frames, empty), frames, empty)


def _inside(span: ShotSpan, frames: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which frames are the shot's own: where no sample lies in what it offers, a neighbour's stands for it."""
    return (frames >= span.start_frame) & (frames < span.end_frame)


def _picture(ranges: Sequence[RangeResult], shape: FilmShape) -> PictureArea:
    """The picture without the bars that stay black in all samples of all ranges (a range may have none)."""
    peaks = Peaks()
    for each in ranges:
        if len(each.row_peaks):
            peaks.add_peaks(each.row_peaks, each.column_peaks)
    return peaks.area(shape)


def _unusable(span: ShotSpan, defects: NDArray[np.uint8]) -> Unusable | None:
    """Why a shot is of no use: next to none of its samples has anything to show. The commonest defect is the reason."""
    if span.usable_frame_count == 0:
        return Unusable.ONLY_TRANSITION
    if len(defects) == 0:
        return None
    counts = np.bincount(defects, minlength=len(Defect))
    if counts[1:].sum() < _DEFECT_SHARE * len(defects):
        return None
    return _REASONS[Defect(int(np.argmax(counts[1:])) + 1)]
