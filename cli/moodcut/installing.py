"""How this installation can be added to."""

from __future__ import annotations

import json
from importlib import metadata
from urllib.parse import unquote, urlsplit


def install_command(extra: str) -> str:
    """The command that adds an extra to this installation, from where it was installed."""
    try:
        text = metadata.distribution("moodcut").read_text("direct_url.json")
    except metadata.PackageNotFoundError:
        text = None
    source = json.loads(text) if text else {}
    parts = urlsplit(source.get("url", ""))
    if parts.scheme != "file":
        return f"pip install 'moodcut[{extra}]'"
    editable = "-e " if source.get("dir_info", {}).get("editable") else ""
    return f"pip install {editable}'{unquote(parts.path)}[{extra}]'"
