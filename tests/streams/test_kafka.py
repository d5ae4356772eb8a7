"""Kafka to landing, against a real broker: each message exactly once, whatever happens."""

import itertools
import json
import signal
import time
import urllib.request
import uuid

import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewPartitions
from stream_kit import PATIENCE_SECONDS, Commands, Killer, Landed, assert_each_once, wait_until
from stream_kit import create_kafka_topic as create

from sluice.streams.brokers import Broker, free_port


@pytest.fixture
def topic() -> str:
    return f"events-{uuid.uuid4().hex[:8]}"


def names(count: int, prefix: str = "event-") -> set[str]:
    return {f"{prefix}{number}" for number in range(count)}


def admin(kafka: Commands) -> AdminClient:
    return AdminClient({"bootstrap.servers": kafka.broker[2]})


def send(kafka: Commands, topic: str, *values: bytes, headers: list[tuple[str, bytes]] | None = None) -> None:
    producer = Producer({"bootstrap.servers": kafka.broker[2]})
    for value in values:
        producer.produce(topic, value, b"the key", partition=0, headers=headers)
    assert producer.flush(20) == 0


def event(name: str) -> bytes:
    return json.dumps(
        {"event_id": name, "service": "a", "event_type": "b", "timestamp": "2026-01-01"}
    ).encode()


def test_every_message_lands_once_with_its_provenance(kafka: Commands, landed: Landed, topic: str) -> None:
    send(kafka, topic, event("a"), b"\xff\xfe not json", b"[1]", headers=[("trace", b"1")])
    kafka.drain(topic)
    kafka.drain(topic)
    rows = landed.rows("service_events")
    assert [row["event_id"] for row in rows] == ["a", "", ""]
    assert landed.undecoded() == [b"\xff\xfe not json", b"[1]"]
    assert [row["_offset"] for row in rows] == ["0", "1", "2"]
    first = rows[0]
    assert (first["_topic"], first["_partition"], first["_key"]) == (topic, "0", "the key")
    assert first["_headers"] == '[["trace", "1"]]'
    assert abs(int(first["_broker_timestamp"]) / 1000 - time.time()) < 300
    assert len(landed.files("service_events")) == 1


def test_csv_values_in_the_order_of_the_feed(kafka: Commands, landed: Landed, topic: str) -> None:
    kafka.produced(topic, "--format", "csv", "--count", "50", "--id-prefix", "o", feed="orders")
    kafka.drain(topic, "--format", "csv", feed="orders")
    assert_each_once(landed.ids("orders"), names(50, "o"))
    assert {row["currency"] for row in landed.rows("orders")} == {"EUR", "USD"}


def test_consumer_killed_at_random_moments(kafka: Commands, landed: Landed, topic: str) -> None:
    killer = Killer(seed=6)
    create(kafka, topic)
    files = 0
    producer = kafka.produce(topic, "--count", "60000", "--rate", "8000")
    for attempt in itertools.count():  # each in a new group: nothing that the broker knows helps
        consumer = kafka.started(topic, "--batch-seconds", "0.1", "--group", f"{topic}-{attempt}")
        if attempt % 3:  # now and then also while it is starting
            landed.wait_for_files(files + 1, unless=lambda: producer.poll() is not None)
        killer.wait(0.0, 1.0)
        files = len(landed.files("service_events"))
        killer.kill(consumer, f"the consumer, after {files} files")
        if producer.poll() is not None:
            break
    assert producer.returncode == 0
    kafka.drain(topic)
    assert_each_once(landed.ids(), names(60_000))
    assert not list(kafka.home.rglob("*.part")), "leftovers of killed consumers are removed"


def test_broker_killed_under_load(kafka: Commands, kafka_broker: Broker, landed: Landed, topic: str) -> None:
    killer = Killer(seed=7)
    create(kafka, topic)
    consumer = kafka.started(topic, "--batch-seconds", "0.3")
    producer = kafka.produce(topic, "--count", "40000", "--rate", "8000")
    wait_until(landed.ids, "landing under way")
    killer.wait(0.5, 2.0)
    kafka_broker.kill()
    killer.report("killed the broker, kill -9")
    kafka_broker.start()
    assert producer.wait(PATIENCE_SECONDS) == 0
    wait_until(lambda: sum(landed.ids().values()) >= 40_000, "everything landed")
    consumer.send_signal(signal.SIGTERM)
    assert consumer.wait(PATIENCE_SECONDS) == 0
    assert_each_once(landed.ids(), names(40_000))


def test_rebalance_in_the_middle_of_a_batch(kafka: Commands, landed: Landed, topic: str) -> None:
    create(kafka, topic, partitions=4)
    first = kafka.stream(topic, "--batch-seconds", "1")
    producer = kafka.produce(topic, "--count", "60000", "--rate", "8000")
    wait_until(lambda: sum(landed.ids().values()) > 5_000, "the first consumer is at work")
    second = kafka.started(topic, "--batch-seconds", "1")
    time.sleep(1.5)
    first.send_signal(signal.SIGTERM)
    assert first.wait(PATIENCE_SECONDS) == 0
    assert producer.wait(PATIENCE_SECONDS) == 0
    wait_until(lambda: sum(landed.ids().values()) >= 60_000, "everything landed")
    second.send_signal(signal.SIGTERM)
    assert second.wait(PATIENCE_SECONDS) == 0
    assert_each_once(landed.ids(), names(60_000))
    log = kafka.log.read_text()
    assert log.count('"partitions assigned"') >= 2 and '"partitions revoked"' in log


def test_frozen_consumer_wakes_after_its_partitions_were_given_away(
    kafka: Commands, landed: Landed, topic: str
) -> None:
    create(kafka, topic, partitions=1)
    patience = ("--config", "session.timeout.ms=6000")
    zombie = kafka.stream(topic, "--batch-seconds", "4", *patience)
    wait_until(lambda: kafka.log.exists() and "assigned" in kafka.log.read_text(), "first consumer assigned")
    kafka.produced(topic, "--count", "3000")
    time.sleep(1)
    zombie.send_signal(signal.SIGSTOP)
    successor = kafka.stream(topic, "--batch-seconds", "0.2", *patience)
    wait_until(lambda: sum(landed.ids().values()) >= 3000, "the successor landed what the zombie had read")
    zombie.send_signal(signal.SIGCONT)
    kafka.produced(topic, "--count", "3000", "--id-prefix", "later-")
    wait_until(lambda: sum(landed.ids().values()) >= 6000, "everything landed")
    time.sleep(2)
    for consumer in (zombie, successor):
        consumer.send_signal(signal.SIGTERM)
        assert consumer.wait(PATIENCE_SECONDS) == 0
    assert_each_once(landed.ids(), names(3000) | names(3000, "later-"))


def test_patterns_new_topics_and_new_partitions(
    kafka: Commands, kafka_broker: Broker, landed: Landed
) -> None:
    tag = uuid.uuid4().hex[:6]
    create(kafka, f"merchant_{tag}_a.events", 1)
    create(kafka, f"merchant_{tag}_a-events", 1)
    consumer = kafka.stream(f"merchant_{tag}_*.events", "--batch-seconds", "0.2")
    kafka.produced(f"merchant_{tag}_a.events", "--count", "10", "--id-prefix", "a")
    kafka.produced(f"merchant_{tag}_a-events", "--count", "10", "--id-prefix", "other")
    wait_until(lambda: len(landed.ids()) >= 10, "the first topic landed")
    create(kafka, f"merchant_{tag}_b.events", 1)
    client = admin(kafka)
    grown = f"merchant_{tag}_a.events"
    client.create_partitions([NewPartitions(grown, 2)])[grown].result(20)
    time.sleep(1)
    kafka.produced(f"merchant_{tag}_b.events", "--count", "10", "--id-prefix", "b")
    kafka.produced(f"merchant_{tag}_a.events", "--count", "10", "--id-prefix", "new", "--partition", "1")
    wait_until(lambda: len(landed.ids()) >= 30, "new topic and new partition landed")
    consumer.send_signal(signal.SIGTERM)
    assert consumer.wait(PATIENCE_SECONDS) == 0
    assert_each_once(landed.ids(), names(10, "a") | names(10, "b") | names(10, "new"))


def gaps(kafka: Commands) -> list[dict[str, object]]:
    file = kafka.home / "streams" / "gaps.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def test_deleted_messages_are_reported_as_a_gap(
    kafka: Commands, kafka_broker: Broker, landed: Landed, topic: str
) -> None:
    create(kafka, topic, 1)
    kafka.produced(topic, "--count", "100")
    kafka.drain(topic)
    kafka.produced(topic, "--count", "100", "--id-prefix", "second-")
    client = admin(kafka)
    client.delete_records([TopicPartition(topic, 0, 150)])[TopicPartition(topic, 0)].result(20)
    kafka.drain(topic)
    [gap] = gaps(kafka)
    assert (gap["kind"], gap["expected"], gap["found"], gap["lost"]) == ("deleted", "100", "150", 50)
    assert sum(landed.ids().values()) == 150


def cut_short(landed: Landed) -> None:
    """Take the second half off the largest landed file."""
    largest = max(landed.files("service_events"), key=lambda path: path.stat().st_size)
    largest.write_bytes(largest.read_bytes()[: largest.stat().st_size // 2])


def test_a_truncated_file_lands_anew(kafka: Commands, landed: Landed, topic: str) -> None:
    create(kafka, topic)
    kafka.produced(topic, "--count", "500")
    kafka.drain(topic)
    cut_short(landed)
    kafka.produced(topic, "--count", "100", "--id-prefix", "later-")
    kafka.drain(topic)
    assert_each_once(landed.ids(), names(500) | names(100, "later-"))
    assert gaps(kafka) == []


def test_a_truncated_file_that_the_broker_no_longer_has_is_a_gap(
    kafka: Commands, kafka_broker: Broker, landed: Landed, topic: str
) -> None:
    create(kafka, topic, 1)
    kafka.produced(topic, "--count", "100")
    kafka.drain(topic)
    client = admin(kafka)
    client.delete_records([TopicPartition(topic, 0, 50)])[TopicPartition(topic, 0)].result(20)
    cut_short(landed)
    kafka.drain(topic)
    kafka.drain(topic)
    [gap] = gaps(kafka)
    assert (gap["kind"], gap["expected"], gap["found"], gap["lost"]) == ("truncated", "0", "99", None)


def test_compacted_topic_has_no_gap(
    kafka: Commands, kafka_broker: Broker, landed: Landed, topic: str
) -> None:
    create(kafka, topic, 1)
    producer = Producer({"bootstrap.servers": kafka.broker[2], "transactional.id": topic})
    producer.init_transactions(20)
    for number in range(4):
        producer.begin_transaction()
        producer.produce(topic, event(f"{'good' if number % 2 else 'aborted'}-{number}"))
        (producer.commit_transaction if number % 2 else producer.abort_transaction)()
    kafka.drain(topic)
    assert_each_once(landed.ids(), {"good-1", "good-3"})
    assert gaps(kafka) == []


def test_recreated_topic_is_read_from_its_beginning(
    kafka: Commands, kafka_broker: Broker, landed: Landed, topic: str
) -> None:
    create(kafka, topic, 1)
    kafka.produced(topic, "--count", "100")
    kafka.drain(topic)
    client = admin(kafka)
    client.delete_topics([topic])[topic].result(20)
    time.sleep(1)
    create(kafka, topic, 1)
    kafka.produced(topic, "--count", "130", "--id-prefix", "second-")
    kafka.drain(topic)
    assert_each_once(landed.ids(), names(100) | names(130, "second-"))
    assert [path.name for path in landed.files("service_events") if "@2" in path.name]


def test_what_was_archived_does_not_land_again(kafka: Commands, landed: Landed, topic: str) -> None:
    kafka.produced(topic, "--count", "100")
    kafka.drain(topic)
    for path in landed.files("service_events"):
        path.unlink()
    kafka.drain(topic, "--group", "another-group")
    assert landed.files("service_events") == []


def test_prometheus_and_graceful_stop(kafka: Commands, landed: Landed, topic: str) -> None:
    port = free_port()
    create(kafka, topic, 1)
    consumer = kafka.started(topic, "--batch-seconds", "600", "--prometheus-port", str(port))
    kafka.produced(topic, "--count", "500", "--partition", "0")
    lag = f'sluice_stream_lag_messages{{feed="service_events",partition="0",topic="{topic}"}} 500.0'

    def prometheus() -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/prometheus", timeout=20) as answer:
            return answer.read().decode()

    wait_until(lambda: lag in prometheus(), "the lag is told")
    assert not landed.files("service_events"), "the batch is not due yet"
    consumer.send_signal(signal.SIGTERM)
    assert consumer.wait(PATIENCE_SECONDS) == 0
    assert_each_once(landed.ids(), names(500))
