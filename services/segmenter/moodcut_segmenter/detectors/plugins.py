"""Shot detectors that other packages bring.

A package offers one as an entry point of the group ``moodcut.shot_detectors``. It names a callable that takes the
keyword ``threads`` (0: every core) and returns a :class:`~moodcut_segmenter.detectors.base.ShotDetector`; the entry
point's name is the one users give, and the detector's ``name``::

    [project.entry-points."moodcut.shot_detectors"]
    mine = "my_package.detector:MyDetector"
"""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points

from moodcut_segmenter.detectors.base import ShotDetector
from moodcut_segmenter.errors import PluginError

GROUP = "moodcut.shot_detectors"


def plugin_names() -> list[str]:
    """Names of the plug-ins that are installed, sorted."""
    return sorted({each.name for each in entry_points(group=GROUP)})


def load_plugin(name: str, *, threads: int = 0) -> ShotDetector:
    """The plug-in ``name``, ready to run. Raises PluginError."""
    found = next(iter(entry_points(group=GROUP, name=name)), None)
    if found is None:
        there = ", ".join(plugin_names()) or "none"
        message = f"No package here brings a shot detector {name!r}; installed are: {there}. Install the package."
        raise PluginError(message, plugin=name)
    return _made(found, threads)


def _made(entry: EntryPoint, threads: int) -> ShotDetector:
    about = f"The shot detector {entry.name!r} ({entry.value})"
    try:
        detector = entry.load()(threads=threads)
    except Exception as error:
        message = f"{about} cannot be loaded: {type(error).__name__}: {error}"
        raise PluginError(message, plugin=entry.name) from error
    if not isinstance(detector, ShotDetector):
        message = f"{about} gives a {type(detector).__name__}, which is no moodcut_segmenter ShotDetector."
        raise PluginError(message, plugin=entry.name)
    # The name is part of what results are filed under: two detectors must not share it.
    if detector.name != entry.name:
        message = f"{about} calls itself {detector.name!r}; its name must be that of the entry point."
        raise PluginError(message, plugin=entry.name)
    return detector
