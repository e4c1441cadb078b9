"""What is built installs into clean environments and works there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from support.trial import Trial

ROOT = Path(__file__).resolve().parents[2]
PROBLEM = {
    "shots": [
        {"shot_id": "a", "scene_id": "one", "bars": 2, "score": 0.5},
        {"shot_id": "b", "scene_id": "one", "bars": 1, "score": 0.25},
        {"shotId": "c", "sceneId": "two", "bars": 1, "score": 0.75},
    ],
    "bar_count": 3,
    "hard_scene_limit": {"max_scenes": 2},
    "add_scene_mean": False,
}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--outdir", str(directory), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return next(directory.glob("*.whl"))


def install(wheel: Path, extra: str, directory: Path, *, python: Path = Path(sys.executable)) -> Path:
    """A clean environment with the wheel and one extra; gives its bin directory."""
    subprocess.run([python, "-m", "venv", directory], check=True)
    python = directory / "bin" / "python"
    command = [str(python), "-m", "pip", "install", "--quiet", f"{wheel}[{extra}]"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return python.parent


def run_in(binaries: Path, *arguments: object, directory: Path) -> str:
    command = [str(binaries / "moodcut"), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=directory)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_wheel_carries_what_it_must(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    for package in ("moodcut", "moodcut_kit", "moodcut_director", "moodcut_solver", "moodcut_training"):
        assert f"{package}/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert any(name.endswith("licenses/LICENSE-MODELS") for name in names)
    assert not [name for name in names if name.startswith("tests")]
    assert wheel.stat().st_size < 25e6


@pytest.mark.timeout(900)
def test_solver_alone(wheel: Path, tmp_path: Path) -> None:
    binaries = install(wheel, "solver", tmp_path / "venv")
    (tmp_path / "problem.json").write_text(json.dumps(PROBLEM))
    answer = json.loads(run_in(binaries, "solve", "problem.json", "--cross-check", directory=tmp_path))
    assert answer["status"] == "STATUS_OPTIMAL"
    assert [each["shot_id"] for each in answer["placements"]] == ["a", "c"]
    assert answer["cross_check"]["verdict"] == "VERDICT_AGREE"
    assert answer["gap"] == 0
    listing = subprocess.run(
        [binaries / "python", "-m", "pip", "list", "--format", "json"], capture_output=True, text=True, check=True
    )
    installed = {each["name"].lower() for each in json.loads(listing.stdout)}
    assert not installed & {
        "torch",
        "av",
        "onnxruntime",
        "opencv-python-headless",
        "imageio-ffmpeg",
        "librosa",
        "minio",
    }
    done = subprocess.run(
        [binaries / "moodcut", "segment", "music", "problem.json"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 1
    assert f"pip install '{wheel}[segmenter]'" in done.stderr
    assert "Traceback" not in done.stderr
    done = subprocess.run(
        [binaries / "moodcut", "store", "du", "--store", "s3://bucket"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "pip install 'moodcut[s3]'" in done.stderr


@pytest.mark.timeout(900)
def test_everything(wheel: Path, trial: Trial, tmp_path: Path) -> None:
    binaries = install(wheel, "all", tmp_path / "venv")
    doctor = json.loads(run_in(binaries, "doctor", "--json", directory=tmp_path))
    assert doctor["ok"], doctor
    text = run_in(
        binaries, "make", trial.film, trial.song, "-o", "out.mp4", "--duration", "8", "--store", "store", "--json",
        directory=tmp_path,
    )  # fmt: skip
    report = json.loads(text)
    assert (tmp_path / "out.mp4").stat().st_size > 10_000
    assert report["selection"]
    listing = subprocess.run(
        [binaries / "python", "-m", "pip", "list", "--format", "json"], capture_output=True, text=True, check=True
    )
    assert "torch" not in {each["name"].lower() for each in json.loads(listing.stdout)}


def newer_python() -> Path | None:
    """The newest interpreter on this machine that is newer than the one that runs the tests."""
    places = [Path(place) for place in os.environ["PATH"].split(os.pathsep)]
    places += sorted((Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions").glob("*/bin"))
    for minor in range(20, sys.version_info.minor, -1):
        for place in places:
            python = place / f"python3.{minor}"
            if python.exists():
                probe = [python, "-c", "import venv, ensurepip"]
                if subprocess.run(probe, capture_output=True, check=False, cwd="/").returncode == 0:
                    return python
    return None


@pytest.mark.timeout(900)
def test_everything_on_a_newer_python(wheel: Path, trial: Trial, tmp_path: Path) -> None:
    python = newer_python()
    if python is None:
        pytest.skip("no newer Python (with venv) is installed beside the one that runs the tests")
    binaries = install(wheel, "all", tmp_path / "venv", python=python)
    run_in(
        binaries, "make", trial.film, trial.song, "-o", "out.mp4", "--duration", "8", "--store", "store", "--detector",
        "adaptive", "--beats", "steady",
        directory=tmp_path,
    )  # fmt: skip
    assert (tmp_path / "out.mp4").stat().st_size > 10_000
