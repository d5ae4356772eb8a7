"""Pulsar to landing: a failover subscription says which partitions are ours, what has landed where they go
on.

One thread per partition receives; everything else happens in the main thread. Acknowledgements follow
landing, so the broker keeps whatever has not landed; they never decide where to read.
"""

import contextlib
import logging
import os
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import pulsar

from sluice.streams import intake, pulsar_topics
from sluice.streams.disk import BusyError
from sluice.streams.intake import MEND_SECONDS, Done, Intake, Reread
from sluice.streams.names import Place, Position
from sluice.streams.pulsar_order import Arrival, follows, judge_arrival
from sluice.streams.rows import Message
from sluice.streams.telemetry import Telemetry

_RECEIVE = pulsar.ConsumerBatchReceivePolicy(5_000, 8 << 20, 100)
_QUEUED_BATCHES = 32
_LOOK_FOR_TOPICS_SECONDS = 5.0
_IDLE_SECONDS = 2.0
_READ_AGAIN_MILLIS = 10_000
_OPERATION_SECONDS = 30


@dataclass(frozen=True)
class PulsarOptions:
    """Where to read, and how."""

    service_url: str
    topics: list[str]
    subscription: str
    admin_url: str | None = None
    once: bool = False
    token: str | None = None


@dataclass
class Partition:
    """One partition's consumer and the thread that receives from it."""

    place: Place
    consumer: pulsar.Consumer
    epoch: int = 0  # batches received before a seek carry an older one
    anchored: bool = False
    sought: bool = False
    suspect: Position | None = None  # a gap was met before this position and is being looked at again
    ids: list[tuple[Position, pulsar.MessageId]] = field(default_factory=list)
    receiving: threading.Lock = field(default_factory=threading.Lock)  # never held across a seek


def message_position(message: pulsar.Message) -> Position:
    """(ledger, entry, index in the producer's batch)."""
    found = message.message_id()
    return found.ledger_id(), found.entry_id(), max(found.batch_index(), 0)


def plain_message(message: pulsar.Message) -> Message:
    """A message without the client library's object around it."""
    return Message(
        message_position(message),
        message.data(),
        message.partition_key() or None,
        list(message.properties().items()) or None,
        message.publish_timestamp(),
    )


def read_again(client: pulsar.Client, name: str, first: Position, last: Position) -> list[Message] | None:
    """The messages of a partition from `first` to `last`, read beside the consumer that goes on; None when the
    broker no longer has the first of them. Raises PulsarException, also when it takes too long."""
    start = pulsar.MessageId(-1, first[0], first[1], -1)
    reader = client.create_reader(name, start, start_message_id_inclusive=True)
    try:
        found: list[Message] = []
        while not found or found[-1].position < last:
            found.append(plain_message(reader.read_next(_READ_AGAIN_MILLIS)))
            if found[-1].position < first:
                found.pop()
            elif found[0].position > first:
                return None
        return [message for message in found if message.position <= last]
    finally:
        reader.close()


class PulsarSource:
    """Reads until told to stop."""

    def __init__(self, options: PulsarOptions, intake: Intake, telemetry: Telemetry) -> None:
        self._options = options
        self._intake = intake
        self._telemetry = telemetry
        self._client = pulsar.Client(
            options.service_url,
            operation_timeout_seconds=_OPERATION_SECONDS,
            authentication=pulsar.AuthenticationToken(options.token) if options.token else None,
            logger=pulsar.FileLogger(pulsar.LoggerLevel.Error, os.devnull),  # what matters is raised, too
        )
        self._partitions: dict[str, Partition] = {}
        self._received: queue.Queue[tuple[Partition, int, list[pulsar.Message], list[Message]]] = queue.Queue(
            _QUEUED_BATCHES
        )
        self._stop = threading.Event()
        self._hold = threading.Event()
        self._threads: list[threading.Thread] = []
        self._look_at = 0.0
        self._tick_at = 0.0
        self._mend_at = 0.0
        self._idle_since = time.monotonic()

    def run(self, stopping: Callable[[], bool]) -> None:
        """Land until `stopping`, or with `once` until every partition has been read to its end."""
        started = time.monotonic()
        try:
            while not stopping():
                self._look_for_topics()
                self._back_pressure()
                self._take()
                self._obey(self._intake.flush())
                self._tick()
                if self._options.once and self._finished(started):
                    break
        finally:
            self._obey(self._intake.flush(force=True))
            self._stop.set()
            for thread in self._threads:
                thread.join(5)
            self._client.close()

    def _look_for_topics(self) -> None:
        """Subscribe to the partitions there are; new topics and new partitions are met here later."""
        now = time.monotonic()
        if now < self._look_at:
            return
        self._look_at = now + _LOOK_FOR_TOPICS_SECONDS
        try:
            names = pulsar_topics.partitions(self._client, self._options.topics, self._options.admin_url)
        except (OSError, pulsar.PulsarException) as error:
            self._telemetry.say(logging.WARNING, "topics could not be listed", why=str(error))
            return
        for name in names:
            if name not in self._partitions:
                try:
                    self._subscribe(name)
                except (BusyError, pulsar.PulsarException) as error:
                    self._telemetry.say(logging.WARNING, "not subscribed yet", topic=name, why=str(error))

    def _subscribe(self, name: str) -> None:
        topic, partition = pulsar_topics.split(name)
        place = Place("pulsar", topic, partition)
        lander = self._intake.lander(place)
        landed = lander.open()
        consumer = self._client.subscribe(
            name,
            self._options.subscription,
            consumer_type=pulsar.ConsumerType.Failover,
            initial_position=pulsar.InitialPosition.Earliest,
            receiver_queue_size=20_000,
            batch_receive_policy=_RECEIVE,
            start_message_id_inclusive=True,
        )
        self._intake.begin(place, landed, lander)
        ours = self._partitions[name] = Partition(place, consumer)
        thread = threading.Thread(target=self._receive, args=(ours,), daemon=True, name=name)
        self._threads.append(thread)
        thread.start()
        self._telemetry.rebalanced("assigned", [place])
        self._mend_at = 0.0

    def _receive(self, ours: Partition) -> None:
        """A partition's thread: receive, turn into plain messages, hand over; waits while the main thread
        is behind."""
        while not self._stop.is_set():
            if self._hold.is_set():
                time.sleep(0.1)
                continue
            try:
                with ours.receiving:
                    epoch, batch = ours.epoch, ours.consumer.batch_receive()
            except pulsar.Timeout:
                continue
            except pulsar.PulsarException as error:
                if not self._stop.is_set():
                    self._telemetry.say(logging.WARNING, "broker", ours.place, why=str(error))
                    time.sleep(0.5)
                continue
            if not batch:
                continue
            plain = [plain_message(each) for each in batch]
            while not self._stop.is_set():
                with contextlib.suppress(queue.Full):
                    self._received.put((ours, epoch, batch, plain), timeout=0.2)
                    break

    def _take(self) -> None:
        """Take over what the threads have received."""
        deadline = time.monotonic() + 0.1
        while (left := deadline - time.monotonic()) > 0:
            try:
                ours, epoch, batch, plain = self._received.get(timeout=left)
            except queue.Empty:
                return
            self._idle_since = time.monotonic()
            if epoch != ours.epoch:
                continue  # from before a seek
            if self._anchor(ours, plain[0].position):
                self._intake.take(ours.place, plain)
                ours.ids.append((plain[-1].position, batch[-1].message_id()))

    def _anchor(self, ours: Partition, first: Position) -> bool:
        """Whether the messages from `first` on continue what has landed; if not, go back to that."""
        seen = self._intake.seen(ours.place)
        arrival = judge_arrival(seen, first, ours.anchored, ours.sought)
        if arrival is Arrival.SEEK:
            # Another consumer of the subscription may have landed meanwhile.
            landed = self._intake.lander(ours.place).open()
            if landed != self._intake.landed(ours.place):
                self._obey(self._intake.flush(ours.place, force=True))
                self._intake.begin(ours.place, landed, self._intake.lander(ours.place))
                if landed.last is None or first <= landed.last or follows(landed.last, first):
                    ours.anchored = True
                    return True
            self._seek(ours, landed.last)
            return False
        if arrival is Arrival.GAP and ours.suspect != first:
            ours.suspect = first
            self._seek(ours, seen)
            return False
        if arrival is Arrival.GAP:
            self._telemetry.gap(
                ours.place,
                "possible",
                seen,
                first,
                None,
                "the broker no longer has the last landed message, so messages after it may be gone too",
            )
        ours.anchored, ours.sought = True, False
        return True

    def _seek(self, ours: Partition, last: Position | None) -> None:
        """Read again from the last landed message (included: seeing it again proves that nothing is
        missing)."""
        ours.anchored, ours.sought, ours.ids = False, True, []
        target = (
            pulsar.MessageId.earliest
            if last is None
            else pulsar.MessageId(ours.place.partition, last[0], last[1], -1)
        )
        try:
            with ours.receiving:
                ours.epoch += 1
                ours.consumer.seek(target)
        except pulsar.PulsarException as error:
            ours.sought = False
            self._telemetry.say(logging.WARNING, "seek failed, trying again", ours.place, why=str(error))

    def _obey(self, outcomes: list[Done | Reread]) -> None:
        """Acknowledge what has landed, or read again what must be."""
        by_place = {each.place: each for each in self._partitions.values()}
        for outcome in outcomes:
            ours = by_place[outcome.place]
            if isinstance(outcome, Reread):
                self._seek(ours, outcome.landed.last)
                continue
            ids, last = ours.ids, outcome.landing.landed.last
            landed = [found for position, found in ids if last and position <= last]
            ours.ids = ids[len(landed) :]
            if landed:
                with contextlib.suppress(pulsar.PulsarException):
                    ours.consumer.acknowledge_cumulative(landed[-1])

    def _back_pressure(self) -> None:
        if self._intake.full != self._hold.is_set():
            (self._hold.clear if self._hold.is_set() else self._hold.set)()
            self._telemetry.paused(self._hold.is_set())

    def _tick(self) -> None:
        """Now and then: the backlog that Pulsar's web service knows of."""
        now = time.monotonic()
        if now >= self._mend_at:
            self._mend_at = now + MEND_SECONDS
            self._mend()
        if not self._options.admin_url or now < self._tick_at:
            return
        self._tick_at = now + 5
        for name, ours in self._partitions.items():
            backlog = pulsar_topics.backlog(self._options.admin_url, name, self._options.subscription)
            if backlog is not None:
                self._telemetry.lag(ours.place, backlog)

    def _mend(self) -> bool:
        """Files that were cut short since they landed are landed anew; whether none is left."""
        names = {ours.place: name for name, ours in self._partitions.items()}
        whole = True
        for place, torn in self._intake.torn():
            try:
                messages = read_again(self._client, names[place], torn.first, torn.last)
            except pulsar.PulsarException as error:
                self._telemetry.failed(place, "mending", f"{torn.file}: {error}; trying again")
                whole = False
                continue
            whole &= self._intake.mend(place, torn, messages)
        return whole

    def _finished(self, started: float) -> bool:
        """Whether all that the broker has now has landed."""
        if not self._partitions and time.monotonic() - started > intake.ONCE_PATIENCE_SECONDS:
            raise intake.NoPartitionError(self._options.topics, self._options.service_url)
        if not self._partitions or time.monotonic() - self._idle_since < _IDLE_SECONDS:
            return False
        self._obey(self._intake.flush(force=True))
        behind = [ours for ours in self._partitions.values() if not self._at_end(ours)]
        for ours in behind:  # the subscription's acknowledgements may be ahead of what has landed
            if not (ours.anchored or ours.sought):
                self._seek(ours, self._intake.landed(ours.place).last)
        return not self._intake.waiting and not behind and self._mend()

    def _at_end(self, ours: Partition) -> bool:
        try:
            end = ours.consumer.get_last_message_id()
        except pulsar.PulsarException:
            return False
        last = self._intake.landed(ours.place).last
        return end.entry_id() < 0 or (last is not None and last[:2] >= (end.ledger_id(), end.entry_id()))
