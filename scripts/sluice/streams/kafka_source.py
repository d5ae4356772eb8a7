"""Kafka to landing: the consumer group says which partitions are ours, what has landed says where they go
on."""

import contextlib
import logging
import time
from collections.abc import Callable
from functools import partial

from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    KafkaError,
    KafkaException,
    TopicPartition,
)
from confluent_kafka import Message as KafkaMessage
from confluent_kafka.admin import AdminClient

from sluice.streams import intake
from sluice.streams.disk import BusyError, patiently
from sluice.streams.intake import MEND_SECONDS, Done, Intake, Reread
from sluice.streams.kafka_again import plain_message, read_again
from sluice.streams.kafka_gaps import where_to_start
from sluice.streams.kafka_options import (
    NETWORK_SECONDS,
    KafkaOptions,
    consumer_settings,
    topic_ids,
    topic_pattern,
)
from sluice.streams.kafka_order import Order
from sluice.streams.kafka_renewal import Renewal, tell
from sluice.streams.lander import HoleError
from sluice.streams.names import Place
from sluice.streams.record import Landed
from sluice.streams.rows import Message
from sluice.streams.telemetry import Telemetry

_POLL_SECONDS = 0.1
_AT_ONCE = 10_000
_TELL_SECONDS = 30.0


class KafkaSource:
    """Reads until told to stop. All of it happens in one thread, the callbacks inside `consume` too."""

    def __init__(self, options: KafkaOptions, intake: Intake, telemetry: Telemetry) -> None:
        self._options = options
        self._intake = intake
        self._telemetry = telemetry
        settings = self._settings = consumer_settings(options)
        self._consumer = Consumer(settings | {"error_cb": self._on_error})
        shared = {*options.config, "bootstrap.servers", "log_level", "reconnect.backoff.ms"}
        self._admin = AdminClient({name: value for name, value in settings.items() if name in shared})
        self._renewal = Renewal(self._admin, settings, intake, telemetry, self._obey)
        self._order = Order(intake, telemetry, self._first_offset, self._seek)
        self._lost_position: dict[Place, float] = {}
        self._at_end: set[Place] = set()
        self._sought: set[Place] = set()  # since the newest messages: ends among those are from before
        self._paused = False
        self._tick_at = 0.0
        self._mend_at = 0.0
        self._told: dict[str, float] = {}  # errors that went to the log, and when

    def run(self, stopping: Callable[[], bool]) -> None:
        """Land until `stopping`, or with `once` until every partition has been read to its end."""
        self._consumer.subscribe(
            [topic_pattern(topic) for topic in self._options.topics],
            on_assign=self._on_assign,
            on_revoke=self._on_revoke,
            on_lost=self._on_lost,
        )
        started = time.monotonic()
        try:
            while not stopping():
                self._back_pressure()
                self._take(self._consumer.consume(_AT_ONCE, _POLL_SECONDS))
                if self._intake.is_due():
                    self._look_for_new_topics()
                self._obey(self._intake.flush())
                self._tick()
                if self._options.once and self._finished(started):
                    break
        finally:
            self._consumer.close()  # gives the partitions back, which lands what is waiting

    def _finished(self, started: float) -> bool:
        places = self._intake.places
        if not places and time.monotonic() - started > intake.ONCE_PATIENCE_SECONDS:
            raise intake.NoPartitionError(self._options.topics, self._options.bootstrap_servers)
        if not places or not self._at_end.issuperset(places):
            return False
        self._obey(self._intake.flush(force=True))
        return not self._intake.waiting and self._at_end.issuperset(places) and self._mend()

    def _take(self, messages: list[KafkaMessage]) -> None:
        self._sought.clear()
        runs: dict[tuple[str, int], list[Message]] = {}
        events: list[tuple[KafkaMessage, KafkaError]] = []
        for message in messages:
            error = message.error()
            if error is not None:
                events.append((message, error))
                continue
            where = (message.topic() or "", message.partition() or 0)
            run = runs.get(where)
            if run is None:
                run = runs[where] = []
            run.append(plain_message(message))
        for (topic, partition), run in runs.items():
            place = Place("kafka", topic, partition)
            if self._intake.has(place):  # not so when it was taken away while consume() collected
                self._at_end.discard(place)
                self._order.admit(place, run)
        for message, error in events:  # after the messages: an end of partition stands behind them
            self._on_event(message, error)

    def _look_for_new_topics(self) -> None:
        for place in self._renewal.look():
            self._forget(place)
            self._reassign(place, OFFSET_BEGINNING)

    def _seek(self, place: Place, offset: int) -> None:
        self._sought.add(place)
        try:
            self._consumer.seek(TopicPartition(place.topic, place.partition, offset))
        except KafkaException:
            if self._intake.has(place):  # if not, its next owner starts from what landed
                self._reassign(place, offset)

    def _reassign(self, place: Place, offset: int) -> None:
        """Give the partition to the client once more: it does not go on by itself where it has lost its position."""
        partition = TopicPartition(place.topic, place.partition, offset)
        try:
            self._consumer.incremental_unassign([partition])
            self._consumer.incremental_assign([partition])
            if self._paused:
                self._consumer.pause([partition])
        except KafkaException as error:
            self._lost_position[place] = time.monotonic() + 1
            self._telemetry.say(logging.WARNING, "seek failed, trying again", place, why=str(error))

    def _obey(self, outcomes: list[Done | Reread]) -> None:
        """Tell the broker what has landed (for information), or go back to where a partition must be read
        again."""
        commits = []
        for outcome in outcomes:
            if isinstance(outcome, Reread):
                self._order.doubt(outcome.place)
                last = outcome.landed.last
                self._seek(outcome.place, OFFSET_BEGINNING if last is None else last[0] + 1)
            elif outcome.landing.landed.last:
                offset = outcome.landing.landed.last[0] + 1
                commits.append(TopicPartition(outcome.place.topic, outcome.place.partition, offset))
        if commits:
            with contextlib.suppress(KafkaException):
                self._consumer.commit(offsets=commits, asynchronous=True)

    def _back_pressure(self) -> None:
        full = self._intake.full
        if full != self._paused:
            partitions = [TopicPartition(place.topic, place.partition) for place in self._intake.places]
            (self._consumer.pause if full else self._consumer.resume)(partitions)
            self._paused = full
            self._telemetry.paused(full)

    def _tick(self) -> None:
        """Once a second: lag, and partitions whose position the broker did not know."""
        now = time.monotonic()
        if now < self._tick_at:
            return
        self._tick_at = now + 1
        for place in self._intake.places:
            low, high = self._watermarks(place, cached=True)
            last = self._intake.landed(place).last
            if high is not None and high >= 0:
                self._telemetry.lag(place, max(0, high - (last[0] + 1 if last else max(low or 0, 0))))
        for place, at in list(self._lost_position.items()):
            if now >= at and self._intake.has(place):
                self._find_position(place)
        if now >= self._mend_at:
            self._mend_at = now + MEND_SECONDS
            self._look_for_new_topics()
            self._mend()

    def _mend(self) -> bool:
        """Files that were cut short since they landed are landed anew; whether none is left."""
        whole = True
        for place, torn in self._intake.torn():
            messages = None
            if torn.generation == self._intake.landed(place).generation:
                try:
                    messages = read_again(self._settings, place, torn.first[0], torn.last[0]) or None
                except KafkaException as error:
                    self._telemetry.failed(place, "mending", f"{torn.file}: {error}; trying again")
                    whole = False
                    continue
            whole &= self._intake.mend(place, torn, messages)
        return whole

    def _first_offset(self, place: Place, cached: bool) -> int | None:
        return self._watermarks(place, cached)[0]

    def _watermarks(self, place: Place, cached: bool = False) -> tuple[int | None, int | None]:
        """(first offset there is, next offset to come), as far as the broker answers."""
        try:
            partition = TopicPartition(place.topic, place.partition)
            answer = self._consumer.get_watermark_offsets(partition, timeout=NETWORK_SECONDS, cached=cached)
        except KafkaException:
            return None, None
        return answer or (None, None)

    def _on_error(self, error: KafkaError) -> None:
        """Each kind of error now and then: while a broker is away, the client tells of it many times a second."""
        now = time.monotonic()
        if now - self._told.get(error.name(), float("-inf")) < _TELL_SECONDS:
            return
        self._told[error.name()] = now
        self._telemetry.say(logging.WARNING, "broker", code=error.name(), why=error.str())

    def _on_event(self, message: KafkaMessage, error: KafkaError) -> None:
        topic, partition = message.topic(), message.partition()
        if topic is None or partition is None:
            self._on_error(error)
            return
        place = Place("kafka", topic, partition)
        if error.code() == KafkaError._PARTITION_EOF:
            if (
                self._intake.has(place)
                and place not in self._sought
                and self._order.reach_end(place, message.offset() or 0)
            ):
                self._at_end.add(place)
        elif error.code() in (KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE):
            if self._intake.has(place):
                self._find_position(place)
        else:
            self._telemetry.say(logging.WARNING, "broker", place, code=error.name(), why=error.str())

    def _find_position(self, place: Place) -> None:
        """The broker does not know the offset asked for: deleted, or the topic ends before it."""
        self._lost_position.pop(place, None)
        self._look_for_new_topics()
        self._obey(self._intake.flush(place, force=True))
        seen = self._intake.seen(place)
        low, high = self._watermarks(place)
        if low is None or high is None:
            self._lost_position[place] = time.monotonic() + 1
            return
        try:
            self._seek(place, self._settle(place, self._intake.landed(place), seen, low, high))
        except (BusyError, HoleError):
            self._lost_position[place] = time.monotonic() + 1

    def _settle(
        self, place: Place, landed: Landed, seen: tuple[int, ...] | None, low: int | None, high: int | None
    ) -> int:
        """Where reading goes on, after reporting what is missing; a topic that ends too early begins anew."""
        start = where_to_start(None if seen is None else seen[0], low, high)
        if start.reset and seen is not None:
            lander = self._intake.lander(place)
            landed = lander.restart(landed, "")
            self._intake.begin(place, landed, lander)
            self._order.forget(place)
            self._telemetry.gap(
                place,
                "topic_reset",
                (seen[0] + 1,),
                (low or 0,),
                None,
                f"the partition ends at {high}, before what landed: recreated or cut; reading all of it",
            )
        elif start.lost and seen is not None:
            self._order.gap(place, seen[0] + 1, start.offset)
        return start.offset

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        ids = topic_ids(self._admin, sorted({each.topic for each in partitions})) if partitions else {}
        for each in partitions:
            place = Place("kafka", each.topic, each.partition)
            self._forget(place)
            low, high = self._watermarks(place)
            after = (high - 1,) if self._options.start == "latest" and high else None
            lander = self._intake.lander(place)
            landed = patiently(partial(lander.open, ids.get(each.topic, ""), after))
            self._intake.begin(place, landed, lander)
            if lander.replaced:
                tell(self._telemetry, place, lander.replaced)
            each.offset = patiently(partial(self._settle, place, landed, landed.last, low, high))
        self._tick_at = self._mend_at = 0.0
        consumer.incremental_assign(partitions)
        if self._paused:
            consumer.pause(partitions)
        self._telemetry.rebalanced(
            "assigned", [Place("kafka", each.topic, each.partition) for each in partitions]
        )

    def _on_revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._let_go(consumer, partitions, "revoked")

    def _on_lost(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._let_go(consumer, partitions, "lost")

    def _let_go(self, consumer: Consumer, partitions: list[TopicPartition], how: str) -> None:
        """Land what is waiting, then let go. What cannot land now, or has another owner who is further, will be read
        again; of a topic that was deleted nothing will."""
        places = [Place("kafka", each.topic, each.partition) for each in partitions]
        for place in places:
            if self._intake.has(place):
                self._obey(self._intake.flush(place, force=True))
            self._intake.drop(place)
            self._forget(place)
            self._telemetry.forget(place)
        consumer.incremental_unassign(partitions)
        self._telemetry.rebalanced(how, places)

    def _forget(self, place: Place) -> None:
        self._order.forget(place)
        self._lost_position.pop(place, None)
        self._at_end.discard(place)
        self._sought.add(place)
