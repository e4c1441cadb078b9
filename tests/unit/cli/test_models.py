"""What `moodcut models list` prints."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from moodcut.app import cli
from moodcut.commands import models
from moodcut.hosting import ModelRow


def row(name: str, *, ready: bool) -> ModelRow:
    return ModelRow(
        name=name,
        purpose="what it is for",
        license="MIT",
        ready=ready,
        byte_count=3_200_000 if ready else 0,
        build_command="" if ready else "moodcut models build",
        required=True,
        changed_ns=0,
    )


def test_names_states_and_licences_stand_in_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [row("a-model-with-a-long-name.onnx", ready=True), row("b.onnx", ready=False)]
    monkeypatch.setattr(models, "list_models", lambda: rows)
    done = CliRunner().invoke(cli, ["models", "list"])
    assert done.exit_code == 0
    assert done.output.splitlines() == [
        "a-model-with-a-long-name.onnx     3.2 MB  what it is for",
        "                                          licence: MIT",
        "b.onnx                           missing  what it is for",
        "                                          licence: MIT",
        "                                          get it: moodcut models build",
    ]
