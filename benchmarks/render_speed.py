"""Time to render a montage against a plain ffmpeg transcode of as many seconds of the same film, in one run.

    python benchmarks/render_speed.py [--size 1280x720] [--repeats 3]

The film is generated. Both write H.264 with the renderer's preset, quality and number of threads, and AAC; the
transcode reads the film from its start without a cut. The median of the repeats counts.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import tempfile
import time
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from moodcut.demo import default_scenes, write_film, write_song
from moodcut_kit.time import ticks_nearest
from moodcut_kit.v1 import renderer_pb2
from moodcut_renderer import EncoderOptions, find_ffmpeg, make_plan, render
from moodcut_renderer.encode import encoder_arguments
from moodcut_renderer.picture import ColourTags


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default="1280x720")
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    width, height = map(int, given.size.split("x"))
    options = EncoderOptions()
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        film, song, output = directory / "film.mp4", directory / "song.wav", directory / "montage.mp4"
        truth = write_film(film, scenes=default_scenes(3)[:4], seed=3, size=(width, height))
        notes = write_song(song, bpm=112, bars=14, mood="excited", seed=3)
        rate = Fraction(truth.frame_rate)
        bounds = [round(each * notes.sample_rate) for each in notes.downbeats_seconds]
        ticks = [ticks_nearest(Fraction(each - bounds[0], notes.sample_rate), rate) for each in bounds]
        timeline = renderer_pb2.Timeline(music_start_pts=bounds[0], music_end_pts=bounds[-1])
        timeline.music_time_base.num, timeline.music_time_base.den = 1, notes.sample_rate
        timeline.frame_rate.num, timeline.frame_rate.den = rate.numerator, rate.denominator
        base = Fraction(truth.time_base)
        timeline.movie_frame_times.time_base.num = base.numerator
        timeline.movie_frame_times.time_base.den = base.denominator
        for step, count in truth.runs:
            timeline.movie_frame_times.runs.add(step=step, count=count)
        stride = (truth.frame_count - 80) // (len(ticks) - 1)
        for index, (start, end) in enumerate(pairwise(ticks)):
            timeline.clips.add(
                source_start_frame=index * stride,
                source_end_frame=index * stride + end - start,
                output_start_frame=start,
                frame_count=end - start,
            )
        plan = make_plan(timeline)
        plain = _plain_command(film, song, directory / "plain.mp4", plan.frame_count, rate, options, (width, height))
        times: dict[str, list[float]] = {"montage": [], "transcode": []}
        for _ in range(given.repeats):
            begun = time.perf_counter()
            for _progress in render(plan, movie=film, music=song, output=output, options=options):
                pass
            times["montage"].append(time.perf_counter() - begun)
            begun = time.perf_counter()
            subprocess.run(plain, check=True, cwd=directory)
            times["transcode"].append(time.perf_counter() - begun)
        montage, transcode = (statistics.median(times[key]) for key in ("montage", "transcode"))
        seconds = float(plan.frame_count / rate)
        print(f"{os.cpu_count()} cores, {given.size}, {seconds:.1f} s of output in {len(plan.clips)} clips")
        print(f"montage   {montage:6.2f} s  {plan.frame_count / montage:6.0f} frames/s")
        print(f"transcode {transcode:6.2f} s  {plan.frame_count / transcode:6.0f} frames/s")
        print(f"ratio     {montage / transcode:6.2f}")


def _plain_command(
    film: Path,
    song: Path,
    output: Path,
    frame_count: int,
    rate: Fraction,
    options: EncoderOptions,
    size: tuple[int, int],
) -> list[str]:
    """The renderer's own arguments with the film in place of raw frames and the song in place of raw sound."""
    ours = encoder_arguments(
        width=size[0],
        height=size[1],
        rate=rate,
        colours=ColourTags(matrix=1, primaries=1, transfer=1),
        sound_name="",
        sample_rate=44100,
        output_name=str(output),
        options=options,
    )
    encoding = ours[ours.index("-map") :]
    inputs = ["-i", str(film), "-i", str(song), "-frames:v", str(frame_count), "-shortest"]
    return [str(find_ffmpeg()), "-nostdin", "-hide_banner", "-loglevel", "error", *inputs, *encoding]


if __name__ == "__main__":
    main()
