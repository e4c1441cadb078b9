"""Clients of the contract: channels, calls that try again, and the fan-out of a film's analysis."""

from moodcut_kit.client.calls import Caller
from moodcut_kit.client.channel import connect
from moodcut_kit.client.movie import MovieKeys, analyze_movie

__all__ = ["Caller", "MovieKeys", "analyze_movie", "connect"]
