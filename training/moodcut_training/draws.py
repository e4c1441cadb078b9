"""What each batch is made of: one item of every emotion in every modality, drawn anew (method, section 2).

A batch's draws depend on the seed, the epoch and the batch's number alone, so that a run that goes on in the middle of
an epoch draws what it would have drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from moodcut_scorer.emotions import EMOTIONS
from moodcut_training.augment import augment_picture, augment_sound
from moodcut_training.data import emotion_batches
from moodcut_training.errors import DatasetError
from moodcut_training.mediacache import CachedClip

T = TypeVar("T")
S = TypeVar("S")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What stands for one emotion in a batch: a picture uint8 [height, width, 3] and a sound float32 [samples]."""

    picture: NDArray[np.uint8]
    sound: NDArray[np.float32]


class Draws:
    """Draws the batches of a training split.

    ``clips`` and ``labels`` (indices into EMOTIONS) go together. A clip without picture or without sound borrows the
    one it lacks from another of its emotion. Raises DatasetError if an emotion has no picture or no sound at all.
    """

    def __init__(
        self, clips: Sequence[CachedClip], labels: Sequence[int], *, seed: int, augmentations: Sequence[str] = ()
    ) -> None:
        self._clips = clips
        self._labels = np.asarray(labels, dtype=np.int64)
        self._seed = seed
        self._augmentations = augmentations
        with_picture = np.array([clip.frame_count > 0 for clip in clips])
        with_sound = np.array([clip.sample_count > 0 for clip in clips])
        self._donors = {"picture": self._by_emotion(with_picture), "sound": self._by_emotion(with_sound)}
        for kind, donors in self._donors.items():
            lacking = [name for name, able in zip(EMOTIONS, donors, strict=True) if not len(able)]
            if lacking:
                raise DatasetError(f"No clip of {', '.join(lacking)} to train on has a {kind}.")

    def _by_emotion(self, able: NDArray[np.bool_]) -> list[NDArray[np.int64]]:
        return [np.flatnonzero(able & (self._labels == index)) for index in range(len(EMOTIONS))]

    def epoch(self, number: int) -> list[NDArray[np.int64]]:
        """The batches int64 [6] of epoch ``number``: the largest class once, smaller ones resampled."""
        return list(emotion_batches(self._labels, np.random.default_rng((self._seed, number))))

    def batch(self, indices: NDArray[np.int64], *, epoch: int, number: int) -> list[Sample]:
        """The six samples of batch ``number`` of an epoch, in the order of EMOTIONS."""
        rng = np.random.default_rng((self._seed, epoch, number))
        return [self._sample(int(index), rng) for index in indices]

    def _sample(self, index: int, rng: np.random.Generator) -> Sample:
        seen, heard = self._able("picture", index, rng), self._able("sound", index, rng)
        picture = seen.picture(int(rng.integers(seen.frame_count)))
        return Sample(
            picture=augment_picture(picture, self._augmentations, rng),
            sound=augment_sound(heard.sound(), heard.sample_rate, self._augmentations, rng),
        )

    def _able(self, kind: str, index: int, rng: np.random.Generator) -> CachedClip:
        able = self._donors[kind][int(self._labels[index])]
        return self._clips[index if index in able else int(rng.choice(able))]


def ahead(make: Callable[[S], T], of: Sequence[S]) -> Iterator[T]:
    """``make`` of each, in order, the next one being made in another thread while the last one is used."""
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="draws") as pool:
        waiting = pool.submit(make, of[0]) if of else None
        for following in [*of[1:], None]:
            if waiting is None:
                return
            made = waiting.result()
            waiting = None if following is None else pool.submit(make, following)
            yield made
