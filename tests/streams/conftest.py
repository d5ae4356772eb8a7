"""Brokers for the stream tests: real ones where they can be had, else librdkafka's mock cluster for Kafka."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from stream_kit import Commands, Landed

from sluice.streams.artifacts import NoBrokerError
from sluice.streams.brokers import Broker, free_port

IN_CI = os.environ.get("CI", "").lower() in {"1", "true"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What needs a broker itself is marked so, by the fixtures it asks for."""
    for item in items:
        if {"kafka_broker", "pulsar_broker"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.brokers)


def _start(kind: str, folder: Path) -> Broker | str:
    """The broker, or why there is none."""
    try:
        broker = Broker(kind, folder, free_port(), free_port())
        broker.start()
    except NoBrokerError as problem:
        return str(problem)
    return broker


@pytest.fixture(scope="session")
def real_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker | str]:
    """Apache Kafka on loopback, or why not."""
    broker = _start("kafka", tmp_path_factory.mktemp("kafka") / "broker")
    yield broker
    if isinstance(broker, Broker):
        broker.stop()


@pytest.fixture(scope="session")
def real_pulsar(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker | str]:
    """Apache Pulsar standalone on loopback, or why not."""
    broker = _start("pulsar", tmp_path_factory.mktemp("pulsar") / "broker")
    yield broker
    if isinstance(broker, Broker):
        broker.stop()


@pytest.fixture(scope="session")
def kafka_address(real_kafka: Broker | str) -> Iterator[str]:
    """Kafka, or the client library's mock cluster: said out loud, and never in CI."""
    if isinstance(real_kafka, Broker):
        yield real_kafka.address
        return
    if IN_CI:
        pytest.fail(f"CI needs a real Kafka: {real_kafka}")
    from confluent_kafka import Producer

    print(f"\nKAFKA IS A MOCK CLUSTER in this run: {real_kafka}")
    mock = Producer({"bootstrap.servers": "ignored", "test.mock.num.brokers": 1})
    brokers = mock.list_topics(timeout=10).brokers
    yield ",".join(f"{broker.host}:{broker.port}" for broker in brokers.values())


@pytest.fixture
def kafka_broker(real_kafka: Broker | str) -> Broker:
    """Kafka itself, for tests that kill it or use what the mock cluster lacks."""
    if isinstance(real_kafka, str):
        (pytest.fail if IN_CI else pytest.skip)(f"needs a real Kafka: {real_kafka}")
    return real_kafka


@pytest.fixture
def pulsar_broker(real_pulsar: Broker | str) -> Broker:
    """Pulsar itself."""
    if isinstance(real_pulsar, str):
        (pytest.fail if IN_CI else pytest.skip)(f"needs a real Pulsar: {real_pulsar}")
    return real_pulsar


@pytest.fixture
def kafka(kafka_address: str, real_kafka: Broker | str, tmp_path: Path) -> Iterator[Commands]:
    """The commands against Kafka, with a fresh data home."""
    commands = Commands("kafka", kafka_address, tmp_path, is_mock=isinstance(real_kafka, str))
    yield commands
    commands.close()


@pytest.fixture
def pulsar(pulsar_broker: Broker, tmp_path: Path) -> Iterator[Commands]:
    """The commands against Pulsar, with a fresh data home."""
    commands = Commands("pulsar", pulsar_broker.address, tmp_path, pulsar_broker.admin_url)
    yield commands
    commands.close()


@pytest.fixture
def landed(tmp_path: Path) -> Landed:
    """What landed in this test."""
    return Landed(tmp_path)
