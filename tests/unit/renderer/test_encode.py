"""What ffmpeg is told, and how it is run."""

from __future__ import annotations

import stat
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest

from moodcut_kit.errors import CancelledError
from moodcut_kit.v1 import renderer_pb2
from moodcut_renderer import EncoderOptions, EncodingError, FfmpegMissingError, RenderOptionError, find_ffmpeg
from moodcut_renderer.encode import encoder_arguments
from moodcut_renderer.ffmpeg import FfmpegRun
from moodcut_renderer.picture import ColourTags


def test_options_have_defaults() -> None:
    assert EncoderOptions.from_message(renderer_pb2.RenderOptions()) == EncoderOptions(crf=20, preset="veryfast")
    given = renderer_pb2.RenderOptions(crf=30, preset="slow")
    assert EncoderOptions.from_message(given) == EncoderOptions(crf=30, preset="slow")
    assert EncoderOptions(crf=30).parameters() != EncoderOptions().parameters()


@pytest.mark.parametrize("given", [{"crf": 52}, {"crf": -1}, {"preset": "placebo"}, {"preset": "slow -f null"}])
def test_options_out_of_range_are_refused(given: dict[str, int | str]) -> None:
    with pytest.raises(RenderOptionError, match="must be"):
        EncoderOptions.from_message(renderer_pb2.RenderOptions(**given))  # type: ignore[arg-type]


def test_arguments_name_the_exact_rate_and_a_fixed_number_of_threads() -> None:
    arguments = encoder_arguments(
        width=640,
        height=360,
        rate=Fraction(24000, 1001),
        colours=ColourTags(matrix=6, primaries=5, transfer=1),
        sound_name="music.f32",
        sample_rate=48000,
        output_name="montage.mp4",
        options=EncoderOptions(),
    )
    pairs = dict(pairwise(arguments))
    assert pairs["-framerate"] == "24000/1001"
    assert pairs["-threads:v"].isdigit()
    assert pairs["-vf"] == "setparams=range=tv:colorspace=6:color_primaries=5:color_trc=1"
    assert arguments[-1] == "montage.mp4"


def test_ffmpeg_is_found_or_its_absence_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "imageio_ffmpeg" in str(find_ffmpeg())
    program = tmp_path / "ffmpeg"
    program.write_text("#!/bin/sh\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    assert find_ffmpeg() == program
    with pytest.raises(FfmpegMissingError, match="no ffmpeg program at"):
        find_ffmpeg(tmp_path / "none")


_RAW_INPUT = ("-f", "rawvideo", "-video_size", "16x16", "-pix_fmt", "gray", "-i", "pipe:0")
_NOWHERE = ("-f", "null", "-")


def write_many(run: FfmpegRun) -> None:
    """More than any pipe holds."""
    for _ in range(100_000):
        run.write(bytes(256))


def test_an_error_carries_the_last_line_ffmpeg_said(tmp_path: Path) -> None:
    arguments = [*_RAW_INPUT, "-c:v", "nosuch", "a.mp4"]
    with FfmpegRun(find_ffmpeg(), arguments, directory=tmp_path) as run, pytest.raises(EncodingError, match="ncoder"):
        write_many(run)


def test_frames_are_counted_by_the_encoder(tmp_path: Path) -> None:
    with FfmpegRun(find_ffmpeg(), [*_RAW_INPUT, *_NOWHERE], directory=tmp_path) as run:
        for _ in range(500):
            run.write(bytes(256))
        run.finish()
        assert run.frames_done == 500


def test_a_killed_run_says_it_was_cancelled(tmp_path: Path) -> None:
    with FfmpegRun(find_ffmpeg(), [*_RAW_INPUT, *_NOWHERE], directory=tmp_path) as run:
        run.write(bytes(256))
        run.kill()
        with pytest.raises(CancelledError):
            write_many(run)
    with pytest.raises(CancelledError):
        run.finish()


def test_leaving_early_ends_the_program(tmp_path: Path) -> None:
    with FfmpegRun(find_ffmpeg(), [*_RAW_INPUT, *_NOWHERE], directory=tmp_path) as run:
        run.write(bytes(256))
    with pytest.raises(CancelledError):
        run.write(bytes(256))
