"""Byte ranges of an object for the decoding process, which has neither keys to the store nor need of a network."""

from __future__ import annotations

import logging
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress

from moodcut_kit.errors import UnavailableError
from moodcut_kit.media.source import MAX_FETCH_BYTE_COUNT, RangeSource

_log = logging.getLogger(__name__)
_REQUEST = struct.Struct("<QQ")
_ANSWER = struct.Struct("<Q")


class SourceLostError(UnavailableError):
    """The bytes of an object can no longer be had; the parent process knows why."""

    reason = "SOURCE_LOST"


class RangeServer:
    """Answers a child process's requests for bytes of ``source``, on a thread of its own.

    ``child_end`` is the socket to hand over. ``error`` is what fetching raised, if anything: then the child gets no
    more bytes. While the child works on what it got in a row, the next is fetched.
    """

    def __init__(self, source: RangeSource) -> None:
        self.child_end, self._own_end = socket.socketpair()
        self.error: Exception | None = None
        self._source = source
        self._next: tuple[int, int, bytes] | None = None
        self._thread = threading.Thread(target=self._serve, name=f"ranges of {source}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Serve no more. A request to the store that is under way ends by itself."""
        with suppress(OSError):
            self._own_end.shutdown(socket.SHUT_RDWR)
        self.child_end.close()

    def _serve(self) -> None:
        with self._own_end as own, suppress(EOFError, OSError):
            while True:
                offset, count = _REQUEST.unpack(receive(own, _REQUEST.size))
                if count > MAX_FETCH_BYTE_COUNT or offset + count > self._source.byte_count:
                    _log.warning("the decoder asked for bytes %d to %d of %s", offset, offset + count, self._source)
                    return
                data = self._ahead(offset, count)
                if data is None:
                    return
                own.sendall(_ANSWER.pack(len(data)))
                own.sendall(data)
                if count == MAX_FETCH_BYTE_COUNT:
                    self._look_ahead(offset + count)

    def _ahead(self, offset: int, count: int) -> bytes | None:
        """What was asked for, from what has been fetched already if that is it."""
        known, self._next = self._next, None
        if known is not None and known[:2] == (offset, count):
            return known[2]
        try:
            return self._source.fetch(offset, count)
        except Exception as error:  # Whatever a store raises is the parent's to see.
            self.error = error
            return None

    def _look_ahead(self, offset: int) -> None:
        count = min(MAX_FETCH_BYTE_COUNT, self._source.byte_count - offset)
        if count > 0:
            # If it fails it will be asked for again, or never.
            with suppress(Exception):
                self._next = (offset, count, self._source.fetch(offset, count))


def remote_fetch(server: socket.socket) -> Callable[[int, int], bytes]:
    """The child's side: fetches by asking the parent. Raises SourceLostError when there is no answer."""

    def fetch(offset: int, count: int) -> bytes:
        try:
            server.sendall(_REQUEST.pack(offset, count))
            (size,) = _ANSWER.unpack(receive(server, _ANSWER.size))
            return bytes(receive(server, size))
        except (EOFError, OSError) as error:
            raise SourceLostError("The file's bytes can no longer be had.") from error

    return fetch


def receive(connection: socket.socket, count: int) -> bytearray:
    """Exactly ``count`` bytes. Raises EOFError where the other side has closed."""
    data = bytearray(count)
    rest = memoryview(data)
    while rest:
        got = connection.recv_into(rest)
        if not got:
            raise EOFError
        rest = rest[got:]
    return data
