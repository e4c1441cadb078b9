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
        f"film       {len(report['shots'])} shots in {len(report['scenes'])} scenes",
        f"montage    {len(selection)} shots from {len(scenes)} scenes, {units} units ({report['unit']}), "
        f"{report['duration_seconds']:.2f} s",
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
