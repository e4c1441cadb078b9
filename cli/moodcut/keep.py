"""Write the artifacts of a montage as files a person can open."""

from __future__ import annotations

import shutil
from pathlib import Path

from google.protobuf import json_format
from google.protobuf.message import Message

from moodcut_kit.store.base import ObjectStore
from moodcut_kit.v1 import media_pb2, montage_pb2, renderer_pb2, solver_pb2

_MESSAGES: dict[str, tuple[str, type[Message]]] = {
    "movie_analysis_key": ("movie.json", media_pb2.MovieAnalysis),
    "music_analysis_key": ("music.json", media_pb2.MusicAnalysis),
    "scores_key": ("scores.json", media_pb2.Scores),
    "problem_key": ("problem.json", solver_pb2.SolveRequest),
    "solution_key": ("solution.json", solver_pb2.SolveResponse),
    "timeline_key": ("timeline.json", renderer_pb2.Timeline),
}
_FILES = {"video_key": "montage.mp4", "otio_key": "montage.otio", "report_key": "report.json"}


def keep_artifacts(store: ObjectStore, result: montage_pb2.MontageResult, directory: Path) -> None:
    """Write analyses, scores, problem, solution and timeline as JSON, the results as they are, and the keyframes."""
    directory.mkdir(parents=True, exist_ok=True)
    for field, (name, kind) in _MESSAGES.items():
        message = kind.FromString(store.get(getattr(result, field)).data)
        text = json_format.MessageToJson(message, preserving_proto_field_name=True)
        (directory / name).write_text(text + "\n")
    for field, name in _FILES.items():
        key = getattr(result, field)
        if key:
            with store.open_path(key) as path:
                shutil.copyfile(path, directory / name)
    _keep_keyframes(store, result, directory / "keyframes")


def _keep_keyframes(store: ObjectStore, result: montage_pb2.MontageResult, directory: Path) -> None:
    directory.mkdir(exist_ok=True)
    index = media_pb2.KeyframeIndex.FromString(store.get(result.keyframe_index_key).data)
    pack = store.get(result.keyframe_pack_key).data
    for keyframe in index.keyframes:
        name = f"{keyframe.shot_id}-{keyframe.frame:06d}.jpg"
        (directory / name).write_bytes(pack[keyframe.offset : keyframe.offset + keyframe.byte_count])
