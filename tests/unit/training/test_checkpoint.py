"""Checkpoints hold generators and optimiser, and load nothing but values."""

from __future__ import annotations

import pickle
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install moodcut[train]")

from moodcut_training.checkpoint import (  # noqa: E402
    Progress,
    load_checkpoint,
    random_state,
    read_checkpoint,
    restore_random_state,
    save_checkpoint,
)
from moodcut_training.determinism import deterministic  # noqa: E402
from moodcut_training.errors import CheckpointError  # noqa: E402


def draws() -> list[float]:
    return [random.random(), float(np.random.random()), float(torch.rand(())), float(np.random.normal())]  # noqa: NPY002


def test_generators_go_on_where_they_were(tmp_path: Path) -> None:
    draws()
    torch.save(random_state(), tmp_path / "state.pt")
    expected = [draws(), draws()]
    restore_random_state(torch.load(tmp_path / "state.pt", weights_only=True))
    assert [draws(), draws()] == expected


def test_seeding_leaves_the_callers_generators_alone() -> None:
    restore_random_state(random_state())
    before = random_state()
    with deterministic(3):
        first = draws()
        assert torch.are_deterministic_algorithms_enabled()
    assert not torch.are_deterministic_algorithms_enabled()
    expected = draws()
    restore_random_state(before)
    assert draws() == expected
    with deterministic(3):
        assert draws() == first


def trained(steps: int, *, seed: int = 0) -> tuple[Any, Any]:
    torch.manual_seed(seed)
    layer = torch.nn.Linear(3, 2)
    optimiser = torch.optim.Adam(layer.parameters(), lr=0.1)
    for step in range(steps):
        go_on(layer, optimiser, step)
    return layer, optimiser


def go_on(layer: Any, optimiser: Any, step: int) -> None:
    optimiser.zero_grad()
    layer(torch.full((1, 3), float(step + 1))).square().sum().backward()
    optimiser.step()


def test_the_optimisers_moments_are_kept(tmp_path: Path) -> None:
    path, description = tmp_path / "a.pt", {"seed": 0, "epochs": 3}
    layer, optimiser = trained(2)
    progress = Progress(epoch=1, batch_count=4, step=9, best_epoch=0, best_value=0.25)
    save_checkpoint(path, network=layer, optimiser=optimiser, progress=progress, description=description)
    other, another = trained(0, seed=5)
    assert load_checkpoint(path, network=other, optimiser=another, description=description | {"epochs": 9}) == progress
    for network, steps in ((layer, optimiser), (other, another)):
        go_on(network, steps, 2)
    assert torch.equal(layer.weight, other.weight)
    assert [each.name for each in tmp_path.iterdir()] == ["a.pt"]
    with pytest.raises(CheckpointError, match=r"other settings: seed: 0 -> 1\."):
        load_checkpoint(path, network=other, optimiser=another, description={"seed": 1, "epochs": 3})
    with pytest.raises(CheckpointError, match="does not fit this network"):
        load_checkpoint(path, network=torch.nn.Linear(4, 2), optimiser=another, description=description)


class Harmful:
    """What a pickle can do when it is loaded."""

    def __reduce__(self) -> Any:
        return (print, ("harm",))


def test_nothing_but_values_is_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.save({"version": 1, "network": Harmful()}, tmp_path / "harmful.pt")
    (tmp_path / "old.pt").write_bytes(pickle.dumps(Harmful()))
    torch.save({"version": 99}, tmp_path / "newer.pt")
    for name, words in (("harmful", "damaged"), ("old", "damaged"), ("newer", "of this version"), ("none", "no check")):
        with pytest.raises(CheckpointError, match=words):
            read_checkpoint(tmp_path / f"{name}.pt")
    assert capsys.readouterr().out == ""
