"""The whole evaluation: look at every file once, let all judges answer, compare with the labels."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

import numpy as np

from moodcut_kit.errors import InvalidArgumentError, MoodcutError
from moodcut_kit.modelcache import sha256_of
from moodcut_scorer.emotions import EMOTIONS
from moodcut_scorer.evaluation.figures import Answers, Judgement, judged
from moodcut_scorer.evaluation.judges import AffectJudge, Judge, Kept, ModelJudge, SupervisedJudge, column
from moodcut_scorer.evaluation.manifest import Item
from moodcut_scorer.evaluation.media import read_media
from moodcut_scorer.model import SmallModel

_CHANCE_DRAWS = 20
Progress = Callable[[int, int, str], None]


class NothingToJudgeError(InvalidArgumentError):
    """Not one of the files could be read."""

    reason = "NOTHING_TO_JUDGE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluated:
    """Judgements of the model, of its nearest prompts and of the baselines, in this order; and what was judged.

    ``failed`` names the files that could not be read, with the reason. ``met_in_training``: the files judged that the
    model learned from, None if it does not say from which; ``met_by_classifiers``: those with a sibling (a file of the
    same group) or themselves among the files that the supervised classifiers learned from. They flatter the figures.
    """

    judgements: list[Judgement]
    file_count: int
    group_count: int
    failed: list[tuple[str, str]]
    met_in_training: list[str] | None = None
    met_by_classifiers: list[str] = field(default_factory=list)


def evaluate(
    model: SmallModel,
    items: Sequence[Item],
    *,
    name: str,
    train: Sequence[Item] = (),
    others: Sequence[Judge] = (),
    progress: Progress = lambda done, count, file: None,
) -> Evaluated:
    """Judge ``model`` and the baselines on ``items``; with ``train`` also classifiers learned from those files.

    ``others`` are judges of further models. A file that cannot be read is left out and named in the result. Raises
    NothingToJudgeError if none can be read, or none of ``train``.
    """
    supervised = SupervisedJudge(model) if train else None
    judges: list[Judge] = [ModelJudge(model, name), AffectJudge(), *others]
    if supervised is not None:
        judges.append(supervised)
    count, failed = len(items) + len(train), list[tuple[str, str]]()

    def look(some: Sequence[Item], asked: Sequence[Judge], done: int) -> tuple[list[Item], list[list[Kept]]]:
        read: list[Item] = []
        kept: list[list[Kept]] = [[] for _ in asked]
        for number, item in enumerate(some, done):
            progress(number, count, item.name)
            try:
                media = read_media(item.path)
                taken = [judge.take(media) for judge in asked]
            except (MoodcutError, OSError) as error:
                failed.append((item.name, error.message if isinstance(error, MoodcutError) else str(error)))
                continue
            read.append(item)
            for place, row in zip(kept, taken, strict=True):
                place.append(row)
        if not read:
            raise NothingToJudgeError(f"None of {len(some)} files could be read; the first: {failed[-len(some)][1]}")
        return read, kept

    known: list[Item] = []
    if supervised is not None:
        known, learned = look(train, [supervised], 0)
        supervised.learn(learned[0], np.array([item.emotion for item in known]))
    read, kept = look(items, judges, len(train))
    progress(count, count, "")
    truth, groups = np.array([item.emotion for item in read]), np.array([item.group for item in read])
    answers = [each for judge, rows in zip(judges, kept, strict=True) for each in judge.answers(rows)]
    usual = np.bincount([item.emotion for item in train] or truth, minlength=len(EMOTIONS)).argmax()
    known_groups = {item.group for item in known}
    there = [~np.isnan(column(kept[0], side)).any(axis=1) for side in (0, 1)]
    answers.append(_always(int(usual), there[0], there[1]))
    return Evaluated(
        judgements=[*(judged(each, truth, groups) for each in answers), _chance(truth, groups, there[0], there[1])],
        file_count=len(read),
        group_count=len(set(groups.tolist())),
        failed=failed,
        met_in_training=_met(read, model.trained_on),
        met_by_classifiers=[item.name for item in read if item.group in known_groups],
    )


def _met(items: Sequence[Item], trained_on: Collection[str] | None) -> list[str] | None:
    return None if trained_on is None else [item.name for item in items if sha256_of(item.path) in trained_on]


def _always(emotion: int, seen: np.ndarray, heard: np.ndarray) -> Answers:
    scores = np.eye(len(EMOTIONS))[emotion]
    visual, audio, joint = (np.where(there[:, None], scores, np.nan) for there in (seen, heard, seen & heard))
    return Answers(name=f"majority: always {EMOTIONS[emotion]}", visual=visual, audio=audio, joint=joint)


def _chance(truth: np.ndarray, groups: np.ndarray, seen: np.ndarray, heard: np.ndarray) -> Judgement:
    """Answers at random: of several draws the one whose figures are nearest to the mean of all draws'."""
    rng = np.random.default_rng(0)
    drawn = []
    for _ in range(_CHANCE_DRAWS):
        scores = [
            np.where(there[:, None], rng.random((len(truth), len(EMOTIONS))), np.nan)
            for there in (seen, heard, seen & heard)
        ]
        similarity = rng.random((len(truth), len(truth)))
        answers = Answers(name="chance", visual=scores[0], audio=scores[1], joint=scores[2], similarity=similarity)
        drawn.append(judged(answers, truth, groups))
    figures = np.array([_plain(each) for each in drawn])
    return drawn[int(np.abs(figures - figures.mean(axis=0)).sum(axis=1).argmin())]


def _plain(judgement: Judgement) -> list[float]:
    """Accuracies and mean average precisions, 0 where there are none."""
    accuracies = [
        0.0 if each is None else each.accuracy for each in (judgement.audio, judgement.visual, judgement.joint)
    ]
    found = judgement.retrieval
    return [*accuracies, *((0.0, 0.0) if found is None else (found.image_by_music_map, found.music_by_image_map))]
