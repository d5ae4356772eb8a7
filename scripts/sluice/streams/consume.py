"""`scripts/stream kafka|pulsar`: land the messages of topics as micro-batch files, each message exactly
once."""

import argparse
import gc
import logging
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from sluice.home import Home, data_home
from sluice.streams.client_settings import (
    add_kafka_settings,
    add_pulsar_token,
    kafka_settings,
    pulsar_token,
    secrets,
)
from sluice.streams.feeds import feed_named, known_feeds
from sluice.streams.intake import Intake, Limits, NoPartitionError
from sluice.streams.lander import Lander
from sluice.streams.names import Place
from sluice.streams.rows import Encoder
from sluice.streams.telemetry import Telemetry, hide, logger

_MIB = 1 << 20


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        prog="scripts/stream",
        description="Land the messages of topics as files in the landing zone, each message exactly once. "
        "Where to go on is decided by what has landed, not by the broker's offsets or acknowledgements.",
        epilog="Environment: SLUICE_HOME, SLUICE_LANDING; SLUICE_KAFKA_… for settings of the Kafka client"
        " (SLUICE_KAFKA_SASL_PASSWORD is sasl.password); SLUICE_PULSAR_TOKEN.",
    )
    brokers = top.add_subparsers(dest="broker", required=True, metavar="kafka|pulsar")
    kafka = brokers.add_parser("kafka", help="read Apache Kafka")
    kafka.add_argument("--bootstrap-servers", required=True, metavar="HOST:PORT[,…]")
    kafka.add_argument(
        "--group", metavar="G", help="consumer group; its members share the partitions (default: sluice-FEED)"
    )
    kafka.add_argument(
        "--start",
        choices=["earliest", "latest"],
        default="earliest",
        help="where a partition begins while nothing has landed; latest skips the rest (default: earliest)",
    )
    add_kafka_settings(kafka)
    pulsar = brokers.add_parser("pulsar", help="read Apache Pulsar")
    pulsar.add_argument("--service-url", required=True, metavar="pulsar://HOST:PORT")
    pulsar.add_argument(
        "--admin-url",
        metavar="http://HOST:PORT",
        help="Pulsar's web service: needed for topic patterns, and for lag",
    )
    pulsar.add_argument(
        "--subscription",
        metavar="S",
        help="durable failover subscription; its members share the partitions (default: sluice-FEED)",
    )
    add_pulsar_token(pulsar)
    for each in (kafka, pulsar):
        each.add_argument(
            "--topic",
            action="append",
            required=True,
            metavar="T",
            help="a topic, or a pattern with * and ? such as 'merchant_*.events'; may be repeated",
        )
        each.add_argument(
            "--feed", required=True, metavar="F", help=f"where the records belong: {', '.join(known_feeds())}"
        )
        each.add_argument(
            "--format",
            choices=["json", "csv"],
            default="json",
            help="of the values: a JSON object, or one CSV record in the feed's column order (default: json)",
        )
        each.add_argument(
            "--batch-messages",
            type=int,
            default=50_000,
            metavar="N",
            help="a batch lands after N messages (default: 50000)",
        )
        each.add_argument(
            "--batch-mib", type=float, default=16, metavar="N", help="… or N MiB of values (default: 16)"
        )
        each.add_argument(
            "--batch-seconds", type=float, default=0.5, metavar="N", help="… or N seconds (default: 0.5)"
        )
        each.add_argument(
            "--memory-mib",
            type=int,
            default=128,
            metavar="N",
            help="messages of all partitions waiting in memory (default: 128)",
        )
        each.add_argument(
            "--min-free-mib",
            type=int,
            default=256,
            metavar="N",
            help="pause reading while less than N MiB are free below landing (default: 256)",
        )
        each.add_argument(
            "--once", action="store_true", help="stop when every partition has been read to its end"
        )
        each.add_argument("--prometheus-port", type=int, metavar="N", help="serve /prometheus on 127.0.0.1:N")
        each.add_argument("--log-level", choices=["debug", "info", "warning", "error"], default="info")
    return top


def build_intake(arguments: argparse.Namespace, home: Home, log: logging.Logger) -> tuple[Intake, Telemetry]:
    """The buffers and figures for these arguments. Raises ValueError for a feed there is not."""
    feed = feed_named(arguments.feed)
    gaps = home.root / "streams" / "gaps.jsonl"
    telemetry = Telemetry(feed.name, home.landing, gaps, log)
    folder: Path = home.landing / feed.name

    def make_lander(place: Place) -> Lander:
        return Lander(folder, place)

    limits = Limits(
        messages=arguments.batch_messages,
        bytes=int(arguments.batch_mib * _MIB),
        seconds=arguments.batch_seconds,
        memory=arguments.memory_mib * _MIB,
        min_free=arguments.min_free_mib * _MIB,
    )
    return Intake(make_lander, Encoder(feed, arguments.format), limits, telemetry), telemetry


def _settings(arguments: argparse.Namespace) -> dict[str, str]:
    """What the broker's client is told beside the address. Raises ValueError."""
    if arguments.broker == "kafka":
        return kafka_settings(arguments)
    token = pulsar_token(arguments)
    return {"token": token} if token else {}


def _run_kafka(
    arguments: argparse.Namespace, intake: Intake, telemetry: Telemetry, stopping: Callable[[], bool]
) -> None:
    from sluice.streams.kafka_options import KafkaOptions
    from sluice.streams.kafka_source import KafkaSource

    options = KafkaOptions(
        bootstrap_servers=arguments.bootstrap_servers,
        topics=arguments.topic,
        group=arguments.group or f"sluice-{arguments.feed}",
        start=arguments.start,
        once=arguments.once,
        config=arguments.settings,
    )
    KafkaSource(options, intake, telemetry).run(stopping)


def _run_pulsar(
    arguments: argparse.Namespace, intake: Intake, telemetry: Telemetry, stopping: Callable[[], bool]
) -> None:
    from sluice.streams.pulsar_source import PulsarOptions, PulsarSource

    options = PulsarOptions(
        service_url=arguments.service_url,
        topics=arguments.topic,
        subscription=arguments.subscription or f"sluice-{arguments.feed}",
        admin_url=arguments.admin_url,
        once=arguments.once,
        token=arguments.settings.get("token"),
    )
    PulsarSource(options, intake, telemetry).run(stopping)


def main(argv: list[str] | None = None) -> int:
    """Run the command; the exit code."""
    cli = parser()
    arguments = cli.parse_args(argv)
    if (
        arguments.broker == "pulsar"
        and not arguments.admin_url
        and any(set("*?") & set(t) for t in arguments.topic)
    ):
        cli.error("a topic pattern needs --admin-url: only Pulsar's web service lists topics")
    log = logger(arguments.log_level)
    try:
        arguments.settings = _settings(arguments)
        hide(secrets(arguments.settings))
        home = data_home()
        home.prepare()
        intake, telemetry = build_intake(arguments, home, log)
    except ValueError as error:
        cli.error(str(error))
    gc.set_threshold(200_000, 20, 50)  # batches are many small objects, and none of them are cycles
    stopped: list[int] = []
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda number, _frame: stopped.append(number))
    if arguments.prometheus_port:
        try:
            telemetry.serve(arguments.prometheus_port)
        except OSError as error:
            cli.error(f"--prometheus-port {arguments.prometheus_port}: {error}")
    run = partial(_run_kafka if arguments.broker == "kafka" else _run_pulsar, arguments, intake, telemetry)
    try:
        run(lambda: bool(stopped))
    except NoPartitionError as error:
        log.error("%s", error)
        return 1
    except Exception:
        log.exception("stopped by an error; nothing that landed is lost, start again to go on")
        return 1
    telemetry.say(logging.INFO, "stopped", landed=telemetry.total)
    return 0


if __name__ == "__main__":
    sys.exit(main())
