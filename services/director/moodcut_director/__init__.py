"""The director: montage requests to durable jobs. The only service that knows the others."""

from moodcut_director.service import montage_service
from moodcut_director.settings import DirectorSettings

__all__ = ["DirectorSettings", "montage_service"]
