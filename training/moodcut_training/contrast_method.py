"""The paper's losses on frozen features as a method of the cross-validation. Needs torch."""

from __future__ import annotations

import numpy as np

from moodcut_scorer.evaluation.figures import Answers
from moodcut_scorer.evaluation.judges import together, unit_rows
from moodcut_scorer.heads import Head
from moodcut_scorer.vectors import softmax
from moodcut_training.contrast_heads import ContrastConfig, train_heads
from moodcut_training.methods import Labelled, Method, filled


def contrast_method(name: str, prompts: np.ndarray, config: ContrastConfig) -> Method:
    """Projections trained on the paper's losses, by their class layers and by nearest prompt."""

    def answer(train: Labelled, test: Labelled) -> list[Answers]:
        made = train_heads(train.clips, train.labels, prompts, config)
        pictures = unit_rows(filled([_mean(made.image, clip.frames) for clip in test.clips]))
        sounds = unit_rows(filled([_mean(made.music, clip.windows) for clip in test.clips]))
        visual, audio = softmax(_logits(made.image, pictures)), softmax(_logits(made.music, sounds))
        found = [
            Answers(
                name=name,
                visual=visual,
                audio=audio,
                joint=together(visual, audio),
                similarity=sounds @ pictures.T,
                calibrated=True,
            )
        ]
        if config.with_text:
            by_prompt = [each @ made.prompts.T for each in (pictures, sounds, pictures + sounds)]
            named = f"{name}, nearest prompt"
            found.append(Answers(name=named, visual=by_prompt[0], audio=by_prompt[1], joint=by_prompt[2]))
        return found

    return answer


def _mean(head: Head, rows: np.ndarray) -> np.ndarray | None:
    return head.embed(rows).mean(axis=0) if len(rows) else None


def _logits(head: Head, embeddings: np.ndarray) -> np.ndarray:
    return np.asarray(embeddings @ head.class_weight + head.class_bias)
