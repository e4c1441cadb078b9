"""How well shots fit music: image, music and text encoders on ONNX Runtime with one joint emotion space."""

from moodcut_scorer.emotions import EMOTIONS, PROMPTS
from moodcut_scorer.encoders import HeardMusic
from moodcut_scorer.model import EmotionModel, MusicEmbeddings, SmallModel
from moodcut_scorer.registry import ModelFile, list_models
from moodcut_scorer.scoring import embed_shots, piece_embedding, pool_frames, random_scores, shot_scores, unit_scores
from moodcut_scorer.sessions import Runtime
from moodcut_scorer.textbuild import build_text_encoder
from moodcut_scorer.windows import even_windows, unit_windows

__all__ = [
    "EMOTIONS",
    "PROMPTS",
    "EmotionModel",
    "HeardMusic",
    "ModelFile",
    "MusicEmbeddings",
    "Runtime",
    "SmallModel",
    "build_text_encoder",
    "embed_shots",
    "even_windows",
    "list_models",
    "piece_embedding",
    "pool_frames",
    "random_scores",
    "shot_scores",
    "unit_scores",
    "unit_windows",
]
