"""`scripts/produce kafka|pulsar`: send landing files, or generated events, into a topic."""

import argparse
import itertools
import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import orjson
from tqdm import tqdm

from sluice.streams.client_settings import add_kafka_settings, add_pulsar_token, kafka_settings, pulsar_token
from sluice.streams.events import event, fixed_time, now
from sluice.streams.feeds import Feed, feed_named, known_feeds
from sluice.streams.replay import csv_line, landing_files, replayed

_SLICE_SECONDS = 0.02
_CONNECT_SECONDS = 15
_ARRIVAL_SECONDS = 300
_ARRIVAL_SECONDS_AFTER_SIGNAL = 10


class Sink(Protocol):
    """A topic to send to."""

    def send(self, key: str, value: bytes) -> None:
        """Hand over one message; waits while the broker is behind."""

    def close(self, stopped: list[int]) -> int:
        """Wait until everything has arrived, after a signal not for long; how many did not."""


class KafkaSink:
    """An idempotent Kafka producer: retries neither lose, repeat nor reorder. Raises ConnectionError when no
    broker answers."""

    def __init__(self, servers: str, topic: str, config: dict[str, str], partition: int | None) -> None:
        from confluent_kafka import KafkaException, Producer

        self._topic = topic
        self._failed = 0
        self._where: Any = {} if partition is None else {"partition": partition}
        self._producer = Producer(
            {
                "bootstrap.servers": servers,
                "enable.idempotence": True,
                "acks": "all",
                "linger.ms": 20,
                "compression.type": "lz4",
                "queue.buffering.max.messages": 200_000,
                "message.timeout.ms": 300_000,
                "delivery.report.only.error": True,
                "reconnect.backoff.ms": 250,
                "log_level": 2,
                **config,
            }
        )
        try:
            self._producer.list_topics(topic, _CONNECT_SECONDS)
        except KafkaException as error:
            raise ConnectionError(f"no broker answers at {servers}: {error.args[0].str()}") from error

    def _report(self, error: object, _message: object) -> None:
        self._failed += error is not None

    def send(self, key: str, value: bytes) -> None:
        while True:
            try:
                self._producer.produce(self._topic, value, key, on_delivery=self._report, **self._where)
                return
            except BufferError:
                self._producer.poll(0.1)

    def close(self, stopped: list[int]) -> int:
        started = time.monotonic()
        while left := self._producer.flush(0.5):
            patience = _ARRIVAL_SECONDS_AFTER_SIGNAL if stopped else _ARRIVAL_SECONDS
            if time.monotonic() - started > patience:
                break
        return left + self._failed


class PulsarSink:
    """A Pulsar producer. Raises ConnectionError when no broker answers."""

    def __init__(self, url: str, topic: str, token: str | None) -> None:
        import pulsar

        authentication = pulsar.AuthenticationToken(token) if token else None
        quiet = pulsar.FileLogger(pulsar.LoggerLevel.Error, os.devnull)  # its console is standard output
        self._client = pulsar.Client(
            url,
            authentication=authentication,
            logger=quiet,
            operation_timeout_seconds=_CONNECT_SECONDS,
        )
        self._ok = pulsar.Result.Ok
        self._failed = 0
        try:
            self._producer = self._client.create_producer(
                topic,
                batching_enabled=True,
                batching_max_publish_delay_ms=20,
                block_if_queue_full=True,
                max_pending_messages=20_000,
                send_timeout_millis=0,
            )
        except pulsar.PulsarException as error:
            raise ConnectionError(f"no producer for {topic} at {url}: {error}") from error

    def _report(self, result: object, _message_id: object) -> None:
        self._failed += result != self._ok

    def send(self, key: str, value: bytes) -> None:
        self._producer.send_async(value, self._report, partition_key=key or None)

    def close(self, stopped: list[int]) -> int:
        self._producer.flush()
        self._client.close()
        return self._failed


def generated(feed: Feed, value_format: str, prefix: str, fixed: bool) -> Iterator[tuple[str, bytes]]:
    """(key, value) of generated events without end."""
    for number in itertools.count():
        record = event(feed.name, feed.columns, number, prefix, fixed_time(number) if fixed else now())
        key = str(record[feed.columns[0]])
        if value_format == "csv":
            texts = (
                json.dumps(value) if isinstance(value, dict) else str(value)
                for value in map(record.get, feed.columns)
            )
            yield key, csv_line(texts)
        else:
            yield key, orjson.dumps(record)


def send_all(
    messages: Iterator[tuple[str, bytes]], sink: Sink, rate: float | None, stopped: list[int]
) -> int:
    """Send at `rate` messages a second (None: as fast as it goes); how many were sent."""
    sent, started = 0, time.monotonic()
    with tqdm(unit=" messages", disable=not sys.stderr.isatty()) as bar:
        while not stopped:
            due = 5_000 if rate is None else int((time.monotonic() - started) * rate) - sent
            batch = 0
            for key, value in itertools.islice(messages, max(due, 0)):
                sink.send(key, value)
                batch += 1
            sent += batch
            bar.update(batch)
            if batch < due:
                break
            if rate is not None:
                time.sleep(_SLICE_SECONDS)
    return sent


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        prog="scripts/produce", description="Send landing files, or generated events, into a topic."
    )
    brokers = top.add_subparsers(dest="broker", required=True, metavar="kafka|pulsar")
    kafka = brokers.add_parser("kafka", help="into Apache Kafka")
    kafka.add_argument("--bootstrap-servers", required=True, metavar="HOST:PORT[,…]")
    add_kafka_settings(kafka)
    kafka.add_argument(
        "--partition", type=int, metavar="N", help="send everything to this partition (default: by key)"
    )
    pulsar = brokers.add_parser("pulsar", help="into Apache Pulsar")
    pulsar.add_argument("--service-url", required=True, metavar="pulsar://HOST:PORT")
    add_pulsar_token(pulsar)
    for each in (kafka, pulsar):
        each.add_argument("--topic", required=True, metavar="T")
        each.add_argument(
            "--feed", required=True, metavar="F", help=f"what to send: {', '.join(known_feeds())}"
        )
        each.add_argument(
            "--from",
            dest="source",
            type=Path,
            nargs="+",
            metavar="PATH",
            help="replay these landing files, and those in these folders (default: generated events)",
        )
        each.add_argument("--repeat", action="store_true", help="replay the files over and over")
        each.add_argument(
            "--count",
            type=int,
            metavar="N",
            help="stop after N messages (default: the end of the files; generated: never)",
        )
        each.add_argument(
            "--rate", type=float, metavar="N", help="messages a second (default: as fast as it goes)"
        )
        each.add_argument(
            "--format", choices=["json", "csv"], default="json", help="of the values (default: json)"
        )
        each.add_argument(
            "--id-prefix", default="event-", metavar="P", help="generated ids are P0, P1, … (default: event-)"
        )
        each.add_argument(
            "--fixed-times",
            action="store_true",
            help="generated times depend on the number, not on the clock",
        )
    return top


def main(argv: list[str] | None = None) -> int:
    """Run the command; the exit code."""
    cli = parser()
    arguments = cli.parse_args(argv)
    if arguments.rate is not None and arguments.rate <= 0:
        cli.error("--rate must be above 0")
    try:
        feed = feed_named(arguments.feed)
        files = landing_files(arguments.source or [])
        config = kafka_settings(arguments) if arguments.broker == "kafka" else {}
        token = pulsar_token(arguments) if arguments.broker == "pulsar" else None
    except ValueError as error:
        cli.error(str(error))
    messages = (
        replayed(files, feed, arguments.format, arguments.repeat)
        if arguments.source
        else generated(feed, arguments.format, arguments.id_prefix, arguments.fixed_times)
    )
    stopped: list[int] = []
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda number, _frame: stopped.append(number))
    started = time.monotonic()
    sink: Sink
    try:
        if arguments.broker == "kafka":
            sink = KafkaSink(arguments.bootstrap_servers, arguments.topic, config, arguments.partition)
        else:
            sink = PulsarSink(arguments.service_url, arguments.topic, token)
    except ConnectionError as error:
        print(f"scripts/produce: {error}", file=sys.stderr)
        return 1
    sent = send_all(itertools.islice(messages, arguments.count), sink, arguments.rate, stopped)
    failed = sink.close(stopped)
    seconds = time.monotonic() - started
    print(
        json.dumps(
            {
                "sent": sent,
                "failed": failed,
                "seconds": round(seconds, 3),
                "per_second": round(sent / seconds),
            }
        )
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
