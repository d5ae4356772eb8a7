"""The buffers between broker and disk: when a batch is due, what a failed landing means, when to stop
taking more.

Knows no broker. A source calls `begin` for each partition it is given, `take` for what it reads, `flush`
now and then, and obeys: `Reread` says that a partition must be read again from a position, `full` says to
pause.
"""

import errno
import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from sluice.streams.disk import BusyError, Disk
from sluice.streams.lander import HoleError, Lander, Landing
from sluice.streams.names import Place, Position
from sluice.streams.record import Landed
from sluice.streams.rows import Encoder, Message, Odd
from sluice.streams.telemetry import Telemetry
from sluice.streams.torn import Torn

MEND_SECONDS = 5.0
"""How often the sources look for files that were cut short."""
ONCE_PATIENCE_SECONDS = 60.0
"""How long a single pass waits for the first partition."""
_RETRY_SECONDS = 1.0
_OVERHEAD = 100  # bytes in memory for each message beyond its value
_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EMFILE, errno.ENFILE}


class NoPartitionError(Exception):
    """A single pass found nothing to read in time."""

    def __init__(self, topics: list[str], address: str) -> None:
        super().__init__(
            f"no partition of {', '.join(topics)} within {ONCE_PATIENCE_SECONDS:.0f} s at {address}:"
            " is the broker there, and such a topic?"
        )


@dataclass(frozen=True)
class Limits:
    """When a batch lands, and how much may wait in memory and on disk."""

    messages: int = 50_000
    bytes: int = 16 << 20
    seconds: float = 1.0
    memory: int = 128 << 20
    min_free: int = 256 << 20


@dataclass
class Buffer:
    """What one partition has read and not landed."""

    lander: Lander
    landed: Landed
    after: Position | None
    seen: Position | None
    messages: list[Message] = field(default_factory=list)
    bytes: int = 0
    since: float = 0.0
    passed: Position | None = None
    """Up to here, the broker has nothing more."""
    is_held: bool = False

    def clear(self) -> None:
        """Forget what is waiting; everything up to `landed.last` has landed."""
        self.messages, self.bytes, self.after = [], 0, self.landed.last


@dataclass(frozen=True)
class Reread:
    """The partition must be read again, from just after what has landed."""

    place: Place
    landed: Landed


@dataclass(frozen=True)
class Done:
    """A batch has landed: the broker may be told."""

    place: Place
    landing: Landing


class Intake:
    """The buffers of all partitions this process reads."""

    def __init__(
        self,
        make_lander: Callable[[Place], Lander],
        encoder: Encoder,
        limits: Limits,
        telemetry: Telemetry,
        disk: Disk | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._make_lander = make_lander
        self._encoder = encoder
        self._limits = limits
        self._telemetry = telemetry
        self._disk = disk or Disk()
        self._clock = clock
        self._buffers: dict[Place, Buffer] = {}
        self._retry_at = 0.0
        self._free_checked_at = float("-inf")
        self._short_of_disk = False

    @property
    def places(self) -> list[Place]:
        """The partitions being read."""
        return list(self._buffers)

    def lander(self, place: Place) -> Lander:
        """The partition's way onto the disk, also before `begin`."""
        buffer = self._buffers.get(place)
        return buffer.lander if buffer else self._make_lander(place)

    def begin(self, place: Place, landed: Landed, lander: Lander) -> None:
        """The partition is ours now; reading starts just after what has landed."""
        self._buffers[place] = Buffer(lander, landed, landed.last, landed.last)

    def landed(self, place: Place) -> Landed:
        """What has landed of a partition, as far as this process knows."""
        return self._buffers[place].landed

    def seen(self, place: Place) -> Position | None:
        """The newest position taken, landed or not."""
        return self._buffers[place].seen

    def waiting_at(self, place: Place) -> list[Message]:
        """What a partition has read and not landed."""
        return self._buffers[place].messages

    def hold(self, place: Place, keep: list[Message] | None = None) -> None:
        """Land nothing of a partition until `begin`, unless it is forced; of what waits, only `keep` is to land."""
        buffer = self._buffers[place]
        buffer.is_held = True
        if keep is not None:
            buffer.messages = keep

    def pass_over(self, place: Place, position: Position) -> None:
        """The broker has nothing up to this position but what was taken: what is missing are not messages."""
        buffer = self._buffers[place]
        if buffer.seen is not None and position > buffer.seen:
            buffer.seen = buffer.passed = position
            if not buffer.messages:
                self._note_passed(buffer)

    def _note_passed(self, buffer: Buffer) -> None:
        landed = buffer.landed
        if buffer.passed is None or landed.last is None or buffer.passed <= landed.last:
            return
        try:
            buffer.landed = buffer.lander.pass_over(landed, buffer.passed)
        except (BusyError, HoleError, OSError):
            return  # what lands next, or the next end of the partition, tells again
        buffer.after = buffer.landed.last

    def has(self, place: Place) -> bool:
        """Whether the partition is ours."""
        return place in self._buffers

    def take(self, place: Place, messages: Iterable[Message]) -> int:
        """Add messages in the order the broker gave them; those seen before are dropped. How many were
        dropped."""
        buffer = self._buffers[place]
        fresh = [*messages]
        count = len(fresh)
        if fresh and buffer.seen is not None and fresh[0].position <= buffer.seen:
            fresh = [message for message in fresh if message.position > buffer.seen]
        if not buffer.messages:
            buffer.since = self._clock()
        if fresh:
            buffer.seen = fresh[-1].position
            buffer.bytes += sum([len(message.value or b"") for message in fresh]) + _OVERHEAD * len(fresh)
            buffer.messages += fresh
        dropped = count - len(fresh)
        if dropped:
            self._telemetry.redelivered(place, dropped)
        return dropped

    def flush(self, place: Place | None = None, force: bool = False) -> list[Done | Reread]:
        """Land what is due (force: everything), of one partition or of all."""
        now = self._clock()
        if now < self._retry_at and not force:
            return []
        places = [place] if place else list(self._buffers)
        total = sum(buffer.bytes for buffer in self._buffers.values())
        crowded = total > self._limits.memory
        outcomes: list[Done | Reread] = []
        for each in places:
            buffer = self._buffers[each]
            if not buffer.messages or (buffer.is_held and not force):
                continue
            if force or crowded or self._due(buffer, now):
                outcome = self._land(each, buffer)
                if outcome is None:
                    self._retry_at = self._clock() + _RETRY_SECONDS
                else:
                    outcomes.append(outcome)
        return outcomes

    def is_due(self) -> bool:
        """Whether `flush` would land something now."""
        now = self._clock()
        waiting = [buffer for buffer in self._buffers.values() if buffer.messages and not buffer.is_held]
        crowded = sum(buffer.bytes for buffer in waiting) > self._limits.memory
        return now >= self._retry_at and any(crowded or self._due(buffer, now) for buffer in waiting)

    def _due(self, buffer: Buffer, now: float) -> bool:
        return (
            now - buffer.since >= self._limits.seconds
            or len(buffer.messages) >= self._limits.messages
            or buffer.bytes >= self._limits.bytes
        )

    def _land(self, place: Place, buffer: Buffer) -> Done | Reread | None:
        """Land one buffer. None: not now, everything is kept for another try."""
        started = self._clock()
        odd = Odd()

        def encode(skip: int) -> bytes:
            nonlocal odd
            data, odd = self._encoder.encode(place, buffer.messages[skip:])
            return data

        positions = [message.position for message in buffer.messages]
        try:
            landing = buffer.lander.land(buffer.landed.generation, buffer.after, positions, encode)
        except BusyError:
            self._telemetry.failed(place, "lock", "another process is landing this partition; trying again")
            return None
        except HoleError as hole:
            self._telemetry.failed(place, "hole", f"{hole}; reading again from there")
            buffer.landed, buffer.seen = hole.landed, hole.landed.last
            buffer.clear()
            return Reread(place, hole.landed)
        except OSError as error:
            if error.errno not in _NO_SPACE:
                raise
            self._short_of_disk = True
            self._telemetry.failed(place, "disk", f"{error}; nothing is lost, trying again")
            return None
        newest = buffer.messages[-1].timestamp
        buffer.landed = landing.landed
        buffer.clear()
        self._note_passed(buffer)
        self._telemetry.landed(place, landing, odd, self._clock() - started, newest)
        return Done(place, landing)

    def torn(self) -> list[tuple[Place, Torn]]:
        """The landed files of our partitions that were cut short since."""
        return [(place, torn) for place, buffer in self._buffers.items() for torn in buffer.lander.torn()]

    def mend(self, place: Place, torn: Torn, messages: list[Message] | None) -> bool:
        """Land a torn file anew, with the messages that the broker gave once more; None: it no longer has
        them all. Whether that is settled; if not, it is to be tried again."""
        data = None if messages is None else self._encoder.encode(place, messages)[0]
        try:
            self._buffers[place].lander.mend(torn, data)
        except (BusyError, OSError) as error:
            self._telemetry.failed(place, "mending", f"{torn.file}: {error}; trying again")
            return False
        if messages is not None:
            self._telemetry.say(
                logging.WARNING, "mended a torn file", place, file=torn.file, messages=len(messages)
            )
            return True
        why = f"{torn.file} was cut short, and the broker no longer has all of its messages"
        self._telemetry.gap(place, "truncated", torn.first, torn.last, None, why)
        return True

    def drop(self, place: Place) -> None:
        """The partition is no longer ours; what has not landed will be read by its next owner."""
        self._buffers.pop(place, None)

    @property
    def full(self) -> bool:
        """Whether the source should pause: the disk is nearly full, or what waits fills the memory."""
        now = self._clock()
        if now - self._free_checked_at >= 1:
            self._free_checked_at = now
            free = self._disk.free_bytes(self._telemetry.landing)
            low_water = self._limits.min_free * (1.25 if self._short_of_disk else 1)
            self._short_of_disk = free < low_water
            self._telemetry.disk(free)
        waiting = sum(buffer.bytes for buffer in self._buffers.values())
        return self._short_of_disk or waiting > 2 * self._limits.memory

    @property
    def waiting(self) -> int:
        """Messages read and not landed."""
        return sum(len(buffer.messages) for buffer in self._buffers.values())
