"""Group commit: one thread appends what many requests brought, syncs once, and answers them all.

`commit` returns when the rows are on disk. Full or old segments go to a second thread, which makes landing
files of them in order; while it fails (a full disk), it tries again, and segments wait where they are safe.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Condition, Thread

from sluice.ingest.landing import Landed, LandingZone
from sluice.ingest.segment import Segment, SegmentIds, date_of, frame
from sluice.ingest.settings import Settings

_GROUP_BYTES = 4 * 1024 * 1024
_RETRY_SECONDS = 1.0


class BusyError(RuntimeError):
    """The writer cannot take more now (503)."""


class NotDurableError(RuntimeError):
    """The rows could not be made durable; nothing of them was kept (503)."""


@dataclass(slots=True)
class _Waiting:
    rows: bytes
    count: int
    done: asyncio.Future[None]
    loop: asyncio.AbstractEventLoop


@dataclass(frozen=True, slots=True)
class Committed:
    """One group that was synced (or failed to be), for the metrics."""

    requests: int
    events: int
    size: int
    seconds: float
    error: str | None = None


@dataclass(frozen=True, slots=True)
class _Closed:
    path: Path
    durable_bytes: int


class Writer:
    """The two threads and what waits for them."""

    def __init__(
        self,
        zone: LandingZone,
        settings: Settings,
        on_commit: Callable[[Committed], None] = lambda _: None,
        on_landed: Callable[[Landed], None] = lambda _: None,
        on_problem: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._zone, self._settings = zone, settings
        self._on_commit, self._on_landed, self._on_problem = on_commit, on_landed, on_problem
        self._ids = SegmentIds(zone.last_id())
        self._changed = Condition()
        self._queue: deque[_Waiting] = deque()
        self._closed_segments: deque[_Closed] = deque()
        self._segment: Segment | None = None
        self._busy_since: float | None = None
        self._stopping = False
        self._appending_over = False
        self._landing_over = False
        self.queued_bytes = 0
        self.backlog_bytes = 0
        self.append_error: str | None = None
        self._failed_at = float("-inf")
        self.landing_error: str | None = None
        self._threads = [
            Thread(target=self._append_forever, name="append", daemon=True),
            Thread(target=self._land_forever, name="land", daemon=True),
        ]

    def start(self) -> None:
        """Start both threads."""
        for thread in self._threads:
            thread.start()

    async def commit(self, rows: bytes, count: int) -> None:
        """Return when the rows are durable; BusyError or NotDurableError when they are not."""
        loop = asyncio.get_running_loop()
        waiting = _Waiting(rows, count, loop.create_future(), loop)
        with self._changed:
            reason = self.refusal()
            if reason:
                raise BusyError(reason)
            self.queued_bytes += len(rows)
            self._queue.append(waiting)
            self._changed.notify_all()
        await waiting.done

    def refusal(self) -> str | None:
        """Why no more can be taken now, if so."""
        since = self._busy_since
        if self._stopping:
            return "the service is stopping"
        if self._appending_over or self._landing_over:
            return "a writer thread has died; restart the service"
        if self.queued_bytes > self._settings.queue_bytes:
            return "the writer lags: too many events wait for the disk"
        if since is not None and time.monotonic() - since > self._settings.lag_seconds:
            return "the writer lags: the disk does not answer"
        if self.backlog_bytes > self._settings.backlog_bytes:
            return f"landing lags: {self.landing_error or 'segments wait to become landing files'}"
        return None

    def failed_within(self, seconds: float) -> bool:
        """True when the last write failed, and that less than so many seconds ago."""
        return self.append_error is not None and time.monotonic() - self._failed_at < seconds

    def close(self) -> None:
        """Write what waits, land every segment, stop. What cannot land now is recovered by the next start."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        for thread in self._threads:
            if thread.is_alive():
                thread.join()

    # The appending thread.

    def _append_forever(self) -> None:
        try:
            while True:
                group = self._next_group()
                if group:
                    self._commit_group(group)
                self._rotate_if_due()
                if not group and self._stopping and not self._queue:
                    return
        finally:
            self._rotate()
            with self._changed:
                self._appending_over = True
                left, self._queue = list(self._queue), deque()
                self._changed.notify_all()
            _answer(left, "the writer has stopped")

    def _next_group(self) -> list[_Waiting]:
        """What waits, as much as one frame should hold; empty when the open segment is due or all is over."""
        group: list[_Waiting] = []
        with self._changed:
            while not self._queue and not self._stopping:
                if self._segment is None:
                    self._changed.wait()
                    continue
                left = self._segment.opened + self._settings.segment_seconds - time.monotonic()
                if left <= 0:
                    return group
                self._changed.wait(left)
            size = 0
            while self._queue and size < _GROUP_BYTES:
                group.append(self._queue.popleft())
                size += len(group[-1].rows)
            if group:
                self._busy_since = time.monotonic()
        return group

    def _commit_group(self, group: list[_Waiting]) -> None:
        rows = b"".join(waiting.rows for waiting in group)
        count = sum(waiting.count for waiting in group)
        began = time.monotonic()
        error: str | None = None
        try:
            self._rotate_at_midnight()
            self._open_segment().append(frame(rows, count))
            self.append_error = None
        except (
            Exception
        ) as failure:  # nothing may end this thread: every request in the group gets its answer
            error = str(failure) or type(failure).__name__
            self.append_error, self._failed_at = error, time.monotonic()
            if self._segment is not None and not self._segment.usable:
                self._rotate()
        with self._changed:
            self.queued_bytes -= len(rows)
            self._busy_since = None
        self._on_commit(Committed(len(group), count, len(rows), time.monotonic() - began, error))
        _answer(group, error)
        if error:
            self._on_problem(f"events could not be written: {error}")

    def _open_segment(self) -> Segment:
        if self._segment is None:
            segment_id = self._ids.next()
            while self._zone.target(segment_id).exists():
                segment_id = self._ids.next()
            self._segment = Segment(self._zone.ingest, segment_id)
        return self._segment

    def _rotate_at_midnight(self) -> None:
        if self._segment is not None and date_of(self._segment.id) != self._ids.today():
            self._rotate()

    def _rotate_if_due(self) -> None:
        segment, settings = self._segment, self._settings
        if segment is not None and (
            segment.durable_bytes >= settings.segment_bytes
            or time.monotonic() - segment.opened >= settings.segment_seconds
        ):
            self._rotate()

    def _rotate(self) -> None:
        """Hand the open segment over to the landing thread."""
        segment, self._segment = self._segment, None
        if segment is None:
            return
        segment.close()
        with self._changed:
            self._closed_segments.append(_Closed(segment.path, segment.durable_bytes))
            self.backlog_bytes += segment.durable_bytes
            self._changed.notify_all()

    # The landing thread.

    def _land_forever(self) -> None:
        try:
            self._land_until_over()
        finally:
            self._landing_over = True

    def _land_until_over(self) -> None:
        while True:
            with self._changed:
                while not self._closed_segments and not self._appending_over:
                    self._changed.wait()
                if not self._closed_segments:
                    return
                closed = self._closed_segments[0]
            if self._land(closed):
                with self._changed:
                    self._closed_segments.popleft()
                    self.backlog_bytes -= closed.durable_bytes
            elif self._wait_to_retry():
                return

    def _land(self, closed: _Closed) -> bool:
        try:
            landed = self._zone.land(closed.path, closed.durable_bytes)
        except Exception as failure:  # a full disk passes; the segment stays and is tried again
            self.landing_error = str(failure) or type(failure).__name__
            self._on_problem(f"{closed.path.name} could not be landed yet: {self.landing_error}")
            return False
        self.landing_error = None
        self._on_landed(landed)
        return True

    def _wait_to_retry(self) -> bool:
        """Wait a moment; True when the service stops, which leaves the segments to the next start."""
        with self._changed:
            self._changed.wait_for(lambda: self._appending_over, _RETRY_SECONDS)
            return self._appending_over


def _answer(group: list[_Waiting], error: str | None) -> None:
    """Wake every request of a group, once per event loop."""

    def wake(waiting: list[_Waiting]) -> None:
        for one in waiting:
            if one.done.done():
                continue
            if error is None:
                one.done.set_result(None)
            else:
                one.done.set_exception(NotDurableError(error))

    loops = {id(one.loop): one.loop for one in group}
    for loop in loops.values():
        # A loop that has been closed has nobody left to tell.
        if not loop.is_closed():
            loop.call_soon_threadsafe(wake, [one for one in group if one.loop is loop])
