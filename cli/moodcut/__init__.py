"""moodcut: the command and the Python client."""

from moodcut.client import Client

__all__ = ["Client", "__version__"]
__version__ = "0.1.0"
