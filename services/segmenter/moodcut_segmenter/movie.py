"""Analyses a film: ranges, and what becomes of them when they are put together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from moodcut_kit.media.chapters import read_chapters
from moodcut_kit.media.frameindex import FrameIndex
from moodcut_kit.media.video import VideoReader
from moodcut_segmenter.detectors import Detector, ShotDetector, make_detector
from moodcut_segmenter.errors import BadOptionsError, BadPlanError, NoChaptersError
from moodcut_segmenter.film_pass import FilmShape, KeyframeMaker, RangeResult, analyze_frames, film_shape
from moodcut_segmenter.film_sound import window_count
from moodcut_segmenter.given_scenes import check_starts
from moodcut_segmenter.keyframes import keyframes_of, sample_stride
from moodcut_segmenter.scene_finding import SceneFinder, SceneSource, by_grouping, by_model, by_starts
from moodcut_segmenter.scene_model import SceneModel
from moodcut_segmenter.shot_features import samples_within, shot_table
from moodcut_segmenter.shots import ShotSpan, find_shots, without_blank_ends

RANGE_FRAMES = 4000
_BLANK_SHARE = 0.8


class Unusable(Enum):
    """Why a shot should not be chosen."""

    BLACK = "black"
    ONLY_TRANSITION = "only_transition"


@dataclass(frozen=True, slots=True, kw_only=True)
class MovieOptions:
    """What may be chosen about a film's analysis.

    ``scene_count`` None lets the film decide. ``scene_starts_seconds``: with scenes that are given, and only then.
    """

    detector: Detector = Detector.TRANSNETV2
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
    """What was found in a film. ``scenes`` are half-open ranges of shots; ``keyframes``: (shot, frame) in film
    order."""

    index: FrameIndex
    shape: FilmShape
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
    jpegs: dict[int, bytes] = field(repr=False)


def plan_ranges(frame_count: int, *, alignment_frames: int, range_frames: int = RANGE_FRAMES) -> list[tuple[int, int]]:
    """Half-open ranges of about ``range_frames`` that tile a film, on multiples of the detector's alignment.

    One range if the detector has to see the whole film (alignment 0).
    """
    if frame_count < 1:
        raise ValueError("a film has at least one frame")
    if alignment_frames == 0:
        return [(0, frame_count)]
    count = max(1, -(-frame_count // range_frames))
    step = -(-frame_count // (count * alignment_frames)) * alignment_frames
    return [(start, min(start + step, frame_count)) for start in range(0, frame_count, step)]


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
    features = np.concatenate([each.features for each in ranges])
    blank = np.concatenate([each.blank for each in ranges])
    sound = np.concatenate([each.sound for each in ranges])
    if len(sound) not in (0, window_count(times)):
        raise BadPlanError(f"the ranges have {len(sound)} windows of sound, not the film's {window_count(times)}")
    picked = [samples_within(span, sample_frames) for span in spans]
    table = shot_table(spans, times, sample_frames=sample_frames, picture=features, sound=sound)
    found = (find_scenes or by_grouping())(table)
    scenes = found.scenes
    scene_of = np.repeat(np.arange(len(scenes)), [end - start for start, end in scenes])
    unusable = [_unusable(span, blank[rows]) for span, rows in zip(spans, picked, strict=True)]
    spans = [
        without_blank_ends(span, sample_frames[rows], blank[rows]) for span, rows in zip(spans, picked, strict=True)
    ]
    shots = tuple(
        FoundShot(span, int(scene), reason) for span, scene, reason in zip(spans, scene_of, unusable, strict=True)
    )
    stride = sample_stride(times.rate())
    missing = sum(each.missing_count for each in ranges)
    lost = [f"{missing} of {frame_count} frames could not be decoded; a neighbour stands for each"] if missing else []
    return MovieResult(
        index=index,
        shape=shape,
        shots=shots,
        scenes=scenes,
        scene_source=found.source,
        keyframes=tuple((number, frame) for number, span in enumerate(spans) for frame in keyframes_of(span, stride)),
        warnings=(*lost, *found.warnings),
    )


def decode_keyframes(
    path: Path, index: FrameIndex, shape: FilmShape, frames: Sequence[int], *, check: Callable[[], None] = lambda: None
) -> dict[int, bytes]:
    """JPEG bytes of single frames, by seeking: for shots in which no sample lies."""
    maker, found = KeyframeMaker(shape), dict[int, bytes]()
    with VideoReader(path, index) as reader:
        for number in sorted(frames):
            check()
            found.update((at, maker.jpeg(frame)) for at, frame in reader.frames(number, number + 1))
    return found


def analyze_movie(
    path: Path,
    options: MovieOptions | None = None,
    *,
    detector: ShotDetector | None = None,
    on_progress: Callable[[float], None] = lambda share: None,
    check: Callable[[], None] = lambda: None,
) -> AnalyzedMovie:
    """Find shots, scenes and keyframes of the film file ``path`` in one pass, in this process.

    ``detector`` may be one of your own. Raises ModelNotBuiltError if the detector's model has not been built,
    BadOptionsError, NoChaptersError and BadSceneModelError, and the media errors of :mod:`moodcut_kit.media`.
    """
    chosen = options or MovieOptions()
    used = detector or make_detector(chosen.detector)
    with VideoReader(path) as reader:
        index, shape = reader.index, film_shape(reader)
    check_starts(chosen.scene_starts_seconds, index.times.duration_seconds)
    find_scenes = scene_finder(chosen, chapters_seconds=read_chapters(path, index.times))
    ranges = []
    for start, end in plan_ranges(index.times.frame_count, alignment_frames=used.alignment_frames):
        ranges.append(analyze_frames(path, index, shape, used, start_frame=start, end_frame=end, check=check))
        on_progress(end / index.times.frame_count)
    result = merge_ranges(ranges, index, shape, find_scenes=find_scenes)
    jpegs = {frame: data for each in ranges for frame, data in each.jpegs.items()}
    lacking = [frame for _, frame in result.keyframes if frame not in jpegs]
    jpegs |= decode_keyframes(path, index, shape, lacking, check=check)
    return AnalyzedMovie(result=result, jpegs={frame: jpegs[frame] for _, frame in result.keyframes})


def _unusable(span: ShotSpan, blank: NDArray[np.bool_]) -> Unusable | None:
    if span.usable_frame_count == 0:
        return Unusable.ONLY_TRANSITION
    return Unusable.BLACK if float(blank.mean()) >= _BLANK_SHARE else None
