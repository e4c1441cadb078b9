"""Where compiled code is kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from moodcut_solver import compiled


@pytest.fixture
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("NUMBA_CACHE_DIR", "MOODCUT_SOLVER_SEED_CACHE"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_beside_the_source_where_that_can_be_written(clean_environment: pytest.MonkeyPatch) -> None:
    clean_environment.setattr(compiled, "_writable", lambda directory: directory.endswith("__pycache__"))
    assert compiled._cache_directory() == ""


def test_in_the_users_cache_or_else_a_temporary_directory(
    clean_environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    clean_environment.setattr(compiled, "_writable", lambda directory: False)
    clean_environment.setattr(compiled.tempfile, "gettempdir", lambda: str(tmp_path))
    clean_environment.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    chosen = Path(compiled._cache_directory() or "")
    assert chosen == tmp_path / "home" / "moodcut" / "numba"
    assert chosen.stat().st_mode & 0o777 == 0o700
    chosen.chmod(0o777)
    chosen = Path(compiled._cache_directory() or "")
    assert chosen.parent == tmp_path
    chosen.chmod(0o777)
    assert compiled._cache_directory() is None


def test_a_cache_that_an_image_brings_is_copied(clean_environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seed, target = tmp_path / "seed" / "package", tmp_path / "cache"
    seed.mkdir(parents=True)
    for name in ("a.nbi", "a.1.nbc", "other.txt"):
        (seed / name).write_text(name)
    (target / "package").mkdir(parents=True, mode=0o700)
    target.chmod(0o700)
    (target / "package" / "a.nbi").write_text("newer")
    clean_environment.setenv("MOODCUT_SOLVER_SEED_CACHE", str(seed.parent))
    clean_environment.setenv("NUMBA_CACHE_DIR", str(target))
    assert compiled._cache_directory() == str(target)
    assert (target / "package" / "a.nbi").read_text() == "newer"
    assert (target / "package" / "a.1.nbc").read_text() == "a.1.nbc"
    assert sorted(path.name for path in (target / "package").iterdir()) == ["a.1.nbc", "a.nbi"]
