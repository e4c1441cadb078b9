"""A finished montage in a few lines for a person. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def summary(report: Mapping[str, Any]) -> str:
    """What was made, from the JSON report."""
    selection = report["selection"]
    emotions = sorted(report["emotion"].items(), key=lambda each: -each[1])
    scenes = list(dict.fromkeys(each["scene_id"] for each in selection))
    units = sum(each["bar_count"] for each in selection)
    lines = [
        "music      "
        + ", ".join(f"{name} {share:.0%}" for name, share in emotions[:3])
        + f"; {report['bpm']:.0f} BPM in {report['meter']}, {len(report['bars'])} bars",
        f"film       {_count(len(report['shots']), 'shot')} in {_count(len(report['scenes']), 'scene')}",
        f"montage    {_count(len(selection), 'shot')} from {_count(len(scenes), 'scene')}, "
        f"{_count(units, report['unit'])}, {report['duration_seconds']:.2f} s{_sought(report)}",
        f"sync       largest distance of a cut from its beat {report['max_sync_error_ms']:.1f} ms",
    ]
    if report["relaxations"]:
        lines.append("relaxed    " + "; ".join(report["relaxations"]))
    lines.extend(f"note       {warning}" for warning in report["warnings"])
    if report.get("reused"):
        lines.append("note       made before; taken from the store")
    if "output" in report:
        lines.append(f"file       {report['output']}")
    if "kept" in report:
        lines.append(f"artifacts  {report['kept']}")
    return "\n".join(lines)


_UNITS = {"half-bar": "half bar", "none": "step of 100 ms"}
_PLURALS = {"step of 100 ms": "steps of 100 ms"}


def _count(number: int, name: str) -> str:
    name = _UNITS.get(name, name)
    return f"{number} {name if number == 1 else _PLURALS.get(name, name + 's')}"


def _sought(report: Mapping[str, Any]) -> str:
    """What was looked for, if it was not the music's own emotion."""
    if report.get("mood"):
        return f", looking for {report['mood']}"
    return ", scores random" if report.get("scores") == "random" else ""
