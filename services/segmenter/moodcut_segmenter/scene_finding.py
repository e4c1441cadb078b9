"""From shots to scenes, whichever way was chosen. Pure but for a learned model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

from moodcut_segmenter.given_scenes import scenes_at
from moodcut_segmenter.scene_model import SceneModel, scenes_of
from moodcut_segmenter.scenes import group_scenes
from moodcut_segmenter.shot_features import ShotTable, feature_blocks


class SceneSource(Enum):
    """Where the scenes come from."""

    GROUPING = "grouping"
    GIVEN = "given"
    CHAPTERS = "chapters"
    MODEL = "model"


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundScenes:
    """Scenes as half-open ranges of shots, and what was odd about them, in words."""

    scenes: tuple[tuple[int, int], ...]
    source: SceneSource
    warnings: tuple[str, ...] = ()


SceneFinder = Callable[[ShotTable], FoundScenes]


def by_grouping(scene_count: int | None = None) -> SceneFinder:
    """Shots that look and sound alike; the number of scenes decided by the film or given."""

    def find(table: ShotTable) -> FoundScenes:
        blocks = feature_blocks(table.features.shape[1])
        scenes = group_scenes(table.features, table.durations_seconds, blocks, scene_count=scene_count)
        return FoundScenes(scenes=tuple(scenes), source=SceneSource.GROUPING)

    return find


def by_starts(starts_seconds: Sequence[Fraction], source: SceneSource = SceneSource.GIVEN) -> SceneFinder:
    """Scenes that begin at given times of the film."""

    def find(table: ShotTable) -> FoundScenes:
        scenes, warnings = scenes_at(starts_seconds, table.spans, table.times)
        return FoundScenes(scenes=tuple(scenes), source=source, warnings=tuple(warnings))

    return find


def by_model(model: SceneModel, scene_count: int | None = None) -> SceneFinder:
    """What a learned model takes for scenes."""

    def find(table: ShotTable) -> FoundScenes:
        probabilities = model.probabilities(table.features, table.durations_seconds)
        scenes = scenes_of(probabilities, threshold=model.threshold, scene_count=scene_count)
        return FoundScenes(scenes=tuple(scenes), source=SceneSource.MODEL)

    return find
