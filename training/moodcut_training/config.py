"""A training run as a file: TOML in, one frozen dataclass out. Nothing here needs torch."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from importlib import resources
from pathlib import Path
from typing import Any, Final, get_type_hints

from moodcut_scorer.emotions import EMOTIONS, PROMPTS
from moodcut_training.augment import AUGMENTATIONS
from moodcut_training.errors import ConfigError

EXAMPLES: Final = ("full", "without-classifier", "without-text", "without-pretraining", "tiny")

_PATHS: Final = ("manifest", "media", "output", "cache", "checkpoint", "audio_checkpoint")
_RANGES: Final[dict[str, tuple[float, float]]] = {
    "seed": (0, 2**32 - 1),
    "epochs": (1, 100_000),
    "learning_rate": (1e-9, 1.0),
    "head_learning_rate": (0.0, 1.0),
    "alpha": (0.0, 1e3),
    "bias": (-1e3, 1e3),
    "scale": (0.0, 1e3),
    "dimension": (0, 4096),
    "validation_share": (0.0, 0.5),
    "test_share": (0.0, 0.5),
    "frames_per_clip": (1, 1000),
    "evaluation_frames": (1, 1000),
}
_CHOICES: Final[dict[str, tuple[str, ...]]] = {
    "contrast": ("pairs", "softmax"),
    "norm_statistics": ("auto", "frozen", "batch"),
    "best_by": ("retrieval", "accuracy"),
    "device": ("auto", "cpu", "cuda"),
}
# What may differ between the two parts of an interrupted run: where things lie, and how long it shall go on.
_MAY_CHANGE: Final = frozenset({*_PATHS, "epochs", "device", "tensorboard"})


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig:
    """All that a training run depends on besides the data. The defaults are the paper's (method, section 2).

    Paths are relative to the file they stand in. ``backbone`` is a name of the registry; ``checkpoint`` and
    ``audio_checkpoint`` are paths of its published weights, or names on a hub. ``pretrained`` false starts from random
    weights. ``dimension`` is the size of the joint space: 0 takes the backbone's own, or 64 where it has none.

    ``manifest`` lists the clips, ``media`` is the folder they lie in (default: the manifest's), ``cache`` is where
    their frames and sound are kept (default: the user's cache). ``frames_per_clip`` frames are kept of each, of which a
    random one is drawn; held-out clips are judged by ``evaluation_frames`` of them, 1 being the middle one of those.

    ``head_learning_rate`` is that of what the checkpoint does not bring (projections, class layers, scale, bias); 0
    takes ``learning_rate``. ``scale`` and ``bias`` are where s and b of the contrast start; a scale of 0 takes the
    checkpoint's. ``norm_statistics``: whether batch norms keep the checkpoint's statistics ("frozen") or learn from
    batches of six ("batch"); "auto" freezes them where there is a checkpoint. ``best_by``: what is measured after each
    epoch on the validation split, to keep the best weights.
    """

    backbone: str
    manifest: Path
    output: Path
    media: Path | None = None
    cache: Path | None = None
    checkpoint: str = ""
    audio_checkpoint: str = ""
    pretrained: bool = True
    dimension: int = 0
    seed: int = 0
    epochs: int = 50
    learning_rate: float = 1e-4
    head_learning_rate: float = 0.0
    contrast: str = "pairs"
    alpha: float = 1.0
    scale: float = 0.0
    bias: float = 0.0
    with_classifier: bool = True
    with_text: bool = True
    norm_statistics: str = "auto"
    validation_share: float = 0.1
    test_share: float = 0.1
    frames_per_clip: int = 32
    evaluation_frames: int = 1
    augmentations: tuple[str, ...] = ()
    best_by: str = "retrieval"
    device: str = "auto"
    tensorboard: bool = True
    prompts: tuple[str, ...] = field(default=tuple(PROMPTS[emotion][0] for emotion in EMOTIONS))

    def __post_init__(self) -> None:
        """Raises ConfigError naming the key, its value and what is allowed."""
        for name, (low, high) in _RANGES.items():
            value = getattr(self, name)
            if not (math.isfinite(value) and low <= value <= high):
                raise ConfigError(f"{name} = {value} is out of range: {low:g} to {high:g} is allowed.", key=name)
        for name, allowed in _CHOICES.items():
            value = getattr(self, name)
            if value not in allowed:
                raise ConfigError(f'{name} = "{value}" is none of {", ".join(allowed)}.', key=name)
        for each in self.augmentations:
            if each not in AUGMENTATIONS:
                raise ConfigError(
                    f'augmentations: "{each}" is none of {", ".join(AUGMENTATIONS)}.', key="augmentations"
                )
        if len(self.prompts) != len(EMOTIONS) or not all(text.strip() for text in self.prompts):
            raise ConfigError("prompts: there must be one for each of the six emotions, none of them empty.")
        if not (self.with_classifier or self.with_text):
            raise ConfigError(
                "with_classifier and with_text are both false: emotions would have neither a class nor a prompt to be "
                "told by. At most one of them can be left out.",
                key="with_text",
            )
        if self.validation_share + self.test_share >= 1:
            raise ConfigError(
                f"validation_share = {self.validation_share} and test_share = {self.test_share} leave nothing to train "
                "on: together they must be below 1.",
                key="test_share",
            )
        if self.evaluation_frames > self.frames_per_clip:
            raise ConfigError(
                f"evaluation_frames = {self.evaluation_frames} is more than the {self.frames_per_clip} of "
                "frames_per_clip.",
                key="evaluation_frames",
            )

    def described(self) -> dict[str, Any]:
        """All settings as plain values, paths as text, prompts by emotion; for JSON and checkpoints."""
        plain: dict[str, Any] = {}
        for each in fields(self):
            value = getattr(self, each.name)
            plain[each.name] = str(value) if isinstance(value, Path) else list(value) if type(value) is tuple else value
        plain["prompts"] = dict(zip(EMOTIONS, self.prompts, strict=True))
        return plain


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What changed between two descriptions that decides a result: "key: before -> now", by key."""
    keys = sorted((before.keys() | now.keys()) - _MAY_CHANGE)
    return [f"{key}: {before.get(key)} -> {now.get(key)}" for key in keys if before.get(key) != now.get(key)]


def read_config(path: Path, overrides: Mapping[str, str] | None = None) -> RunConfig:
    """The run that ``path`` describes; ``overrides`` are keys with values written as in TOML, or plain words.

    Raises ConfigError naming the file, the key, its value and what is allowed.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise ConfigError(
            f"There is no file {path}. `moodcut train --example full` prints one to begin with.", file=path
        ) from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path} cannot be read as TOML: {error}", file=path) from error
    for key, text in (overrides or {}).items():
        table[key] = _plain_value(text)
    try:
        return _config(table, path.absolute().parent)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error.message}", file=path, **error.metadata) from error


def example(name: str) -> str:
    """The text of one of EXAMPLES: the paper's training and its ablations, and a tiny run. Raises ConfigError."""
    if name not in EXAMPLES:
        raise ConfigError(f"There is no example {name!r}; choose one of {', '.join(EXAMPLES)}.", example=name)
    return resources.files(__package__).joinpath("configs", f"{name}.toml").read_text(encoding="utf-8")


def _plain_value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _config(table: Mapping[str, Any], folder: Path) -> RunConfig:
    kinds = get_type_hints(RunConfig)
    known = [each.name for each in fields(RunConfig)]
    for key in table:
        if key not in known:
            raise ConfigError(f"{key!r} is no key. Known are: {', '.join(known)}.", key=key)
    missing = [key for key in ("backbone", "manifest", "output") if key not in table]
    if missing:
        raise ConfigError(f"{', '.join(missing)} must be given.", key=missing[0])
    values = {key: _checked(key, value, kinds[key]) for key, value in table.items()}
    for key in _PATHS:
        value = values.get(key)
        if value and (key not in ("checkpoint", "audio_checkpoint") or (folder / value).exists()):
            located = folder / Path(value).expanduser()
            values[key] = str(located) if key in ("checkpoint", "audio_checkpoint") else located
        elif key in ("media", "cache"):
            values[key] = None
    config = RunConfig(**values)
    return replace(config, media=config.media or config.manifest.parent)


def _checked(key: str, value: Any, kind: Any) -> Any:
    """The value as its field wants it. Raises ConfigError for another kind of value."""
    if key == "prompts":
        return _prompts(value)
    if kind is float and type(value) is int:
        return float(value)
    if kind == tuple[str, ...]:
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise ConfigError(f'{key} = {value!r} must be a list of words, such as ["mirror"].', key=key)
        return tuple(value)
    wanted, words = (str, "a text") if key in _PATHS else (kind, _KIND_WORDS.get(kind, str(kind)))
    if type(value) is not wanted:
        raise ConfigError(f"{key} = {value!r} must be {words}.", key=key)
    if key in ("backbone", "manifest", "output") and not value:
        raise ConfigError(f"{key} must not be empty.", key=key)
    return value


_KIND_WORDS: Final[dict[Any, str]] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
}


def _prompts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, dict) or set(value) != set(EMOTIONS):
        raise ConfigError(f"prompts must be a table with one text for each of {', '.join(EMOTIONS)}.", key="prompts")
    if not all(isinstance(text, str) for text in value.values()):
        raise ConfigError("prompts must all be texts.", key="prompts")
    return tuple(value[emotion] for emotion in EMOTIONS)
