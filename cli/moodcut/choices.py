"""Words on the command line for values of the contract."""

from __future__ import annotations

from moodcut_kit.v1 import media_pb2, montage_pb2, segmenter_pb2, solver_pb2

CONSTRAINTS = {
    "hard": montage_pb2.STORY_CONSTRAINT_HARD,
    "soft": montage_pb2.STORY_CONSTRAINT_SOFT,
    "none": montage_pb2.STORY_CONSTRAINT_NONE,
}
UNITS = {
    "bar": montage_pb2.GRID_UNIT_BAR,
    "half-bar": montage_pb2.GRID_UNIT_HALF_BAR,
    "beat": montage_pb2.GRID_UNIT_BEAT,
    "none": montage_pb2.GRID_UNIT_NONE,
}
LENGTHS = {"whole": solver_pb2.LENGTH_MODE_WHOLE_SHOT, "flexible": solver_pb2.LENGTH_MODE_FLEXIBLE}
WEIGHTINGS = {"shot": solver_pb2.WEIGHTING_PER_SHOT, "bar": solver_pb2.WEIGHTING_PER_BAR}
DETECTORS = {
    "transnetv2-fast": segmenter_pb2.SHOT_DETECTOR_TRANSNETV2_FAST,
    "transnetv2": segmenter_pb2.SHOT_DETECTOR_TRANSNETV2,
    "transnetv2-reference": segmenter_pb2.SHOT_DETECTOR_TRANSNETV2_REFERENCE,
    "content": segmenter_pb2.SHOT_DETECTOR_CONTENT,
    "adaptive": segmenter_pb2.SHOT_DETECTOR_ADAPTIVE,
    "hash": segmenter_pb2.SHOT_DETECTOR_HASH,
    "histogram": segmenter_pb2.SHOT_DETECTOR_HISTOGRAM,
    "threshold": segmenter_pb2.SHOT_DETECTOR_THRESHOLD,
}
BEATS = {
    "auto": media_pb2.BEAT_BACKEND_UNSPECIFIED,
    "madmom": media_pb2.BEAT_BACKEND_MADMOM,
    "beat_this": media_pb2.BEAT_BACKEND_BEAT_THIS,
    "librosa": media_pb2.BEAT_BACKEND_LIBROSA,
    "steady": media_pb2.BEAT_BACKEND_STEADY,
}
MOODS = {
    "excited": media_pb2.EMOTION_EXCITED,
    "fear": media_pb2.EMOTION_FEAR,
    "neutral": media_pb2.EMOTION_NEUTRAL,
    "relaxation": media_pb2.EMOTION_RELAXATION,
    "sad": media_pb2.EMOTION_SAD,
    "tension": media_pb2.EMOTION_TENSION,
}
