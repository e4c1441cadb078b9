"""An evaluation as text for people and as plain values for JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from moodcut_kit.contract import Json
from moodcut_scorer.emotions import EMOTIONS
from moodcut_scorer.evaluation.evaluating import Evaluated
from moodcut_scorer.evaluation.figures import MODALITIES, Figures, Interval, Judgement, Retrieval

_TITLES = {"audio": "music", "visual": "pictures", "joint": "both"}


def as_json(evaluated: Evaluated) -> dict[str, Json]:
    """The model's ``audio``, ``visual``, ``joint`` and ``retrieval``; all others under ``others``."""
    model, *others = evaluated.judgements
    return {
        **_judgement(model),
        "model": model.name,
        "others": {each.name: _judgement(each) for each in others},
        "file_count": evaluated.file_count,
        "group_count": evaluated.group_count,
        "met_in_training": None if evaluated.met_in_training is None else list[Json](evaluated.met_in_training),
        "met_by_classifiers": list[Json](evaluated.met_by_classifiers),
        "failed": [{"file": file, "reason": reason} for file, reason in evaluated.failed],
        "emotions": list(EMOTIONS),
    }


def _judgement(judgement: Judgement) -> dict[str, Json]:
    found: dict[str, Json] = {modality: _figures(getattr(judgement, modality)) for modality in MODALITIES}
    found["retrieval"] = _retrieval(judgement.retrieval)
    return found


def _figures(figures: Figures | None) -> Json:
    if figures is None:
        return None
    found: dict[str, Json] = {
        "accuracy": figures.accuracy,
        "macro_f1": figures.macro_f1,
        "interval": _interval(figures.interval),
        "macro_f1_interval": _interval(figures.macro_f1_interval),
        "count": figures.count,
        "confusion": [[int(count) for count in row] for row in figures.confusion],
    }
    if figures.calibration_error is not None:
        found["calibration_error"] = figures.calibration_error
    return found


def _retrieval(retrieval: Retrieval | None) -> Json:
    if retrieval is None:
        return None
    return {
        "image_by_music_map": retrieval.image_by_music_map,
        "image_by_music_interval": _interval(retrieval.image_by_music_interval),
        "music_by_image_map": retrieval.music_by_image_map,
        "music_by_image_interval": _interval(retrieval.music_by_image_interval),
    }


def _interval(interval: Interval) -> Json:
    return None if np.isnan(interval).any() else list[Json](interval)


def as_text(evaluated: Evaluated) -> Iterator[str]:
    """Lines: Table 3 with all baselines, calibration, retrieval, and the model's confusion matrices (Figure 6)."""
    yield f"{evaluated.file_count} files of {evaluated.group_count} groups; intervals: 95 %, bootstrap over groups"
    yield from _cautions(evaluated)
    width = max(len(each.name) for each in evaluated.judgements)
    for title, cell in (("accuracy", _accuracy), ("macro F1", _macro_f1), ("calibration error", _calibration)):
        yield ""
        yield _line(title, [_TITLES[each] for each in MODALITIES], width)
        for judge in evaluated.judgements:
            cells = [cell(getattr(judge, modality)) for modality in MODALITIES]
            if any(cells):
                yield _line(judge.name, [each or "-" for each in cells], width)
    compared = [(each.name, each.retrieval) for each in evaluated.judgements if each.retrieval is not None]
    if compared:
        yield ""
        yield _line("mean average precision", ["pictures for music", "music for pictures"], width)
        for name, found in compared:
            cells = [
                _with(found.image_by_music_map, found.image_by_music_interval),
                _with(found.music_by_image_map, found.music_by_image_interval),
            ]
            yield _line(name, cells, width)
    for modality in MODALITIES:
        figures: Figures | None = getattr(evaluated.judgements[0], modality)
        if figures is not None:
            yield ""
            yield from confusion_lines(f"{_TITLES[modality]}: what was found, in % of each row's clips", figures)


def _cautions(evaluated: Evaluated) -> Iterator[str]:
    """What makes the figures say less than they seem to."""
    if evaluated.group_count < 2:
        yield "all files are of one group, so there are no intervals"
    if evaluated.met_in_training:
        met, name = len(evaluated.met_in_training), evaluated.judgements[0].name
        yield f"CAUTION: {name} was trained on {met} of these files, which flatters its figures"
    if evaluated.met_by_classifiers:
        met = len(evaluated.met_by_classifiers)
        yield f"CAUTION: {met} of these files share a group with --train, which flatters the supervised classifiers"


def confusion_lines(title: str, figures: Figures) -> Iterator[str]:
    """A confusion matrix, a row for each true emotion."""
    yield title
    yield " " * 12 + "".join(f"{emotion:>11}" for emotion in EMOTIONS) + "      count"
    for emotion, row in zip(EMOTIONS, figures.confusion, strict=True):
        shares = 100 * row / max(1, int(row.sum()))
        yield f"{emotion:<12}" + "".join(f"{share:>11.0f}" for share in shares) + f"{int(np.sum(row)):>11}"


def _line(name: str, cells: Sequence[str], width: int) -> str:
    return f"{name:<{width}}  " + "".join(f"{cell:<22}" for cell in cells).rstrip()


def _accuracy(figures: Figures | None) -> str:
    return "" if figures is None else _with(figures.accuracy, figures.interval)


def _macro_f1(figures: Figures | None) -> str:
    return "" if figures is None else _with(figures.macro_f1, figures.macro_f1_interval)


def _calibration(figures: Figures | None) -> str:
    return "" if figures is None or figures.calibration_error is None else f"{figures.calibration_error:.2f}"


def _with(value: float, interval: Interval) -> str:
    known = not np.isnan(interval).any()
    return f"{value:.2f} ({interval[0]:.2f} to {interval[1]:.2f})" if known else f"{value:.2f}"


def matrices(evaluated: Evaluated) -> Mapping[str, np.ndarray]:
    """The model's confusion matrices by modality."""
    model = evaluated.judgements[0]
    found = {modality: getattr(model, modality) for modality in MODALITIES}
    return {modality: figures.confusion for modality, figures in found.items() if figures is not None}
