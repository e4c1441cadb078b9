"""Clients of the contract: channels, calls that try again or elsewhere, and the fan-out of a film's analysis."""

from moodcut_kit.client.addresses import split_addresses
from moodcut_kit.client.calls import Caller
from moodcut_kit.client.channel import connect
from moodcut_kit.client.movie import MovieKeys, analyze_movie
from moodcut_kit.client.pool import Pool

__all__ = ["Caller", "MovieKeys", "Pool", "analyze_movie", "connect", "split_addresses"]
