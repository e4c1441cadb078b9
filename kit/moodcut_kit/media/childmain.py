"""The decoding process: ``python -m moodcut_kit.media.childmain``, started by :mod:`moodcut_kit.media.child`.

It takes its limits and its work from standard input, as pickles of its parent's, and writes records to standard output:
those of the work, and a last one that says how it ended. Light on purpose: every range of a film starts one.
"""

from __future__ import annotations

import os
import pickle
import signal
import socket
import sys
import traceback
from typing import Any

from moodcut_kit.errors import MoodcutError
from moodcut_kit.media.errors import MediaLimitError
from moodcut_kit.media.framing import ENDED, Record, pack
from moodcut_kit.media.limits import ProcessLimits, end_with
from moodcut_kit.media.rangeserver import remote_fetch
from moodcut_kit.media.source import RangeSource, Source


def main() -> None:
    """Do the work that standard input names."""
    records = os.dup(1)
    # Whatever a library prints must not come between the records.
    os.dup2(2, 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    limits: ProcessLimits = pickle.load(sys.stdin.buffer)
    limits.apply()
    given: tuple[Any, ...] = pickle.load(sys.stdin.buffer)
    work, source, arguments = given
    end_with(0)
    last: Record
    try:
        for record in work(_source(source), *arguments):
            if limits.memory_is_short():
                raise MemoryError
            _write(records, record)
        last = {ENDED: "well"}
    except MoodcutError as error:
        last = _description(_too_large(source[0], limits) if limits.memory_is_short() else error)
    except MemoryError:
        last = _description(_too_large(source[0], limits))
    except BrokenPipeError:
        os._exit(1)
    except Exception as error:
        traceback.print_exc()
        last = {ENDED: type(error).__name__, "message": str(error)[:1000]}
    _write(records, last)
    # Nothing is left to tidy up, and decoders' threads may take their time.
    sys.stderr.flush()
    os._exit(0)


def _source(given: tuple[Any, ...]) -> Source:
    """A path, or the name, the size and the socket of an object."""
    if len(given) == 1:
        return given[0]  # type: ignore[no-any-return]
    name, byte_count, handle = given
    return RangeSource(name, byte_count, remote_fetch(socket.socket(fileno=handle)))


def _too_large(name: object, limits: ProcessLimits) -> MediaLimitError:
    most = limits.max_memory_byte_count
    message = f"{name} takes more than {most >> 20} MiB of memory to decode, the most accepted."
    return MediaLimitError(message, file=name, max=most)


def _description(error: MoodcutError) -> Record:
    keys = list(error.metadata)
    return {
        ENDED: type(error).__name__,
        "message": error.message,
        "keys": [key.encode() for key in keys],
        "values": [error.metadata[key].encode("utf-8", "surrogatepass") for key in keys],
    }


def _write(pipe: int, record: Record) -> None:
    rest = memoryview(b"".join(pack(record)))
    while rest:
        rest = rest[os.write(pipe, rest) :]


if __name__ == "__main__":
    main()
