"""`moodcut render`: a timeline to a video file."""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path

import click
from google.protobuf import json_format

from moodcut.console import stage_progress
from moodcut.files import whole_file
from moodcut.media import register
from moodcut.params import INPUT_FILE, OUTPUT_FILE, checked_mp4, store_option
from moodcut.services import local_services
from moodcut_kit.contract import LOCAL_PRINCIPAL, owner_prefix
from moodcut_kit.errors import InvalidArgumentError
from moodcut_kit.v1 import renderer_pb2

_RENDER_SECONDS = 4 * 3600.0


class TimelineFileError(InvalidArgumentError):
    """The timeline file is no Timeline, or it belongs to other media."""

    reason = "TIMELINE_INVALID"


@click.command(name="render")
@click.argument("timeline", type=INPUT_FILE)
@click.option("--movie", type=INPUT_FILE, required=True, help="The film the timeline was made from.")
@click.option("--music", type=INPUT_FILE, required=True, help="The music the timeline was made for.")
@click.option("-o", "--output", type=OUTPUT_FILE, required=True, help="The montage, an .mp4 file.")
@click.option(
    "--crf", type=click.IntRange(1, 51), help="Quality of the picture (x264), lower is better.  [default: 20]"
)
@store_option
def command(timeline: Path, movie: Path, music: Path, output: Path, crf: int | None, store: str | None) -> None:
    """Render TIMELINE, the timeline.json that `moodcut make --keep DIR` writes.

    \b
    Example:
      moodcut render kept/timeline.json --movie film.mp4 --music song.mp3 -o again.mp4
    """
    checked_mp4(output, timeline, movie, music)
    message = _read(timeline)
    with local_services(store, "renderer") as local:
        for role, path, expected in (("film", movie, message.movie_sha256), ("music", music, message.music_sha256)):
            if register(local.store, path).sha256 != expected:
                raise TimelineFileError(f"{path} is not the {role} that {timeline} was made with", path=path)
        prefix = f"{owner_prefix(LOCAL_PRINCIPAL)}uploads/render-{uuid.uuid4().hex}/"
        local.store.put(f"{prefix}timeline.pb", message.SerializeToString(deterministic=True))
        request = renderer_pb2.RenderMontageRequest(
            principal=LOCAL_PRINCIPAL,
            timeline_key=f"{prefix}timeline.pb",
            output_prefix=prefix,
            options=renderer_pb2.RenderOptions(crf=crf or 0),
        )
        last = renderer_pb2.RenderMontageResponse()
        with stage_progress() as progress:

            def on_message(response: renderer_pb2.RenderMontageResponse) -> None:
                last.CopyFrom(response)
                progress.update("render", response.frames_done / max(1, response.frame_count))

            local.caller.stream(
                local.renderer.RenderMontage, request, timeout_seconds=_RENDER_SECONDS, on_message=on_message
            )
        with local.store.open_path(last.video_key) as path, path.open("rb") as made, whole_file(output) as target:
            shutil.copyfileobj(made, target)
        for info in list(local.store.list(prefix)):
            local.store.delete(info.key)
    click.echo(str(output))


def _read(path: Path) -> renderer_pb2.Timeline:
    try:
        return json_format.Parse(path.read_text(encoding="utf-8"), renderer_pb2.Timeline())
    except (json_format.ParseError, UnicodeDecodeError) as error:
        raise TimelineFileError(f"{path} is no timeline: {error}", path=path) from error
