"""The `moodcut` command: its entry point, and how errors end it."""

from __future__ import annotations

import importlib
import logging
import os
import signal
import sys
from types import FrameType

import click

from moodcut_kit.errors import MoodcutError

EXIT_FAILED, EXIT_NO_SELECTION, EXIT_INTERRUPTED = 1, 3, 130

_COMMANDS = {
    "make": "Cut a film to a piece of music.",
    "segment": "Find shots and scenes in a film, or beats and bars in music.",
    "score": "Score each shot of a film against a piece of music.",
    "match": "Rank songs for a film, or films and scenes for a song.",
    "solve": "Choose shots for scores of your own.",
    "render": "Render a timeline kept by `make --keep`.",
    "serve": "Host the services.",
    "train": "Train a model of your own on labelled clips.",
    "models": "List and build the models.",
    "evaluate": "Judge a model on labelled clips.",
    "store": "Look into the object store and clean it up.",
    "doctor": "Say what is installed, what is missing and how to mend it.",
    "demo": "Write a film and a song of known truth to try moodcut with.",
}


class _LazyGroup(click.Group):
    """Imports a command's module when it is asked for, so that `moodcut --help` is quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(f"moodcut.commands.{cmd_name}")
        command = module.command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(
    cls=_LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "MOODCUT", "max_content_width": 100},
)
@click.version_option(package_name="moodcut")
@click.option("-v", "--verbose", is_flag=True, help="Log what is done, on stderr.")
def cli(verbose: bool) -> None:
    """Cut a film to a piece of music so that picture and sound carry the same emotion.

    \b
    Begin with:
      moodcut make film.mp4 song.mp3 -o montage.mp4

    Every option can also be set by an environment variable, such as MOODCUT_MAKE_STORE. Exit codes: 0 done, 1 failed,
    2 wrong usage, 3 no selection of shots fits, 130 interrupted.
    """
    logging.basicConfig(
        level=logging.INFO if verbose else logging.ERROR,
        stream=sys.stderr,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )


def _interrupt(signum: int, frame: FrameType | None) -> None:
    """Being told to end is being interrupted: what runs is given back."""
    raise KeyboardInterrupt


def main() -> None:
    """Run the command line. A user's mistake ends in one clear message and never in a traceback."""
    # What native libraries say of themselves is no news for the user.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        status = cli.main(prog_name="moodcut", standalone_mode=False)
        code = status if isinstance(status, int) else 0
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        # What runs in the background is cleaned up already; a second signal must not tear that apart.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        click.echo("interrupted", err=True)
        code = EXIT_INTERRUPTED
    except MoodcutError as error:
        click.echo(f"moodcut: {error.message}", err=True)
        code = EXIT_NO_SELECTION if error.reason == "NO_SELECTION" else EXIT_FAILED
    except BrokenPipeError:
        code = EXIT_FAILED
    except OSError as error:
        click.echo(f"moodcut: {error}", err=True)
        code = EXIT_FAILED
    except Exception as error:
        if logging.getLogger().isEnabledFor(logging.INFO):
            raise
        click.echo(f"moodcut: internal error: {error!r}; `moodcut -v ...` shows where", err=True)
        code = EXIT_FAILED
    sys.exit(code)
