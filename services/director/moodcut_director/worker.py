"""Takes montages off the queue and works on them under a lease.

Any replica may run any job. A worker that dies loses its lease when it ends; a worker that is told to stop gives its
jobs back. Only a state change that still holds the fencing token counts.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from moodcut_director.errors import LeaseLostError, MontageNotFoundError, TooManyAttemptsError
from moodcut_director.job import Job, Made
from moodcut_director.messages import in_users_words
from moodcut_director.montages import Montages, Progress, QueueItem
from moodcut_director.record import NewerSchemaError, Record, State
from moodcut_director.settings import DirectorSettings
from moodcut_director.steps import Services
from moodcut_kit.client import Caller
from moodcut_kit.contract import montage_prefix
from moodcut_kit.errors import MoodcutError

_log = logging.getLogger(__name__)
_PROGRESS_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class _Watch:
    """What a job and the keeper of its lease tell one another. ``lease_lost``: it ended before it could be renewed."""

    cancelled: threading.Event = field(default_factory=threading.Event)
    lease_lost: threading.Event = field(default_factory=threading.Event)
    done: threading.Event = field(default_factory=threading.Event)


class Worker:
    """Looks for work and does it, up to ``settings.job_limit`` jobs at once."""

    def __init__(self, montages: Montages, services: Services, settings: DirectorSettings) -> None:
        self._montages = montages
        self._services = services
        self._settings = settings
        self._holder = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self._stopped = threading.Event()
        self._wake = threading.Event()
        self._own: set[tuple[str, str]] = set()
        self._pool = ThreadPoolExecutor(settings.job_limit, thread_name_prefix="job")
        self._places = threading.BoundedSemaphore(settings.job_limit)
        self._thread = threading.Thread(target=self._look, name="queue", daemon=True)

    def start(self) -> None:
        """Begin to look for work."""
        self._thread.start()

    def stop(self) -> None:
        """Give back what is being worked on, and end."""
        self._stopped.set()
        self._wake.set()
        self._thread.join()
        self._pool.shutdown(wait=True)

    def expect(self, principal: str, montage_id: str) -> None:
        """A montage was asked for through this director: look for it now."""
        self._own.add((principal, montage_id))
        self._wake.set()

    def _look(self) -> None:
        while not self._stopped.is_set():
            self._wake.clear()
            try:
                for item in self._montages.queue():
                    self._consider(item)
            except Exception:
                _log.exception("looking for work failed; trying again")
            self._wake.wait(self._settings.poll_seconds)

    def _consider(self, item: QueueItem) -> None:
        """Take one montage up if it can be; whatever is wrong with it must not keep others waiting."""
        if self._settings.own_only and (item.principal, item.montage_id) not in self._own:
            return
        try:
            self._take_up(item)
        except MontageNotFoundError:
            self._montages.unqueue(item)
        except NewerSchemaError:
            pass  # A newer version of this director will see to it.
        except (MoodcutError, OSError):
            _log.exception("montage %s cannot be taken up now", item.montage_id)

    def _take_up(self, item: QueueItem) -> None:
        record, _ = self._montages.load(item.principal, item.montage_id)
        if record.state.ended:
            self._montages.unqueue(item)
            return
        now_seconds = self._montages.clock()
        if self._stopped.is_set() or not record.takeable(now_seconds=now_seconds):
            return
        if not self._places.acquire(blocking=False):
            return
        try:
            taken = self._take(item)
        except BaseException:
            self._places.release()
            raise
        if taken is None:
            self._places.release()
        else:
            self._pool.submit(self._work, item, taken)

    def _take(self, item: QueueItem) -> Record | None:
        """The montage under our lease, or None if another was faster."""

        def take(record: Record) -> Record:
            now_seconds = self._montages.clock()
            if not record.takeable(now_seconds=now_seconds):
                return record
            return record.taken(
                holder=self._holder, now_seconds=now_seconds, lease_seconds=self._settings.lease_seconds
            )

        before, _ = self._montages.load(item.principal, item.montage_id)
        record = self._montages.change(item.principal, item.montage_id, take)
        return record if record.holder == self._holder and record.token > before.token else None

    def _work(self, item: QueueItem, record: Record) -> None:
        watch = _Watch()
        keeper = threading.Thread(target=self._keep, args=(item, record.token, watch), daemon=True)
        keeper.start()
        try:
            self._run(item, record, watch)
        except LeaseLostError as error:
            _log.info("%s", error.message)
        except Exception:
            _log.exception("montage %s was left; it will be taken up again", item.montage_id)
        finally:
            watch.done.set()
            keeper.join()
            self._places.release()
            self._wake.set()

    def _run(self, item: QueueItem, record: Record, watch: _Watch) -> None:
        token, settings = record.token, self._settings

        def change(to: Callable[[Record], Record]) -> None:
            self._montages.change(item.principal, item.montage_id, to)

        try:
            if record.failure_count >= settings.attempt_limit:
                message = (
                    f"the montage was taken up {record.failure_count} times and never ended; see the servers' logs"
                )
                raise TooManyAttemptsError(message)
            made = self._job(item, token, watch.cancelled).run()
        except LeaseLostError:
            raise
        except MoodcutError as error:
            if self._stopped.is_set() or watch.lease_lost.is_set():
                change(lambda record: record.released(token=token))
                return
            overloaded = error.code == "RESOURCE_EXHAUSTED"
            passing = error.retryable or error.code == "CANCELLED"
            if passing and (overloaded or record.failure_count + 1 < settings.attempt_limit):
                _log.warning("montage %s: %s; trying again", item.montage_id, error.message)
                until_seconds = self._montages.clock() + settings.retry_seconds * (record.failure_count + 1)
                change(lambda record: record.postponed(token=token, until_seconds=until_seconds, failed=not overloaded))
                return
            request = self._montages.request(item.principal, item.montage_id)
            failure = in_users_words(error, (request.movie, request.music))
            change(lambda record: record.failed(token=token, error=failure))
        except Exception:
            _log.exception("montage %s failed", item.montage_id)
            internal = MoodcutError("internal error in the director; its log has the details")
            change(lambda record: record.failed(token=token, error=internal))
        else:
            self._finish(item, token, made)
        self._montages.unqueue(item)

    def _finish(self, item: QueueItem, token: int, made: Made) -> None:
        def succeed(record: Record) -> Record:
            return record.succeeded(
                token=token, result=made.result, relaxations=made.relaxations, stage_seconds=made.stage_seconds
            )

        self._montages.change(item.principal, item.montage_id, succeed)

    def _job(self, item: QueueItem, token: int, cancelled: threading.Event) -> Job:
        written_seconds, written_stage = 0.0, ""

        def on_state(state: State, stage_seconds: dict[str, float]) -> None:
            def advance(record: Record) -> Record:
                return record.advanced(token=token, state=state, stage_seconds=stage_seconds)

            self._montages.change(item.principal, item.montage_id, advance)

        def on_progress(progress: Progress) -> None:
            nonlocal written_seconds, written_stage
            now_seconds = time.monotonic()
            if now_seconds - written_seconds >= _PROGRESS_SECONDS or progress.stage != written_stage:
                written_seconds, written_stage = now_seconds, progress.stage
                try:
                    self._montages.put_progress(item.principal, item.montage_id, progress)
                except (MoodcutError, OSError) as error:
                    _log.warning("progress of montage %s was not written: %s", item.montage_id, error)

        return Job(
            store=self._montages.store,
            services=self._services,
            caller=Caller(cancelled=cancelled, patience_seconds=self._settings.patience_seconds),
            settings=self._settings,
            principal=item.principal,
            montage_id=item.montage_id,
            attempt_prefix=f"{montage_prefix(item.principal, item.montage_id)}attempts/{token:04d}/",
            request=self._montages.request(item.principal, item.montage_id),
            on_state=on_state,
            on_progress=on_progress,
        )

    def _keep(self, item: QueueItem, token: int, watch: _Watch) -> None:
        """Renew the lease; cancel the job when it is lost, when its user stops it, or when this worker stops."""
        lease_seconds = self._settings.lease_seconds
        next_seconds = time.monotonic() + lease_seconds / 3
        ends_seconds = time.monotonic() + lease_seconds

        def renew(record: Record) -> Record:
            return record.renewed(token=token, now_seconds=self._montages.clock(), lease_seconds=lease_seconds)

        while not watch.done.wait(0.1):
            now_seconds = time.monotonic()
            if self._stopped.is_set():
                watch.cancelled.set()
            if now_seconds < next_seconds:
                continue
            next_seconds = now_seconds + lease_seconds / 3
            try:
                self._montages.change(item.principal, item.montage_id, renew)
                ends_seconds = now_seconds + lease_seconds
            except (LeaseLostError, MontageNotFoundError):
                watch.cancelled.set()
                return
            except (MoodcutError, OSError):
                _log.warning("the lease of montage %s could not be renewed", item.montage_id, exc_info=True)
                if time.monotonic() > ends_seconds:
                    watch.lease_lost.set()
                    watch.cancelled.set()
