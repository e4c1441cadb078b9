"""Between the contract's messages and arrays."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from google.protobuf.message import DecodeError
from PIL import Image, UnidentifiedImageError

from moodcut_kit.v1 import media_pb2, scorer_pb2
from moodcut_scorer.emotions import EMOTIONS
from moodcut_scorer.errors import BadImageError, KeyframesDamagedError, RequestError


def posterior_message(probabilities: np.ndarray) -> media_pb2.EmotionPosterior:
    """Six probabilities in the order of EMOTIONS, as a message."""
    return media_pb2.EmotionPosterior(**dict(zip(EMOTIONS, probabilities.tolist(), strict=True)))


def posterior_messages(probabilities: np.ndarray) -> list[media_pb2.EmotionPosterior]:
    """Rows [n, 6] of probabilities as messages."""
    return [posterior_message(row) for row in probabilities]


def embedding_messages(vectors: np.ndarray) -> list[scorer_pb2.Embedding]:
    """Rows [n, d] as messages."""
    return [scorer_pb2.Embedding(values=row) for row in vectors.tolist()]


def array_bytes(array: np.ndarray) -> bytes:
    """An array as the bytes of an ``.npy`` file."""
    target = io.BytesIO()
    np.save(target, array, allow_pickle=False)
    return target.getvalue()


def array_from(data: bytes) -> np.ndarray:
    """The inverse of :func:`array_bytes`."""
    return np.asarray(np.load(io.BytesIO(data), allow_pickle=False))


def emotion_of(mood: int) -> str | None:
    """The emotion's name, or None if none is given. Raises RequestError for a number that names none."""
    names = {int(value): name for name, value in media_pb2.Emotion.items()}
    if mood not in names:
        raise RequestError(f"mood is {mood}, which is none of the six emotions", field="mood")
    return names[mood].removeprefix("EMOTION_").lower() if mood else None


def units_in_seconds(units: Sequence[media_pb2.MusicUnit], time_base: media_pb2.Rational) -> np.ndarray:
    """Start and end of each unit float64 [n, 2]. Raises RequestError if there are units without a time base."""
    if units and (time_base.num < 1 or time_base.den < 1):
        raise RequestError(
            f"units_time_base is {time_base.num}/{time_base.den}; it must be positive", field="units_time_base"
        )
    ticks = np.array([(unit.start_pts, unit.end_pts) for unit in units], dtype=np.float64).reshape(-1, 2)
    return ticks * time_base.num / max(time_base.den, 1)


def decode_image(data: bytes, *, max_pixels: int, what: str) -> np.ndarray:
    """A JPEG or PNG file -> uint8 [height, width, 3] RGB, upright or not as stored.

    Raises BadImageError, naming ``what``, for another format, a damaged file or more than ``max_pixels``.
    """
    try:
        with Image.open(io.BytesIO(data), formats=["JPEG", "PNG"]) as image:
            if image.width * image.height > max_pixels:
                raise BadImageError(
                    f"{what} has {image.width} x {image.height} pixels; at most {max_pixels} are accepted", image=what
                )
            return np.asarray(image.convert("RGB"))
    except UnidentifiedImageError as error:
        raise BadImageError(f"{what} is no JPEG or PNG file", image=what) from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise BadImageError(f"{what} cannot be decoded: {error}", image=what) from error


def parse_index(data: bytes, key: str) -> media_pb2.KeyframeIndex:
    """The keyframe index. Raises KeyframesDamagedError if it is none or names no keyframe."""
    index = media_pb2.KeyframeIndex()
    try:
        index.ParseFromString(data)
    except DecodeError as error:
        raise KeyframesDamagedError(f"{key} is not a keyframe index", key=key) from error
    if not index.keyframes:
        raise KeyframesDamagedError(f"{key} names no keyframe: there is nothing to score", key=key)
    return index


def shots_of(index: media_pb2.KeyframeIndex) -> tuple[list[str], list[int]]:
    """Ids of the shots in film order, and for every keyframe the position of its shot."""
    positions: dict[str, int] = {}
    owner = [positions.setdefault(frame.shot_id, len(positions)) for frame in index.keyframes]
    return list(positions), owner


def scenes_of(data: bytes, key: str, shot_ids: Sequence[str]) -> list[int]:
    """The scene of each shot by the film's analysis, scenes numbered from 0 in film order.

    Raises RequestError if it is no analysis, or of another film.
    """
    movie = media_pb2.MovieAnalysis()
    try:
        movie.ParseFromString(data)
    except DecodeError as error:
        raise RequestError(f"{key} is no film's analysis", field="movie_analysis_key") from error
    scene_of = {shot.shot_id: shot.scene_id for shot in movie.shots}
    lacking = [shot_id for shot_id in shot_ids if shot_id not in scene_of]
    if lacking:
        message = f"{key} has no shot {lacking[0]}, which has keyframes: they are of different films or analyses"
        raise RequestError(message, field="movie_analysis_key")
    numbers: dict[str, int] = {}
    return [numbers.setdefault(scene_of[shot_id], len(numbers)) for shot_id in shot_ids]


def keyframe_pictures(
    index: media_pb2.KeyframeIndex, pack: bytes, *, max_pixels: int, batch: int
) -> Iterator[list[np.ndarray]]:
    """The pictures of a pack in the index's order, ``batch`` at a time. Raises KeyframesDamagedError, BadImageError."""
    for start in range(0, len(index.keyframes), batch):
        pictures = []
        for frame in index.keyframes[start : start + batch]:
            end = frame.offset + frame.byte_count
            if frame.offset < 0 or frame.byte_count < 1 or end > len(pack):
                raise KeyframesDamagedError(
                    f"The keyframe of {frame.shot_id} at frame {frame.frame} lies outside of its pack "
                    f"of {len(pack)} bytes"
                )
            what = f"the keyframe of {frame.shot_id} at frame {frame.frame}"
            pictures.append(decode_image(pack[frame.offset : end], max_pixels=max_pixels, what=what))
        yield pictures


def request_images(images: Iterable[bytes], *, max_items: int, max_pixels: int) -> list[np.ndarray]:
    """Pictures of a request. Raises RequestError for none or too many, BadImageError for a bad one."""
    files = list(images)
    if not 1 <= len(files) <= max_items:
        raise RequestError(f"{len(files)} images; give 1 to {max_items} in one call", field="images")
    return [decode_image(data, max_pixels=max_pixels, what=f"image {n}") for n, data in enumerate(files)]
