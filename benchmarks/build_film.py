"""Joins labelled clips into a film of known scenes.

    python benchmarks/build_film.py CLIPS/manifest.csv film.mp4 [--per-emotion 2] [--minutes 8] [--seed 1]
                                    [--size 426x240] [--exclude CLIP ...] [--exclude-group GROUP ...]

The manifest is a CSV with the columns file, emotion and group beside its files; those without a picture are passed
over. Every clip becomes one scene whose emotion is the clip's label. So many clips of every emotion are drawn at
random, then others until the film is long enough, each once before any comes again; their order is random too. A clip
may be left out by its file's name, and with all that were cut from the same source by its group: it can be the music.

film.truth.json beside the film says what it is made of: size, frame rate, and of each scene start_frame, end_frame,
start_seconds, end_seconds, emotion, clip and group. `moodcut make --scenes` reads it too. Picture and sound of every
clip are cut to whole frames, so these times are those of the joined file. Equal arguments draw the same film.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import imageio_ffmpeg

from moodcut_scorer import EMOTIONS
from moodcut_training.data import Clip, ManifestError, read_clips

SOUND_RATE = 44_100


class TooFewClipsError(ValueError):
    """The manifest does not have the clips that were asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Size in pixels and frames a second of a joined film."""

    width: int = 426
    height: int = 240
    fps: int = 25


def with_picture(clips: Sequence[Clip]) -> list[Clip]:
    """The clips that have one."""
    return [clip for clip in clips if picture_seconds(clip.path) is not None]


def picture_seconds(path: Path) -> float | None:
    """How long a file's picture lasts; None if it has none."""
    with av.open(str(path)) as container:
        return float(container.duration or 0) / 1e6 if container.streams.video else None


def draw_clips(
    clips: Sequence[Clip],
    *,
    seed: int,
    per_emotion: int = 2,
    exclude_files: Collection[str] = (),
    exclude_groups: Collection[str] = (),
    seconds: float = 0.0,
    clip_seconds: float = 30.0,
) -> list[Clip]:
    """Clips of a film in its order: ``per_emotion`` of every emotion, and more until they last ``seconds``.

    ``clip_seconds`` is what a clip lasts, more or less. Raises TooFewClipsError naming the emotion that lacks clips.
    """
    rng = random.Random(seed)
    able = [clip for clip in clips if clip.path.name not in exclude_files and clip.group not in exclude_groups]
    chosen: list[Clip] = []
    for index, emotion in enumerate(EMOTIONS):
        of_emotion = [clip for clip in able if clip.emotion == index]
        if len(of_emotion) < per_emotion:
            raise TooFewClipsError(f"{len(of_emotion)} clips of {emotion} may be used, but {per_emotion} are wanted")
        chosen += rng.sample(of_emotion, per_emotion)
    more = _walk([clip for clip in able if clip not in chosen], able, rng)
    while len(chosen) * clip_seconds < seconds:
        chosen.append(next(more))
    rng.shuffle(chosen)
    return chosen


def _walk(first: Sequence[Clip], then: Sequence[Clip], rng: random.Random) -> Iterator[Clip]:
    """``first`` in random order, and then all again and again in new orders."""
    if not then:
        raise TooFewClipsError("no clip is left to make a film of")
    yield from rng.sample(first, len(first))
    while True:
        yield from rng.sample(then, len(then))


def normalise(clip: Path, target: Path, shape: Shape, *, threads: int = 2) -> int:
    """Write a clip as a .mov file of this shape, its sound (or silence) as long as its picture to the sample.

    Returns its number of frames. The picture is scaled and framed in black, never stretched.
    """
    size = f"{shape.width}:{shape.height}"
    picture = (
        f"fps={shape.fps},scale={size}:force_original_aspect_ratio=decrease,"
        f"pad={size}:(ow-iw)/2:(oh-ih)/2,setsar=1,format=yuv420p"
    )
    silent = target.with_suffix(".silent.mov")
    # Without B-frames every file begins at zero, and joined files have no gaps.
    encoding = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-bf", "0", "-threads", str(threads))
    run_ffmpeg("-i", clip, "-map", "0:v:0", "-an", "-vf", picture, *encoding, "-g", str(2 * shape.fps), silent)
    with av.open(str(silent)) as container:
        frame_count = container.streams.video[0].frames
    with av.open(str(clip)) as container:
        heard = ("-i", clip) if container.streams.audio else ("-f", "lavfi", "-i", f"anullsrc=r={SOUND_RATE}")
    samples = round(Fraction(frame_count * SOUND_RATE, shape.fps))
    sound = f"aresample={SOUND_RATE},aformat=channel_layouts=stereo,apad,atrim=end_sample={samples}"
    copied = ("-map", "0:v", "-map", "1:a:0", "-c:v", "copy", "-af", sound, "-c:a", "pcm_s16le")
    run_ffmpeg("-i", silent, *heard, *copied, target)
    silent.unlink()
    return int(frame_count)


def build_film(clips: Sequence[Clip], target: Path, shape: Shape) -> dict[str, object]:
    """Join the clips in their order into ``target`` and write its truth beside it; returns the truth."""
    scenes: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory(prefix="moodcut-film-") as directory:
        made: dict[Path, tuple[Path, int]] = {}
        listing, at = [], 0
        for clip in clips:
            if clip.path not in made:
                part = Path(directory) / f"{len(made):04d}.mov"
                made[clip.path] = part, normalise(clip.path, part, shape)
            part, frame_count = made[clip.path]
            listing.append(f"file '{part}'\nduration {frame_count / shape.fps:.6f}\n")
            scenes.append(
                {
                    "start_frame": at,
                    "end_frame": at + frame_count,
                    "start_seconds": at / shape.fps,
                    "end_seconds": (at + frame_count) / shape.fps,
                    "emotion": EMOTIONS[clip.emotion],
                    "clip": clip.path.name,
                    "group": clip.group,
                }
            )
            at += frame_count
        parts = Path(directory) / "parts.txt"
        parts.write_text("".join(listing))
        joined = ("-f", "concat", "-safe", "0", "-i", parts, "-c:v", "copy", "-c:a", "aac", "-b:a", "128k")
        run_ffmpeg(*joined, "-movflags", "+faststart", target)
    truth: dict[str, object] = {
        "width": shape.width,
        "height": shape.height,
        "fps": shape.fps,
        "duration_seconds": at / shape.fps,
        "scenes": scenes,
    }
    target.with_suffix(".truth.json").write_text(json.dumps(truth, indent=1) + "\n")
    return truth


def run_ffmpeg(*arguments: str | Path) -> None:
    """Run ffmpeg; raises RuntimeError with its words if it fails."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", "-y", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"ffmpeg failed on {arguments[-1]}: {done.stderr.strip()}")


def main() -> int:
    """Entry of the script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("manifest", type=Path)
    parser.add_argument("film", type=Path)
    parser.add_argument("--per-emotion", type=int, default=2, metavar="N")
    parser.add_argument("--minutes", type=float, default=0.0, help="at least so long")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--size", default="426x240", metavar="WIDTHxHEIGHT")
    parser.add_argument("--fps", type=int, default=25)
    parser.add_argument("--exclude", nargs="*", default=[], metavar="CLIP")
    parser.add_argument("--exclude-group", nargs="*", default=[], metavar="GROUP")
    given = parser.parse_args()
    try:
        width, height = map(int, given.size.split("x"))
        clips = draw_clips(
            with_picture(read_clips(given.manifest)),
            seed=given.seed,
            per_emotion=given.per_emotion,
            exclude_files=given.exclude,
            exclude_groups=given.exclude_group,
            seconds=60 * given.minutes,
        )
        build_film(clips, given.film, Shape(width=width, height=height, fps=given.fps))
    except (ManifestError, TooFewClipsError, RuntimeError, ValueError, OSError) as error:
        print(f"build_film: {error}", file=sys.stderr)
        return 1
    print(f"{given.film}: {len(clips)} scenes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
