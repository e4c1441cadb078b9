"""Generate the gRPC stubs from protos/ into kit/moodcut_kit/v1.

The package ``moodcut`` is the command line, so the stubs live in the kit and their imports are rewritten. With
``--check`` nothing is written; the exit code says whether the stubs are up to date.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from importlib import resources
from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent
PROTOS = ROOT / "protos"
TARGET = ROOT / "kit" / "moodcut_kit" / "v1"
INIT = '''"""Stubs generated from protos/ by `make protos`. Not to be edited.

The `*Servicer` classes are gRPC's own base classes: each method raises NotImplementedError until a service overrides
it, and every service overrides all of its own (tests/service/test_every_method.py).
"""
'''


def generate(directory: Path) -> dict[str, str]:
    """Generated files by name, imports rewritten from ``moodcut.v1`` to ``moodcut_kit.v1``."""
    well_known = resources.files("grpc_tools") / "_proto"
    names = sorted(str(path.relative_to(PROTOS)) for path in PROTOS.rglob("*.proto"))
    outputs = [f"--{kind}_out={directory}" for kind in ("python", "grpc_python", "mypy", "mypy_grpc")]
    scripts = Path(sys.executable).parent
    plugins = [f"--plugin=protoc-gen-{kind}={scripts / f'protoc-gen-{kind}'}" for kind in ("mypy", "mypy_grpc")]
    if protoc.main(["protoc", f"-I{PROTOS}", f"-I{well_known}", *plugins, *outputs, *names]) != 0:
        raise SystemExit("protoc failed; its messages are above")
    made = {"__init__.py": INIT}
    for path in sorted((directory / "moodcut" / "v1").iterdir()):
        text = path.read_text()
        text = re.sub(r"\bfrom moodcut\.v1 import", "from moodcut_kit.v1 import", text)
        text = re.sub(r"\bimport moodcut\.v1\.", "import moodcut_kit.v1.", text)
        made[path.name] = re.sub(r"\bmoodcut\.v1\.(\w+_pb2)", r"moodcut_kit.v1.\1", text)
    return made


def main() -> int:
    """Write the stubs, or check them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if the stubs are out of date")
    check = parser.parse_args().check
    with tempfile.TemporaryDirectory() as directory:
        made = generate(Path(directory))
    present = {path.name: path.read_text() for path in TARGET.glob("*.py*") if path.is_file()}
    if check:
        stale = sorted(name for name in made.keys() | present.keys() if made.get(name) != present.get(name))
        if stale:
            print(f"out of date: {', '.join(stale)}; run `make protos`", file=sys.stderr)
        return 1 if stale else 0
    TARGET.mkdir(parents=True, exist_ok=True)
    for name in present.keys() - made.keys():
        (TARGET / name).unlink()
    for name, text in made.items():
        (TARGET / name).write_text(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
