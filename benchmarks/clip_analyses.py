"""What moodcut finds in each clip, once: shots, what their scenes are told by, keyframes' features; beats and features
of the sound. Kept in a directory by content and by all that decides the result.

A clip is analysed in the shape it has in a joined film, so that a film's analysis can be composed of its clips'.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from build_film import Shape, normalise, picture_seconds
from PIL import Image

from moodcut_kit.media.isolated import read_film_facts
from moodcut_kit.modelcache import publish, sha256_of
from moodcut_kit.v1 import media_pb2
from moodcut_scorer.encoders import ImageFeatures
from moodcut_scorer.registry import shipped_path
from moodcut_scorer.sessions import Runtime
from moodcut_segmenter import analyze_music, find_shots, messages
from moodcut_segmenter.detectors import DEFAULT_DETECTOR, ShotDetector, make_detector
from moodcut_segmenter.film_pass import RangeResult, analyze_frames
from moodcut_segmenter.movie import decode_keyframes, merge_ranges
from moodcut_segmenter.samples import FilmShape
from moodcut_segmenter.shot_features import shot_table

_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipShots:
    """The shots of one clip, frames numbered from its first.

    ``frames`` int64 [n, 4]: start, end, usable start, usable end. ``unusable`` int64 [n]: values of UnusableReason.
    ``table`` float32 [n, columns] and ``seconds`` float64 [n]: what scenes are told by. ``keyframes`` float32
    [k, 1280]: image features, ``shot_of_keyframe`` int64 [k].
    """

    frames: np.ndarray
    unusable: np.ndarray
    table: np.ndarray
    seconds: np.ndarray
    keyframes: np.ndarray
    shot_of_keyframe: np.ndarray

    @property
    def frame_count(self) -> int:
        """Frames of the clip."""
        return int(self.frames[-1, 1])


class ClipReader:
    """Analyses clips, remembering what was found in ``cache``."""

    def __init__(self, cache: Path, shape: Shape, *, detector: ShotDetector | None = None, threads: int = 2) -> None:
        self._cache = cache
        self._shape = shape
        self._detector = detector or make_detector(DEFAULT_DETECTOR, threads=threads)
        self._image = ImageFeatures(shipped_path("image.onnx"), Runtime(thread_count=threads))
        of = (
            f"{_VERSION} {self._detector.name} {self._detector.version} {shape} {sha256_of(shipped_path('image.onnx'))}"
        )
        self._about = hashlib.sha256(of.encode()).hexdigest()[:16]

    def shots(self, path: Path) -> ClipShots | None:
        """The shots of a clip; None if it has no picture."""
        if picture_seconds(path) is None:
            return None
        kept = self._cache / f"{sha256_of(path)}-{self._about}.npz"
        if not kept.is_file():
            with TemporaryDirectory(prefix="moodcut-clip-") as directory:
                part = Path(directory) / "clip.mov"
                normalise(path, part, self._shape)
                found = self._analyse(part)
            arrays = {name: getattr(found, name) for name in ClipShots.__slots__}
            publish(kept, lambda target: np.savez(target, **arrays))
        with np.load(kept) as file:
            return ClipShots(**{name: file[name] for name in ClipShots.__slots__})

    def music(self, path: Path) -> media_pb2.MusicAnalysis:
        """Beats and bars of a clip's sound, by the default backend."""
        kept = self._cache / f"{sha256_of(path)}-music-{_VERSION}.pb"
        if not kept.is_file():
            analysis = messages.music_analysis(analyze_music(path), sha256=sha256_of(path))
            publish(kept, lambda target: target.write_bytes(analysis.SerializeToString(deterministic=True)))
        return media_pb2.MusicAnalysis.FromString(kept.read_bytes())

    def _analyse(self, part: Path) -> ClipShots:
        facts = read_film_facts(part)
        index, count = facts.index, facts.index.times.frame_count
        # All of the picture is measured, as in a film whose clips have bars in different places.
        shape = FilmShape(width=self._shape.width, height=self._shape.height, rotation_degrees=0)
        result = analyze_frames(part, index, shape, self._detector, start_frame=0, end_frame=count)
        merged = merge_ranges([result], index, shape)
        lacking = [frame for _, frame in merged.keyframes if frame not in result.jpegs]
        jpegs = dict(decode_keyframes(part, index, shape, lacking))
        pictures = [_picture(jpegs.get(frame) or result.jpegs[frame]) for _, frame in merged.keyframes]
        analysis = messages.movie_analysis(merged, sha256="0" * 64, detector=self._detector)
        table = _table(result, index.times)
        return ClipShots(
            frames=np.array(
                [(s.start_frame, s.end_frame, s.usable_start_frame, s.usable_end_frame) for s in analysis.shots]
            ),
            unusable=np.array([int(shot.unusable_reason) for shot in analysis.shots]),
            table=table[0],
            seconds=table[1],
            keyframes=self._image(pictures),
            shot_of_keyframe=np.array([shot for shot, _ in merged.keyframes]),
        )


def _table(result: RangeResult, times: object) -> tuple[np.ndarray, np.ndarray]:
    spans = find_shots(result.probabilities.single, result.probabilities.many)
    table = shot_table(
        spans,
        times,  # type: ignore[arg-type]
        sample_frames=result.sample_frames,
        picture=[result.features],
        sound=[result.sound],
    )
    return table.features, table.durations_seconds


def _picture(jpeg: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(jpeg)) as image:
        return np.asarray(image.convert("RGB"))
