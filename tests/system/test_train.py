"""`moodcut train` as a user runs it: real processes, Ctrl-C and going on."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support.command import COMMAND, run
from support.labelled_clips import make_clips

from moodcut.app import main

pytest.importorskip("torch", reason="torch is not installed: pip install moodcut[train]")

CONFIG = """
backbone = "tiny"
pretrained = false
manifest = "clips/manifest.csv"
output = "out"
cache = "cache"
epochs = {epochs}
frames_per_clip = 2
validation_share = 0.25
test_share = 0.25
tensorboard = false
"""
WITHOUT_TORCH = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
from moodcut.app import main
main()
"""


@pytest.fixture(scope="module")
def directory(ffmpeg: Callable[..., None], tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("train")
    make_clips(ffmpeg, directory / "clips", group_count=4)
    (directory / "run.toml").write_text(CONFIG.format(epochs=1))
    return directory


def test_interrupted_it_saves_and_goes_on(directory: Path) -> None:
    config = directory / "long.toml"
    config.write_text(CONFIG.format(epochs=100_000))
    process = subprocess.Popen(
        [*COMMAND, "train", str(config)], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        last = directory / "out" / "last.pt"
        end = time.monotonic() + 240
        while not last.exists() and time.monotonic() < end and process.poll() is None:
            time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode == 130, stderr
    assert stdout == ""
    assert "interrupted in epoch" in stderr
    assert f"Go on with: moodcut train {config}" in stderr
    assert "Traceback" not in stderr
    stdout, _ = run("train", config, "--set", "epochs=1", "--json")
    report = json.loads(stdout)
    assert report["resumed"]
    assert Path(report["model"]).is_file()
    assert report["audio"]["count"] > 0


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ((), 2, "name a CONFIG"),
        (("run.toml", "--set", "epochs"), 2, "write KEY=VALUE"),
        (("run.toml", "--set", "epochs=0"), 1, "epochs = 0 is out of range"),
        (("run.toml", "--set", "backbone=huge"), 1, 'backbone = "huge" is none of small, audioclip'),
        (("run.toml", "--set", "manifest=none.csv"), 1, "none.csv cannot be read"),
        (("run.toml", "--set", "with_text=false", "--export", "mine"), 1, "with_text = false trains none"),
        (("--example", "huge"), 1, "choose one of full"),
    ],
)
def test_a_users_mistakes_end_in_one_message(
    arguments: tuple[str, ...],
    code: int,
    words: str,
    directory: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """In this process: importing torch takes longer than all of them."""
    monkeypatch.chdir(directory)
    monkeypatch.setattr(sys, "argv", ["moodcut", "train", *arguments])
    monkeypatch.setattr(signal, "signal", lambda *_: signal.SIG_DFL)
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr()
    assert (ended.value.code, said.out) == (code, "")
    assert words in said.err
    assert "Traceback" not in said.err


def test_without_torch_it_says_what_to_install(directory: Path) -> None:
    command = [sys.executable, "-c", WITHOUT_TORCH, "train", str(directory / "run.toml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "training needs the package 'torch', which is not installed: pip install" in done.stderr
    assert "[train]'" in done.stderr
