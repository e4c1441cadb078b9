"""Server bootstrap: what is the same for every moodcut service."""

from moodcut_kit.server.bootstrap import RunningServer, ServerSettings, Service, start_server

__all__ = ["RunningServer", "ServerSettings", "Service", "start_server"]
