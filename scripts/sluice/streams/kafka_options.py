"""How the Kafka client is set up: what to read, and settings under which nothing happens in silence."""

import contextlib
import re
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient

NETWORK_SECONDS = 5.0


@dataclass(frozen=True)
class KafkaOptions:
    """Where to read, and how."""

    bootstrap_servers: str
    topics: list[str]
    group: str
    start: str = "earliest"
    once: bool = False
    config: dict[str, str] = field(default_factory=dict)


def topic_pattern(topic: str) -> str:
    """A glob such as merchant_*.events as the regular expression that the client library expects."""
    if topic.startswith("^") or not re.search(r"[*?]", topic):
        return topic
    return "^" + re.escape(topic).replace(r"\*", ".*").replace(r"\?", ".") + "$"


def consumer_settings(options: KafkaOptions) -> dict[str, Any]:
    """The consumer's settings. Offsets are committed for information only; no reset ever happens in
    silence."""
    return {
        "bootstrap.servers": options.bootstrap_servers,
        "group.id": options.group,
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "error",
        "partition.assignment.strategy": "cooperative-sticky",
        "isolation.level": "read_committed",
        "enable.partition.eof": True,
        "topic.metadata.refresh.interval.ms": 5_000,
        "topic.blacklist": "^__",
        "queued.min.messages": 100_000,
        "queued.max.messages.kbytes": 65_536,
        "fetch.queue.backoff.ms": 50,
        "fetch.wait.max.ms": 100,
        "reconnect.backoff.ms": 250,
        "reconnect.backoff.max.ms": 5_000,
        "log_level": 2,  # what goes wrong comes to error_cb, and from there once to the log
        "session.timeout.ms": 15_000,
        "heartbeat.interval.ms": 2_000,
        **options.config,
    }


def topic_ids(admin: AdminClient, topics: list[str]) -> dict[str, str]:
    """The broker's own id of each topic, where it tells: a recreated topic has another."""
    ids: dict[str, str] = {}
    with contextlib.suppress(KafkaException, TimeoutError):
        futures = admin.describe_topics(TopicCollection(topics), request_timeout=NETWORK_SECONDS)
        for topic, future in futures.items():
            with contextlib.suppress(KafkaException):
                ids[topic] = str(future.result(NETWORK_SECONDS).topic_id or "")
    return ids
