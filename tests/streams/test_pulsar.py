"""Pulsar to landing, against a real broker: each message exactly once, whatever happens."""

import itertools
import signal
import time
import urllib.request
import uuid
from collections.abc import Iterator

import pulsar as client_library
import pytest
from stream_kit import PATIENCE_SECONDS, Commands, Killer, Landed, assert_each_once, wait_until

from sluice.streams.brokers import Broker


@pytest.fixture
def topic() -> str:
    return f"events-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def client(pulsar_broker: Broker) -> Iterator[client_library.Client]:
    quiet = client_library.ConsoleLogger(client_library.LoggerLevel.Error)
    found = client_library.Client(pulsar_broker.address, logger=quiet)
    yield found
    found.close()


def names(count: int, prefix: str = "event-") -> set[str]:
    return {f"{prefix}{number}" for number in range(count)}


def partitioned(broker: Broker, topic: str, partitions: int) -> None:
    request = urllib.request.Request(
        f"{broker.admin_url}/admin/v2/persistent/public/default/{topic}/partitions",
        data=str(partitions).encode(),
        headers={"Content-Type": "application/json"},
        method="PUT",
    )
    urllib.request.urlopen(request, timeout=10).close()


def test_every_message_lands_once_with_its_provenance(
    pulsar: Commands, client: client_library.Client, landed: Landed, topic: str
) -> None:
    producer = client.create_producer(topic)
    producer.send(b'{"event_id": "a"}', properties={"trace": "1"}, partition_key="the key")
    producer.send(b"\xff\xfe not json")
    pulsar.drain(topic)
    pulsar.drain(topic)
    first, second = landed.rows("service_events")
    assert (first["event_id"], first["_key"], first["_headers"]) == ("a", "the key", '[["trace", "1"]]')
    assert first["_topic"] == f"persistent://public/default/{topic}"
    assert first["_offset"].count(".") == 2
    assert second["event_id"] == ""
    assert landed.undecoded() == [b"\xff\xfe not json"]


def test_consumer_killed_at_random_moments(
    pulsar: Commands, pulsar_broker: Broker, landed: Landed, topic: str
) -> None:
    killer = Killer(seed=8)
    partitioned(pulsar_broker, topic, 2)
    files = 0
    producer = pulsar.produce(topic, "--count", "40000", "--rate", "4000")
    for (
        attempt
    ) in itertools.count():  # every other time in a new subscription: acknowledgements do not matter
        consumer = pulsar.started(topic, "--batch-seconds", "0.1", "--subscription", f"s{attempt // 2}")
        if attempt % 3:  # now and then also while it is starting
            landed.wait_for_files(files + 1, unless=lambda: producer.poll() is not None)
        killer.wait(0.0, 1.0)
        files = len(landed.files("service_events"))
        killer.kill(consumer, f"the consumer, after {files} files")
        if producer.poll() is not None:
            break
    assert producer.returncode == 0
    pulsar.drain(topic, "--subscription", f"s{attempt // 2}")
    assert_each_once(landed.ids(), names(40_000))


def test_acknowledgements_ahead_of_landing_do_not_count(
    pulsar: Commands, client: client_library.Client, landed: Landed, topic: str
) -> None:
    pulsar.produced(topic, "--count", "1000")
    pulsar.drain(topic)
    pulsar.produced(topic, "--count", "1000", "--id-prefix", "acknowledged-by-somebody-")
    consumer = client.subscribe(
        topic, "sluice-service_events", consumer_type=client_library.ConsumerType.Failover
    )
    for _ in range(1000):
        consumer.acknowledge_cumulative(consumer.receive(10_000))
    consumer.close()
    pulsar.produced(topic, "--count", "10", "--id-prefix", "last-")
    pulsar.drain(topic)
    assert_each_once(
        landed.ids(), names(1000) | names(1000, "acknowledged-by-somebody-") | names(10, "last-")
    )
    assert not (pulsar.home / "streams" / "gaps.jsonl").exists()


def test_a_truncated_file_lands_anew(pulsar: Commands, landed: Landed, topic: str) -> None:
    pulsar.produced(topic, "--count", "500")
    pulsar.drain(topic)
    largest = max(landed.files("service_events"), key=lambda path: path.stat().st_size)
    largest.write_bytes(largest.read_bytes()[: largest.stat().st_size // 2])
    pulsar.produced(topic, "--count", "100", "--id-prefix", "later-")
    pulsar.drain(topic)
    assert_each_once(landed.ids(), names(500) | names(100, "later-"))


def test_two_consumers_share_and_one_is_killed(
    pulsar: Commands, pulsar_broker: Broker, landed: Landed, topic: str
) -> None:
    killer = Killer(seed=9)
    partitioned(pulsar_broker, topic, 2)
    consumers = [pulsar.started(topic, "--batch-seconds", "0.2") for _ in range(2)]
    producer = pulsar.produce(topic, "--count", "20000", "--rate", "4000")
    wait_until(landed.ids, "landing under way")
    killer.wait(2.0, 3.0)
    killer.kill(consumers[0], "one of two consumers")
    assert producer.wait(PATIENCE_SECONDS) == 0
    wait_until(lambda: sum(landed.ids().values()) >= 20_000, "everything landed")
    consumers[1].send_signal(signal.SIGTERM)
    assert consumers[1].wait(PATIENCE_SECONDS) == 0
    assert_each_once(landed.ids(), names(20_000))


def test_patterns_and_csv(pulsar: Commands, landed: Landed) -> None:
    tag = uuid.uuid4().hex[:6]
    for shop in "ab":
        topic = f"merchant_{tag}_{shop}.events"
        pulsar.produced(topic, "--count", "20", "--id-prefix", shop, "--format", "csv", feed="orders")
    pulsar.produced(f"other_{tag}", "--count", "20", feed="orders")
    pulsar.drain(f"merchant_{tag}_*.events", "--format", "csv", feed="orders")
    assert_each_once(landed.ids("orders"), names(20, "a") | names(20, "b"))


def test_broker_killed_under_load(
    pulsar: Commands, pulsar_broker: Broker, landed: Landed, topic: str
) -> None:
    killer = Killer(seed=10)
    consumer = pulsar.started(topic, "--batch-seconds", "0.3")
    producer = pulsar.produce(topic, "--count", "15000", "--rate", "3000")
    wait_until(landed.ids, "landing under way")
    killer.wait(0.5, 2.0)
    pulsar_broker.kill()
    killer.report("killed the broker, kill -9")
    pulsar_broker.start()
    assert producer.wait(PATIENCE_SECONDS) == 0
    wait_until(lambda: len(landed.ids()) >= 15_000, "everything landed")
    time.sleep(1)
    consumer.send_signal(signal.SIGTERM)
    assert consumer.wait(PATIENCE_SECONDS) == 0
    found = landed.ids()
    assert set(found) == names(15_000)
    positions = [(row["_topic"], row["_partition"], row["_offset"]) for row in landed.rows("service_events")]
    assert len(positions) == len(set(positions)), "no message landed twice"
    print(f"sent again by the producer after the broker's death: {sum(found.values()) - len(found)}")
