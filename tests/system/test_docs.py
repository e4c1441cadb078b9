"""The commands that the README and the docs show do what they say.

Every line of a ``sh`` block is either run here, in the order it stands and in one directory, or it is named in
``NOT_RUN`` with the reason.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.command import serving
from support.labelled_clips import make_clips
from support.trial import Trial

from moodcut.demo import write_song

ROOT = Path(__file__).resolve().parents[2]
PAGES = ["README.md", "docs/user-guide.md", "docs/operations.md", "docs/training.md"]
NOT_RUN = {
    r"make (demo|test)": "make demo and make test are run by hand and by .ci/run",
    r"moodcut serve \w+": "servers; tests/system/test_services.py runs each of them",
    r"--server localhost": "needs the server of the line before; below it is run against one",
    r"moodcut train full\.toml": "needs AudioCLIP's published weights",
    r"moodcut models build": "downloads packages; `make models` has just run it",
}


def shown_commands(page: str) -> list[str]:
    """Lines of the page's sh blocks, continued lines joined, comments left out."""
    blocks = re.findall(r"^```sh\n(.*?)^```", (ROOT / page).read_text(), re.DOTALL | re.MULTILINE)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    return [line.partition("  # ")[0].partition("    #")[0].strip() for line in lines if line.strip()]


@pytest.fixture
def directory(trial: Trial, tmp_path: Path) -> Path:
    """Where a user with film.mp4 and song.mp3 would stand; the analyses of earlier tests are at hand."""
    shutil.copy(trial.film, tmp_path / "film.mp4")
    shutil.copy(trial.song, tmp_path / "song.mp3")
    write_song(tmp_path / "other.mp3", bpm=70, bars=5, mood="sad", seed=6)
    problem = '{"shots": [{"shot_id": "a", "scene_id": "s", "bars": 2, "score": 1}], "bar_count": 2}'
    (tmp_path / "problem.json").write_text(problem)
    (tmp_path / "scenes.json").write_text("[0, 2.5]")
    (tmp_path / "clips.csv").write_text("file,emotion,group\nfilm.mp4,sad,film\nsong.mp3,sad,song\n")
    event = "001  AX  V  C  00:00:00:00 00:00:{length}:00 01:00:{start}:00 01:00:{end}:00\n"
    events = [event.format(length="03", start=f"{at:02}", end=f"{at + 3:02}") for at in (0, 3)]
    (tmp_path / "scenes.edl").write_text("TITLE: SCENES\n" + "".join(events))
    (tmp_path / "song.beats").write_text("".join(f"{0.5 + beat / 2}\t{beat % 4 + 1}\n" for beat in range(24)))
    return tmp_path


def run_shown(command: str, directory: Path, trial: Trial) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        **{f"MOODCUT_{name}_STORE": str(trial.store) for name in ("MAKE", "MATCH", "SCORE", "RENDER", "DOCTOR")},
        **{f"MOODCUT_SEGMENT_{name}_STORE": str(trial.store) for name in ("MOVIE", "MUSIC")},
        **{f"MOODCUT_STORE_{name}_STORE": str(trial.store) for name in ("DU", "GC")},
    }
    command, _, target = command.partition(" > ")
    words = [word.removeprefix(".venv/bin/") for word in shlex.split(command)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=directory, env=environment)
    if target:
        (directory / target).write_text(done.stdout)
    return done


@pytest.mark.parametrize("page", PAGES)
def test_commands_of(page: str, directory: Path, trial: Trial, ffmpeg: Callable[..., None]) -> None:
    commands = shown_commands(page)
    assert commands
    if page == "docs/training.md":
        pytest.importorskip("torch", reason="torch is not installed: pip install moodcut[train]")
        make_clips(ffmpeg, directory / "clips", group_count=3)
    (directory / "kept").mkdir()
    keep = run_shown("moodcut make film.mp4 song.mp3 --dry-run --keep kept", directory, trial)
    assert keep.returncode == 0, keep.stderr
    for command in commands:
        if any(re.search(pattern, command) for pattern in NOT_RUN):
            continue
        done = run_shown(command, directory, trial)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr


def test_the_readmes_server_and_client(directory: Path, trial: Trial) -> None:
    shown = [line for line in shown_commands("README.md") if "--server" in line]
    assert len(shown) == 1
    with serving("all", "--store", trial.store, log=directory / "all.log") as address:
        done = run_shown(shown[0].replace("localhost:50050", address), directory, trial)
    assert done.returncode == 0, done.stderr
    assert (directory / "montage.mp4").stat().st_size > 0
