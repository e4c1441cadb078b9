"""A film's whole analysis against FFmpeg's decoding alone: time and memory.

Rule: for each film and detector a fresh process runs `analyze_movie` (decoding, shots, samples, sound, scenes,
keyframes; imports do not count, loading the models does) on all cores, and its peer is
`ffmpeg -i FILE -map 0:v -f null -` with the same cores; medians of --repeats runs, alternating. "ratio" is their
quotient, "frames a shot" says how often the film cuts. Memory is the largest sum of resident memory of the process and
the one that decodes for it, looked at 20 times a second. Without films it makes one (moodcut demo, 1280x720).

    python benchmarks/film_speed.py [FILM...] [--detector transnetv2-fast]... [--repeats 3] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import imageio_ffmpeg
from measuring import machine

from moodcut.demo import default_scenes, write_film

_LOOK_SECONDS = 0.05
_WORK = """
import json, sys, time
from pathlib import Path
from moodcut_segmenter import Detector, MovieOptions, analyze_movie
began = time.perf_counter()
result = analyze_movie(Path(sys.argv[1]), MovieOptions(detector=Detector(sys.argv[2]))).result
seconds = time.perf_counter() - began
print(json.dumps([seconds, result.index.times.frame_count, len(result.shots), len(result.scenes)]))
"""


def ffmpeg_seconds(path: Path) -> float:
    """Seconds FFmpeg takes to decode the picture."""
    words = [
        imageio_ffmpeg.get_ffmpeg_exe(),
        "-nostdin",
        "-v",
        "error",
        "-i",
        str(path),
        "-map",
        "0:v:0",
        "-f",
        "null",
        "-",
    ]
    began = time.perf_counter()
    subprocess.run(words, check=True)
    return time.perf_counter() - began


def resident_bytes(process_id: int) -> int:
    """Resident memory of a process and all that it has started; 0 where the system does not say."""
    try:
        status = Path(f"/proc/{process_id}/status").read_text(encoding="ascii")
        # A process belongs to the thread that started it.
        threads = Path(f"/proc/{process_id}/task").glob("*/children")
        children = [child for each in threads for child in each.read_text(encoding="ascii").split()]
    except OSError:
        return 0
    own = sum(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmRSS"))
    return own + sum(resident_bytes(int(each)) for each in children)


def analysis(path: Path, detector: str) -> tuple[list[float], int]:
    """[seconds, frames, shots, scenes] and the peak of memory in bytes."""
    process = subprocess.Popen([sys.executable, "-c", _WORK, str(path), detector], stdout=subprocess.PIPE, text=True)
    peak = 0
    while process.poll() is None:
        peak = max(peak, resident_bytes(process.pid))
        time.sleep(_LOOK_SECONDS)
    assert process.stdout is not None
    found = process.stdout.read()
    if process.returncode:
        raise SystemExit(f"analysing {path} failed")
    return json.loads(found), peak


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("films", type=Path, nargs="*")
    parser.add_argument("--detector", action="append", dest="detectors", help="may be repeated")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path, help="write the rows here as well")
    arguments = parser.parse_args()
    rows = []
    print(machine())
    print(f"{'film':20} {'detector':22} {'frames':>7} {'shots':>6} {'frames a shot':>13} {'ffmpeg s':>9}"
          f" {'moodcut s':>10} {'ratio':>6} {'frames/s':>9} {'MB':>6}")  # fmt: skip
    with tempfile.TemporaryDirectory() as directory:
        films = arguments.films
        if not films:
            films = [Path(directory) / "film.mp4"]
            write_film(films[0], scenes=default_scenes(3, shots_per_scene=2), seed=3, size=(1280, 720))
        for path in films:
            for detector in arguments.detectors or ["transnetv2-fast"]:
                peers, ours, peak = [], [], 0
                for _ in range(arguments.repeats):
                    peers.append(ffmpeg_seconds(path))
                    (seconds, frames, shots, scenes), memory = analysis(path, detector)
                    ours.append(seconds)
                    peak = max(peak, memory)
                peer, own = statistics.median(peers), statistics.median(ours)
                rows.append({"film": path.name, "detector": detector, "frames": frames, "shots": shots,
                             "scenes": scenes, "ffmpeg_seconds": peer, "seconds": own, "peak_bytes": peak})  # fmt: skip
                print(f"{path.name[:20]:20} {detector:22} {frames:7} {shots:6} {frames / shots:13.1f} {peer:9.2f}"
                      f" {own:10.2f} {own / peer:6.2f} {frames / own:9.1f} {peak / 1e6:6.0f}", flush=True)  # fmt: skip
    if arguments.json:
        arguments.json.write_text(json.dumps(rows), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
