"""Published models as judges without training, by the nearest prompt: the paper's AudioCLIP and Wav2CLIP rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from scipy.signal import resample_poly

from moodcut_scorer.emotions import EMOTIONS, PROMPTS
from moodcut_scorer.evaluation.figures import Answers
from moodcut_scorer.evaluation.judges import Kept, column, unit_rows
from moodcut_scorer.evaluation.media import Media
from moodcut_scorer.mel import SAMPLE_RATE
from moodcut_training.backbones.base import Backbone
from moodcut_training.backbones.registry import BackboneSpec, load_backbone

_FRAME_BATCH = 8


class ZeroShotJudge:
    """A backbone with a joint space of its own: unit means of frames, the whole music, and the six fixed prompts."""

    def __init__(self, backbone: Backbone, name: str) -> None:
        self._backbone, self._name = backbone, name
        with torch.inference_mode():
            texts = [backbone.text_input(PROMPTS[emotion][0]) for emotion in EMOTIONS]
            self._prompts = unit_rows(backbone.encode_text(texts).numpy())

    @torch.inference_mode()  # type: ignore[untyped-decorator, unused-ignore]
    def take(self, media: Media) -> Kept:
        """Embeddings of the picture and of the sound, None where there is none."""
        picture: np.ndarray | None = None
        if media.frames:
            parts = []
            for start in range(0, len(media.frames), _FRAME_BATCH):
                batch = [self._backbone.image_input(frame) for frame in media.frames[start : start + _FRAME_BATCH]]
                parts.append(unit_rows(self._backbone.encode_images(batch).numpy()))
            picture = np.concatenate(parts).mean(axis=0)
        sound: np.ndarray | None = None
        if media.samples is not None:
            rate = int(self._backbone.sample_rate)
            divisor = int(np.gcd(rate, SAMPLE_RATE))
            samples = resample_poly(media.samples, rate // divisor, SAMPLE_RATE // divisor).astype(np.float32)
            sound = self._backbone.encode_music([self._backbone.music_input(samples)]).numpy()[0]
        return picture, sound

    def answers(self, kept: Sequence[Kept]) -> list[Answers]:
        """Cosines with the prompts; music and pictures by their cosine."""
        pictures, sounds = (unit_rows(column(kept, side)) for side in (0, 1))
        scores = [self._scores(each) for each in (pictures, sounds)]
        return [
            Answers(
                name=self._name,
                visual=scores[0],
                audio=scores[1],
                joint=scores[0] + scores[1],
                similarity=sounds @ pictures.T if pictures.shape[1] == sounds.shape[1] else None,
            )
        ]

    def _scores(self, vectors: np.ndarray) -> np.ndarray:
        if vectors.shape[1] != self._prompts.shape[1]:
            return np.full((len(vectors), len(EMOTIONS)), np.nan)
        return np.asarray(vectors @ self._prompts.T)


def zero_shot_judge(name: str, weights: str) -> ZeroShotJudge:
    """The judge of a published model (``audioclip``, ``wav2clip`` or another backbone) from the user's ``weights``.

    Two checkpoints, of pictures and texts and of music, are separated by a comma. Raises what loading the backbone
    raises: an unknown name, weights that are missing or of another model.
    """
    checkpoint, _, audio = weights.partition(",")
    spec = BackboneSpec(name=name, checkpoint=checkpoint, audio_checkpoint=audio)
    return ZeroShotJudge(load_backbone(spec), f"{name}, zero-shot")
