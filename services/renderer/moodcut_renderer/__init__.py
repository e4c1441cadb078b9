"""Timelines to video files: frame-exact cuts, the music under them, and a document for editors."""

from moodcut_renderer.encode import EncoderOptions
from moodcut_renderer.errors import EncodingError, FfmpegMissingError, RenderOptionError, TimelineError
from moodcut_renderer.ffmpeg import find_ffmpeg
from moodcut_renderer.otio import timeline_from_otio, timeline_to_otio
from moodcut_renderer.plan import PlannedClip, RenderPlan, make_plan
from moodcut_renderer.render import RenderProgress, render
from moodcut_renderer.settings import RendererSettings

__all__ = [
    "EncoderOptions",
    "EncodingError",
    "FfmpegMissingError",
    "PlannedClip",
    "RenderOptionError",
    "RenderPlan",
    "RenderProgress",
    "RendererSettings",
    "TimelineError",
    "find_ffmpeg",
    "make_plan",
    "render",
    "timeline_from_otio",
    "timeline_to_otio",
]
