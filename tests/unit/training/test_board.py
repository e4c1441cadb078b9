"""What is said where TensorBoard is missing; that scalars arrive is tested with whole runs."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="torch is not installed: pip install moodcut[train]")

from moodcut_training.board import Board
from moodcut_training.errors import TensorBoardMissingError


def test_without_tensorboard_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(TensorBoardMissingError, match=r"pip install 'moodcut\[train\]', or set tensorboard = false"):
        Board(tmp_path)
    with Board(None) as board:
        board.scalars({"loss": 1.0}, 1)
    assert list(tmp_path.iterdir()) == []
