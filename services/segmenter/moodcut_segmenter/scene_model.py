"""A learned model of scene boundaries: an ONNX file of the user's own.

The file has one input and one output, both float32:

- input ``shots``: [shots, 460], the whole film at once; or [boundaries, 2 k, 460], the k shots before each boundary
  and the k after it (k is what the file says; the film's first and last shot are repeated beyond its ends);
- output ``boundaries``: [shots - 1] or [boundaries], a last axis of 1 is allowed: the probability, 0 to 1, that a scene
  begins with the shot after the boundary.

A shot is described by 410 columns of its picture (:func:`~moodcut_segmenter.picture_features.picture_features`), 48 of
its sound (:func:`~moodcut_segmenter.sound_features.sound_features`; zeros in a film without sound), both averaged over
the shot, 1 if the film has sound and else 0, and the natural logarithm of its seconds. The file's metadata must say
which version of these it was trained on: ``moodcut.shot_features`` = "1". ``moodcut.threshold`` says from which
probability on a scene begins (0.5 without it).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from moodcut_kit import modelcache
from moodcut_kit.onnxmemory import session_options
from moodcut_segmenter.errors import BadSceneModelError, ModelNotBuiltError
from moodcut_segmenter.picture_features import FEATURE_COUNT
from moodcut_segmenter.sound_features import SOUND_COUNT

FEATURES_VERSION = "1"
COLUMN_COUNT = FEATURE_COUNT + SOUND_COUNT + 2
MODEL_FILE = "scenes.onnx"
_WINDOWS_AT_ONCE = 256


def model_path() -> Path:
    """Where a user's model is looked for in the model cache."""
    return modelcache.cache_dir() / MODEL_FILE


def model_columns(features: NDArray[np.float32], durations_seconds: NDArray[np.float64]) -> NDArray[np.float32]:
    """What the model is told of each shot: float32 [shots, 460], from its features ([shots, 458] or [shots, 410])."""
    heard = features.shape[1] > FEATURE_COUNT
    columns = np.zeros((len(features), COLUMN_COUNT), np.float32)
    columns[:, : features.shape[1]] = features
    columns[:, -2] = heard
    columns[:, -1] = np.log(np.maximum(durations_seconds, 1e-3))
    return columns


def boundary_windows(columns: NDArray[np.float32], before: int) -> NDArray[np.float32]:
    """The ``before`` shots before each boundary and as many after it: [shots - 1, 2 * before, columns]."""
    starts = np.arange(1, len(columns))[:, None] + np.arange(-before, before)
    return np.asarray(columns[np.clip(starts, 0, len(columns) - 1)], dtype=np.float32)


def scenes_of(
    probabilities: NDArray[np.floating], *, threshold: float = 0.5, scene_count: int | None = None
) -> list[tuple[int, int]]:
    """Scenes as half-open ranges of shots from the probabilities of the boundaries between them ([shots - 1]).

    A scene begins where the probability reaches ``threshold``; with ``scene_count`` at the likeliest boundaries, which
    is the likeliest set of so many if boundaries are independent.
    """
    if scene_count is None:
        chosen = np.flatnonzero(probabilities >= threshold)
    else:
        likeliest = np.argsort(-probabilities, kind="stable")[: max(0, scene_count - 1)]
        chosen = np.sort(likeliest)
    ends = [*(int(each) + 1 for each in chosen), len(probabilities) + 1]
    return list(zip([0, *ends[:-1]], ends, strict=True))


class SceneModel:
    """A model of scene boundaries, loaded. ``digest`` is its file's SHA-256, ``threshold`` what it asks for."""

    def __init__(self, path: Path | None = None, *, threads: int = 0) -> None:
        """Load the user's model, or ``path``. ``threads`` 0 takes every core.

        Raises ModelNotBuiltError if there is none, BadSceneModelError if it is not such a model.
        """
        self._path = path or model_path()
        if not self._path.is_file():
            message = f"There is no scene model {self._path}. Put an ONNX file of your own there, or leave it out."
            raise ModelNotBuiltError(message, path=self._path)
        options = session_options(threads=threads)
        try:
            self._session = ort.InferenceSession(str(self._path), options, providers=["CPUExecutionProvider"])
        except Exception as error:
            raise self._bad(f"ONNX Runtime cannot load it: {error}") from error
        self.digest = modelcache.sha256_of(self._path)
        self._shots_before = self._checked_input()
        metadata = self._session.get_modelmeta().custom_metadata_map
        if metadata.get("moodcut.shot_features") != FEATURES_VERSION:
            found = metadata.get("moodcut.shot_features", "nothing")
            raise self._bad(f"its metadata moodcut.shot_features says {found}, not {FEATURES_VERSION}")
        try:
            self.threshold = float(metadata.get("moodcut.threshold", "0.5"))
        except ValueError as error:
            raise self._bad(f"its metadata moodcut.threshold is no number: {error}") from error

    def probabilities(
        self, features: NDArray[np.float32], durations_seconds: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        """Probabilities that a scene begins with each shot but the first: float32 [shots - 1].

        Raises BadSceneModelError if the model does not answer with as many probabilities.
        """
        columns = model_columns(features, durations_seconds)
        if len(columns) < 2:
            return np.zeros(0, np.float32)
        if not self._shots_before:
            return self._answer(columns, len(columns) - 1)
        windows = boundary_windows(columns, self._shots_before)
        parts = [windows[at : at + _WINDOWS_AT_ONCE] for at in range(0, len(windows), _WINDOWS_AT_ONCE)]
        return np.concatenate([self._answer(part, len(part)) for part in parts])

    def _answer(self, values: NDArray[np.float32], expected: int) -> NDArray[np.float32]:
        try:
            (answer,) = self._session.run(["boundaries"], {"shots": values})
        except Exception as error:
            raise self._bad(f"it cannot take an input of {list(values.shape)}: {error}") from error
        if answer.shape not in ((expected,), (expected, 1)):
            raise self._bad(f"it answers {list(answer.shape)} to an input of {list(values.shape)}, not [{expected}]")
        found = np.asarray(answer, dtype=np.float32).reshape(expected)
        if not np.all((found >= 0) & (found <= 1)):
            raise self._bad("it answers with values that are no probabilities between 0 and 1")
        return found

    def _checked_input(self) -> int:
        """How many shots before a boundary the model wants to see, 0 for the whole film at once."""
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        if [each.name for each in inputs] != ["shots"] or "boundaries" not in [each.name for each in outputs]:
            names = [each.name for each in inputs], [each.name for each in outputs]
            raise self._bad(f"it takes {names[0]} and gives {names[1]}, not ['shots'] and ['boundaries']")
        shape, kind = inputs[0].shape, inputs[0].type
        if kind != "tensor(float)" or len(shape) not in (2, 3) or shape[-1] != COLUMN_COUNT:
            wanted = f"float32 [shots, {COLUMN_COUNT}] or [boundaries, 2 k, {COLUMN_COUNT}]"
            raise self._bad(f"its input is {kind} {shape}, not {wanted}")
        if len(shape) == 2:
            return 0
        if not isinstance(shape[1], int) or shape[1] < 2 or shape[1] % 2:
            raise self._bad(f"the second axis of its input {shape} must be an even number of shots")
        return shape[1] // 2

    def _bad(self, problem: str) -> BadSceneModelError:
        return BadSceneModelError(f"{self._path} is no scene model that can be used: {problem}.", path=self._path)
