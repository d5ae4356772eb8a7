"""Topics made again, transactions, tombstones, framed values and odd names: nothing stalls, nothing is lost in silence,
and nothing that is no loss is told as one."""

import json
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from raw_headers import send_with_header
from stream_kit import PATIENCE_SECONDS, Commands, Landed, assert_each_once, wait_until
from stream_kit import create_kafka_topic as create

from sluice.streams.brokers import Broker


@pytest.fixture
def topic() -> str:
    return f"events-{uuid.uuid4().hex[:8]}"


def names(count: int, prefix: str = "event-") -> set[str]:
    return {f"{prefix}{number}" for number in range(count)}


def event(name: str) -> bytes:
    return json.dumps(
        {"event_id": name, "service": "a", "event_type": "b", "timestamp": "2026-01-01"}
    ).encode()


def gaps(kafka: Commands) -> list[dict[str, object]]:
    file = kafka.home / "streams" / "gaps.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def delete(kafka: Commands, topic: str) -> None:
    client = AdminClient({"bootstrap.servers": kafka.broker[2]})
    client.delete_topics([topic])[topic].result(20)


def make_again(kafka: Commands, topic: str) -> None:
    """As soon as the broker takes it."""

    def made() -> bool:
        try:
            create(kafka, topic, 1)
        except Exception:
            return False
        return True

    wait_until(made, "the topic made again")


def delete_all_records(kafka: Commands, topic: str, before: int) -> None:
    client = AdminClient({"bootstrap.servers": kafka.broker[2]})
    partition = TopicPartition(topic, 0, before)
    client.delete_records([partition])[TopicPartition(topic, 0)].result(20)


@pytest.mark.parametrize("pause", [0.0, 12.0], ids=["at once", "after a while"])
@pytest.mark.parametrize("more", [30, 130], ids=["fewer messages", "more messages"])
def test_a_topic_made_again_under_a_running_consumer(
    kafka: Commands, kafka_broker: Broker, landed: Landed, topic: str, more: int, pause: float
) -> None:
    create(kafka, topic, 1)
    consumer = kafka.started(topic, "--batch-seconds", "0.2")
    kafka.produced(topic, "--count", "100")
    wait_until(lambda: sum(landed.ids().values()) >= 100, "the old topic landed")
    delete(kafka, topic)
    time.sleep(pause)
    make_again(kafka, topic)
    kafka.produced(topic, "--count", str(more), "--id-prefix", "second-")
    expected = names(100) | names(more, "second-")
    began = time.monotonic()
    wait_until(lambda: set(landed.ids()) >= expected, "the new topic landed")
    assert time.monotonic() - began < 60
    consumer.send_signal(signal.SIGTERM)
    assert consumer.wait(PATIENCE_SECONDS) == 0
    kafka.drain(topic)
    assert_each_once(landed.ids(), expected)
    (gap,) = gaps(kafka)
    assert (gap["kind"], gap["expected"], gap["found"], gap["lost"]) == ("topic_reset", "100", "0", None)


def test_a_topic_made_again_while_nobody_read_is_a_gap_too(
    kafka: Commands, kafka_broker: Broker, landed: Landed, topic: str
) -> None:
    create(kafka, topic, 1)
    kafka.produced(topic, "--count", "100")
    kafka.drain(topic)
    delete(kafka, topic)
    time.sleep(3)
    make_again(kafka, topic)
    kafka.produced(topic, "--count", "130", "--id-prefix", "second-")
    kafka.drain(topic)
    kafka.drain(topic)
    assert_each_once(landed.ids(), names(100) | names(130, "second-"))
    assert [gap["kind"] for gap in gaps(kafka)] == ["topic_reset"]


def transaction(kafka: Commands, topic: str, prefix: str, count: int, commits: bool) -> None:
    settings = {"bootstrap.servers": kafka.broker[2], "transactional.id": f"{topic}-{prefix}", "log_level": 0}
    producer = Producer(settings)
    producer.init_transactions(60)
    producer.begin_transaction()
    for number in range(count):
        producer.produce(topic, event(f"{prefix}{number}"), partition=0)
    producer.flush(20)
    (producer.commit_transaction if commits else producer.abort_transaction)()


def high(kafka: Commands, topic: str) -> int:
    from confluent_kafka import Consumer

    consumer = Consumer({"bootstrap.servers": kafka.broker[2], "group.id": "asks"})
    try:
        return int(consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=20)[1])
    finally:
        consumer.close()


@pytest.mark.parametrize("runs_on", [False, True], ids=["between two runs", "under a running consumer"])
def test_marks_of_transactions_and_aborted_tails_that_are_deleted_are_no_loss(
    kafka: Commands, kafka_broker: Broker, landed: Landed, topic: str, runs_on: bool
) -> None:
    create(kafka, topic, 1)
    consumer = kafka.started(topic, "--batch-seconds", "0.2") if runs_on else None
    expected: set[str] = set()
    for number in range(3):
        transaction(kafka, topic, f"good-{number}-", 5, commits=True)
        transaction(kafka, topic, f"aborted-{number}-", 4, commits=False)
        expected |= names(5, f"good-{number}-")
        if consumer is None:
            kafka.drain(topic)
        else:
            wait_until(lambda wanted=expected: set(landed.ids()) >= wanted, "the transaction landed")
            time.sleep(2)
        delete_all_records(kafka, topic, high(kafka, topic))
    if consumer is None:
        kafka.drain(topic)
    else:
        consumer.send_signal(signal.SIGTERM)
        assert consumer.wait(PATIENCE_SECONDS) == 0
    assert_each_once(landed.ids(), expected)
    assert gaps(kafka) == []


def test_messages_deleted_from_a_transactional_topic_are_told_without_a_number(
    kafka: Commands, kafka_broker: Broker, landed: Landed, topic: str
) -> None:
    create(kafka, topic, 1)
    transaction(kafka, topic, "good-", 5, commits=True)
    kafka.drain(topic)
    transaction(kafka, topic, "lost-", 5, commits=True)
    delete_all_records(kafka, topic, high(kafka, topic))
    transaction(kafka, topic, "more-", 5, commits=True)
    kafka.drain(topic)
    assert_each_once(landed.ids(), names(5, "good-") | names(5, "more-"))
    (gap,) = gaps(kafka)
    assert (gap["kind"], gap["lost"]) == ("deleted", None)


def test_a_header_s_name_that_is_not_utf_8_does_not_end_the_process(
    kafka: Commands, landed: Landed, topic: str
) -> None:
    create(kafka, topic, 1)
    producer = Producer({"bootstrap.servers": kafka.broker[2]})
    producer.produce(topic, event("a"), partition=0, headers=[("trace", b"1")])
    assert producer.flush(20) == 0
    send_with_header(kafka.broker[2], topic, event("b"), b"\xff\xfe")
    producer.produce(topic, event("c"), partition=0)
    assert producer.flush(20) == 0
    kafka.drain(topic)
    rows = {row["event_id"]: row["_headers"] for row in landed.rows("service_events")}
    assert set(rows) == {"a", "b", "c"}
    assert rows["a"] == '[["trace", "1"]]' and rows["c"] == ""
    assert "not UTF-8" in json.loads(rows["b"])[0][1]


def test_tombstones_and_framed_values(kafka: Commands, landed: Landed, topic: str) -> None:
    create(kafka, topic, 1)
    producer = Producer({"bootstrap.servers": kafka.broker[2]})
    frame = b"\0" + (42).to_bytes(4, "big")
    for value in (event("a"), None, frame + event("b"), frame + b"\x02\x06abc", frame + b"\0\x0a\x03abc"):
        producer.produce(topic, value, b"the key", partition=0)
    assert producer.flush(20) == 0
    kafka.drain(topic)
    rows = landed.rows("service_events")
    assert [row["event_id"] for row in rows] == ["a", "", "b", "", ""]
    assert [row["_tombstone"] for row in rows] == ["", "true", "", "", ""]
    assert [bool(row["_undecodable_base64"]) for row in rows] == [False, False, False, True, True]
    assert all("schema 42" in row["_undecodable_because"] for row in rows[3:])
    assert all("Avro or Protobuf" in row["_undecodable_because"] for row in rows[3:])
    assert rows[1]["_key"] == "the key"
    assert '"tombstones": 1' in kafka.log.read_text()


SECRET = "correct-horse-battery"  # noqa: S105 - made up


@pytest.mark.parametrize("how", ["environment", "file"])
def test_a_password_is_in_no_log_and_in_no_list_of_processes(
    kafka: Commands, topic: str, tmp_path: Path, how: str
) -> None:
    """The broker wants none, so the client is refused or ignored: either way it has been told."""
    kafka.environment["SLUICE_KAFKA_SASL_USERNAME"] = "somebody"
    more = [
        "--config",
        "security.protocol=SASL_PLAINTEXT",
        "--config",
        "sasl.mechanism=PLAIN",
        "--log-level",
        "debug",
    ]
    if how == "environment":
        kafka.environment["SLUICE_KAFKA_SASL_PASSWORD"] = SECRET
    else:
        (tmp_path / "settings").write_text(f"# of the client\n\nsasl.password = {SECRET}\n")
        more += ["--config-file", str(tmp_path / "settings")]
    process = kafka.stream(topic, *more)
    wait_until(lambda: kafka.log.exists() and "broker" in kafka.log.read_text(), "the broker refuses")
    seen = Path(f"/proc/{process.pid}/cmdline").read_bytes()
    process.terminate()
    process.wait(PATIENCE_SECONDS)
    assert SECRET.encode() not in seen and SECRET not in kafka.log.read_text()


def test_a_wrong_setting_is_told_without_its_value(kafka: Commands, topic: str) -> None:
    kafka.environment["SLUICE_KAFKA_SSL_KEY_PASSWORD"] = SECRET
    kafka.environment["SLUICE_KAFKA_SSL_KEY_PEM"] = f"no key: {SECRET}"
    process = kafka.stream(topic, "--config", "security.protocol=SSL")
    assert process.wait(PATIENCE_SECONDS) == 1
    assert SECRET not in kafka.log.read_text()
    (kafka.home / "settings").write_text(f"{SECRET}\n")
    command = [
        *kafka.broker,
        "--topic",
        topic,
        "--feed",
        "orders",
        "--config-file",
        str(kafka.home / "settings"),
    ]
    for module in ("consume", "produce"):
        done = subprocess.run(
            [*(sys.executable, "-m", f"sluice.streams.{module}"), *command],
            env=kafka.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 2 and "line 1" in done.stderr and SECRET not in done.stderr
