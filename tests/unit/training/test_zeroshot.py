"""A published model as a judge, with a backbone small enough to be written here."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed: pip install moodcut[train]")

import torch
from torch import Tensor

from moodcut_scorer.emotions import EMOTIONS, PROMPTS
from moodcut_scorer.evaluation.media import Media
from moodcut_training.backbones.base import Backbone
from moodcut_training.zeroshot import ZeroShotJudge


class SixLights(Backbone):
    """Knows an emotion by its number: in a picture's brightness, in a sound's level, in its prompt."""

    name = "six lights"
    image_dimension = music_dimension = text_dimension = 6
    sample_rate = 8_000
    logit_scale = 10.0

    def image_input(self, picture: np.ndarray) -> Tensor:
        return torch.eye(6)[round(float(picture.mean()) / 10)]

    def music_input(self, sound: np.ndarray) -> Tensor:
        assert len(sound) == self.sample_rate
        return torch.eye(6)[round(float(np.median(sound)) * 10)]

    def text_input(self, text: str) -> Tensor:
        return torch.eye(6)[next(index for index, name in enumerate(EMOTIONS) if text == PROMPTS[name][0])]

    def encode_images(self, inputs: Sequence[Tensor]) -> Tensor:
        return 3.0 * torch.stack(list(inputs))

    def encode_music(self, inputs: Sequence[Tensor]) -> Tensor:
        return 5.0 * torch.stack(list(inputs))

    def encode_text(self, inputs: Sequence[Tensor]) -> Tensor:
        return 7.0 * torch.stack(list(inputs))


def media(picture: int | None, sound: int | None) -> Media:
    frames = [] if picture is None else [np.full((4, 4, 3), 10 * picture, dtype=np.uint8)] * 9
    samples = None if sound is None else np.full(16_000, sound / 10, dtype=np.float32)
    return Media(frames=frames, samples=samples)


def test_nearest_prompts_and_cosines() -> None:
    judge = ZeroShotJudge(SixLights(), "six lights, zero-shot")
    (found,) = judge.answers([judge.take(media(*each)) for each in ((4, 4), (2, None), (None, 1))])
    assert found.visual[:2].argmax(axis=1).tolist() == [4, 2]
    assert found.audio[[0, 2]].argmax(axis=1).tolist() == [4, 1]
    assert np.isnan(found.visual[2]).all()
    assert np.isnan(found.joint[1]).all()
    assert found.similarity is not None
    assert found.similarity[0, 0] == pytest.approx(1)
    assert found.similarity[0, 1] == pytest.approx(0)
