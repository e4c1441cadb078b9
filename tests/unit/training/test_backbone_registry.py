"""Backbones by name, and files that are no checkpoints."""

from __future__ import annotations

import pickle
from pathlib import Path
from types import SimpleNamespace

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install moodcut[train]")

from moodcut_training.backbones.checkpoint import load_state, read_state  # noqa: E402
from moodcut_training.backbones.errors import (  # noqa: E402
    CheckpointMismatchError,
    CheckpointMissingError,
    UnknownBackboneError,
)
from moodcut_training.backbones.registry import BackboneSpec, load_backbone  # noqa: E402


def test_unknown_names_list_what_there_is() -> None:
    with pytest.raises(
        UnknownBackboneError, match='backbone = "resnet" is none of small, audioclip, clip-clap, wav2clip, tiny'
    ):
        load_backbone(BackboneSpec("resnet"))


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (BackboneSpec("audioclip"), "`checkpoint`: AudioCLIP-Full-Training.pt"),
        (BackboneSpec("clip-clap", checkpoint="x"), "`audio_checkpoint`: a CLAP"),
        (BackboneSpec("clip-clap"), "`checkpoint`: a CLIP"),
        (BackboneSpec("wav2clip", checkpoint="x"), "`audio_checkpoint`: Wav2CLIP.pt"),
        (BackboneSpec("tiny"), "`checkpoint`: a state dictionary.*pretrained = false"),
        (BackboneSpec("audioclip", checkpoint="no/A.pt"), "checkpoint: there is no file /.*no/A.pt.*AudioCLIP-Full"),
        (
            BackboneSpec("wav2clip", checkpoint="x", audio_checkpoint="W.pt"),
            "audio_checkpoint: there is no file /.*W.pt",
        ),
        (BackboneSpec("tiny", checkpoint="none.pt"), "checkpoint: there is no file /.*none.pt"),
        (BackboneSpec("wav2clip", random_weights=True), "`checkpoint`: CLIP ViT-B/32"),
    ],
)
def test_checkpoints_that_are_not_named(spec: BackboneSpec, message: str) -> None:
    with pytest.raises(CheckpointMissingError, match=message):
        load_backbone(spec)


@pytest.mark.parametrize("name", ["audioclip", "tiny"])
def test_options_that_a_backbone_does_not_take(name: str) -> None:
    with pytest.raises(UnknownBackboneError, match=f"{name} takes no audio_checkpoint"):
        load_backbone(BackboneSpec(name, audio_checkpoint="music.pt", random_weights=True))


def test_tensors_are_read_in_both_formats_and_nothing_else(tmp_path: Path) -> None:
    state = {"a.weight": torch.arange(6.0).reshape(2, 3).T, "b": torch.nn.Parameter(torch.ones(2)), "epoch": 3}
    for zipped in (True, False):
        path = tmp_path / f"{zipped}.pt"
        torch.save(state, path, _use_new_zipfile_serialization=zipped)
        found = read_state(path)
        assert list(found) == ["a.weight", "b"]
        torch.testing.assert_close(found["a.weight"], state["a.weight"])


class _Runs:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.path,)


def test_a_checkpoint_runs_no_code(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    path = tmp_path / "bad.pt"
    torch.save({"state_dict": {"w": torch.ones(1)}, "more": _Runs(mark), "options": SimpleNamespace(a=[1])}, path)
    assert list(read_state(path)) == ["w"]
    assert not mark.exists()


@pytest.mark.parametrize("content", [b"", b"nothing of the kind", pickle.dumps([1, 2]), b"PK\x03\x04broken"])
def test_files_that_are_no_checkpoints(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "file.pt"
    path.write_bytes(content)
    with pytest.raises(CheckpointMismatchError, match="not a readable PyTorch checkpoint"):
        read_state(path)


def test_a_file_without_named_tensors(tmp_path: Path) -> None:
    torch.save([torch.ones(1)], tmp_path / "list.pt")
    with pytest.raises(CheckpointMismatchError, match="without named tensors"):
        read_state(tmp_path / "list.pt")


def test_only_the_first_names_are_shown_and_half_precision_is_converted() -> None:
    network = torch.nn.Sequential(*(torch.nn.Linear(2, 2) for _ in range(3)))
    with pytest.raises(CheckpointMismatchError, match=r"6 missing \(0.weight, 0.bias, 1.weight, \.\.\.\)"):
        load_state(network, {}, source="nothing")
    state = {name: torch.full_like(tensor, 0.5).half() for name, tensor in network.state_dict().items()}
    load_state(
        network, {**state, "extra.a": torch.ones(1), "old": torch.ones(1)}, source="x", ignored=("extra.", "old")
    )
    assert network[0].weight.dtype == torch.float32
    assert network[2].bias.sum().item() == 1.0
