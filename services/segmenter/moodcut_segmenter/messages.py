"""Between the contract's messages and what the segmenter works with. Pure."""

from __future__ import annotations

from fractions import Fraction

from moodcut_kit.v1 import media_pb2, segmenter_pb2
from moodcut_segmenter.beat_backends import Backend
from moodcut_segmenter.detectors import DEFAULT_DETECTOR, Detector, ShotDetector
from moodcut_segmenter.errors import BadOptionsError
from moodcut_segmenter.given import GivenBeats, GivenTempo
from moodcut_segmenter.keyframes import PackEntry
from moodcut_segmenter.movie import MovieOptions, MovieResult, Unusable
from moodcut_segmenter.music import MusicOptions, MusicResult
from moodcut_segmenter.scene_finding import SceneSource

_DETECTORS = {
    segmenter_pb2.SHOT_DETECTOR_UNSPECIFIED: DEFAULT_DETECTOR,
    segmenter_pb2.SHOT_DETECTOR_TRANSNETV2_FAST: Detector.TRANSNETV2_FAST,
    segmenter_pb2.SHOT_DETECTOR_TRANSNETV2: Detector.TRANSNETV2,
    segmenter_pb2.SHOT_DETECTOR_TRANSNETV2_REFERENCE: Detector.TRANSNETV2_REFERENCE,
    segmenter_pb2.SHOT_DETECTOR_CONTENT: Detector.CONTENT,
    segmenter_pb2.SHOT_DETECTOR_ADAPTIVE: Detector.ADAPTIVE,
    segmenter_pb2.SHOT_DETECTOR_HASH: Detector.HASH,
    segmenter_pb2.SHOT_DETECTOR_HISTOGRAM: Detector.HISTOGRAM,
    segmenter_pb2.SHOT_DETECTOR_THRESHOLD: Detector.THRESHOLD,
}
_BACKENDS = {
    media_pb2.BEAT_BACKEND_MADMOM: Backend.MADMOM,
    media_pb2.BEAT_BACKEND_LIBROSA: Backend.LIBROSA,
    media_pb2.BEAT_BACKEND_STEADY: Backend.STEADY,
    media_pb2.BEAT_BACKEND_BEAT_THIS: Backend.BEAT_THIS,
    media_pb2.BEAT_BACKEND_GIVEN: Backend.GIVEN,
}
_USUAL_METER = 4
_BACKEND_VALUES = {backend: value for value, backend in _BACKENDS.items()}
_SCENE_SOURCES = {
    media_pb2.SCENE_SOURCE_UNSPECIFIED: SceneSource.GROUPING,
    media_pb2.SCENE_SOURCE_GROUPING: SceneSource.GROUPING,
    media_pb2.SCENE_SOURCE_GIVEN: SceneSource.GIVEN,
    media_pb2.SCENE_SOURCE_CHAPTERS: SceneSource.CHAPTERS,
    media_pb2.SCENE_SOURCE_MODEL: SceneSource.MODEL,
}
_SCENE_SOURCE_VALUES = {source: value for value, source in _SCENE_SOURCES.items()}
_UNUSABLE = {
    None: media_pb2.UNUSABLE_REASON_UNSPECIFIED,
    Unusable.BLACK: media_pb2.UNUSABLE_REASON_BLACK,
    Unusable.ONLY_TRANSITION: media_pb2.UNUSABLE_REASON_ONLY_TRANSITION,
    Unusable.CREDITS: media_pb2.UNUSABLE_REASON_CREDITS,
    Unusable.BLURRED: media_pb2.UNUSABLE_REASON_BLURRED,
}


def movie_options(message: segmenter_pb2.MovieOptions) -> MovieOptions:
    """Options of a film's analysis. Raises BadOptionsError for values this version does not know."""
    if message.scene_count < 0:
        raise BadOptionsError("the number of scenes must not be negative", field="options.scene_count")
    if message.scene_source not in _SCENE_SOURCES:
        raise BadOptionsError(
            f"the source of scenes {message.scene_source} is not known here", field="options.scene_source"
        )
    return MovieOptions(
        detector=_detector(message),
        scene_count=message.scene_count or None,
        scene_source=_SCENE_SOURCES[message.scene_source],
        scene_starts_seconds=tuple(_fraction(each) for each in message.scene_starts),
    )


def _detector(message: segmenter_pb2.MovieOptions) -> Detector | str:
    if message.detector_plugin:
        if message.detector != segmenter_pb2.SHOT_DETECTOR_UNSPECIFIED:
            raise BadOptionsError("give detector or detector_plugin, not both", field="options.detector_plugin")
        return message.detector_plugin
    if message.detector not in _DETECTORS:
        raise BadOptionsError(f"the detector {message.detector} is not known here", field="options.detector")
    return _DETECTORS[message.detector]


def music_options(backend: media_pb2.BeatBackend.ValueType, message: segmenter_pb2.MusicOptions) -> MusicOptions:
    """Options of a piece of music's analysis. Raises BadOptionsError for values that cannot be or are not known."""
    if backend != media_pb2.BEAT_BACKEND_UNSPECIFIED and backend not in _BACKENDS:
        raise BadOptionsError(f"the beat tracker {backend} is not known here", field="backend")
    beats, tempo = message.given_beats, message.given_tempo
    given: GivenBeats | GivenTempo | None = None
    if message.WhichOneof("given") == "given_beats":
        given = GivenBeats(seconds=tuple(beats.seconds), positions=tuple(beats.positions))
    elif message.WhichOneof("given") == "given_tempo":
        meter = tempo.beats_per_bar or _USUAL_METER
        given = GivenTempo(bpm=tempo.bpm, offset_seconds=tempo.offset_seconds, meter=meter)
    return MusicOptions(
        backend=_BACKENDS.get(backend), meters=tuple(message.meters), given=given, audio_track=message.audio_track
    )


def shot_id(number: int) -> str:
    """Name of the shot with index ``number``."""
    return f"shot-{number + 1:04d}"


def scene_id(number: int) -> str:
    """Name of the scene with index ``number``."""
    return f"scene-{number + 1:03d}"


def movie_analysis(result: MovieResult, *, sha256: str, detector: ShotDetector) -> media_pb2.MovieAnalysis:
    """A film's analysis as the contract has it."""
    times = result.index.times
    return media_pb2.MovieAnalysis(
        sha256=sha256,
        frame_times=media_pb2.FrameTimes(
            time_base=rational(times.time_base),
            first_pts=int(times.boundaries_pts[0]),
            runs=[media_pb2.StepRun(step=step, count=count) for step, count in times.runs()],
        ),
        frame_rate=rational(result.frame_rate),
        frame_count=times.frame_count,
        width=result.shape.width,
        height=result.shape.height,
        shots=[
            media_pb2.Shot(
                shot_id=shot_id(number),
                scene_id=scene_id(shot.scene),
                start_frame=shot.span.start_frame,
                end_frame=shot.span.end_frame,
                usable_start_frame=shot.span.usable_start_frame,
                usable_end_frame=shot.span.usable_end_frame,
                unusable_reason=_UNUSABLE[shot.unusable],
            )
            for number, shot in enumerate(result.shots)
        ],
        scenes=[
            media_pb2.Scene(scene_id=scene_id(number), first_shot_index=start, end_shot_index=end)
            for number, (start, end) in enumerate(result.scenes)
        ],
        detector=f"{detector.name} {detector.version}",
        warnings=result.warnings,
        picture_area=media_pb2.PictureArea(
            left=result.picture.left,
            top=result.picture.top,
            width=result.picture.width,
            height=result.picture.height,
        ),
        scene_source=_SCENE_SOURCE_VALUES[result.scene_source],
    )


def keyframe_index(entries: list[PackEntry]) -> media_pb2.KeyframeIndex:
    """The index of a keyframe pack."""
    return media_pb2.KeyframeIndex(
        keyframes=[
            media_pb2.Keyframe(
                shot_id=shot_id(entry.shot), frame=entry.frame, offset=entry.offset, byte_count=entry.byte_count
            )
            for entry in entries
        ]
    )


def music_analysis(result: MusicResult, *, sha256: str) -> media_pb2.MusicAnalysis:
    """A piece of music's analysis as the contract has it."""
    grid = result.grid
    section_of = [
        index for index, section in enumerate(result.sections) for _ in range(section.first_bar, section.end_bar)
    ]
    return media_pb2.MusicAnalysis(
        sha256=sha256,
        time_base=media_pb2.Rational(num=1, den=result.sample_rate),
        duration_pts=result.duration_pts,
        beats=[
            media_pb2.Beat(pts=int(pts), position=int(position), onset_strength=float(onset))
            for pts, position, onset in zip(grid.track.pts, grid.track.positions, result.beat_onsets, strict=True)
        ],
        bars=[
            media_pb2.Bar(
                index=index,
                start_pts=bar.start_pts,
                end_pts=bar.end_pts,
                loudness_dbfs=bar.loudness_dbfs,
                onset_strength=float(result.bar_onsets[index]),
                section_index=section_of[index],
            )
            for index, bar in enumerate(grid.bars)
        ],
        sections=[
            media_pb2.MusicSection(
                label=section.label,
                first_bar_index=section.first_bar,
                end_bar_index=section.end_bar,
                start_pts=grid.bars[section.first_bar].start_pts,
                end_pts=grid.bars[section.end_bar - 1].end_pts,
            )
            for section in result.sections
        ],
        bpm=grid.bpm,
        meter=grid.meter,
        confidence=grid.confidence,
        backend=_BACKEND_VALUES[result.backend],
        warnings=result.warnings,
    )


def rational(value: Fraction) -> media_pb2.Rational:
    """An exact fraction."""
    return media_pb2.Rational(num=value.numerator, den=value.denominator)


def _fraction(value: media_pb2.Rational) -> Fraction:
    if value.den < 1:
        raise BadOptionsError("the denominator of a time must be at least 1", field="options.scene_starts")
    return Fraction(value.num, value.den)
