"""What the commands say when there is no broker: the address, what may be wrong, and 1. No broker, of course."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from sluice.streams import consume, kafka_source, produce
from sluice.streams.brokers import free_port


@pytest.fixture(autouse=True)
def quick_and_restored(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Patience of a second, and the signal handlers of before."""
    monkeypatch.setattr(produce, "_CONNECT_SECONDS", 1)
    monkeypatch.setattr(kafka_source, "_ONCE_PATIENCE_SECONDS", 1.0)
    monkeypatch.setenv("SLUICE_HOME", str(tmp_path))
    monkeypatch.delenv("SLUICE_LANDING", raising=False)
    handlers = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)}
    yield
    for each, handler in handlers.items():
        signal.signal(each, handler)


@pytest.mark.parametrize("broker", ["kafka", "pulsar"])
def test_produce_without_a_broker(broker: str, capfd: pytest.CaptureFixture[str]) -> None:
    address = f"127.0.0.1:{free_port()}"
    where = (
        ["--bootstrap-servers", address] if broker == "kafka" else ["--service-url", f"pulsar://{address}"]
    )
    assert produce.main([broker, *where, "--topic", "t", "--feed", "orders", "--count", "1"]) == 1
    said = capfd.readouterr()
    assert address in said.err.splitlines()[-1]
    assert "Traceback" not in said.err and not said.out


def test_stream_once_without_a_broker(capfd: pytest.CaptureFixture[str]) -> None:
    address = f"127.0.0.1:{free_port()}"
    arguments = ["kafka", "--bootstrap-servers", address, "--topic", "t", "--feed", "orders", "--once"]
    assert consume.main(arguments) == 1
    said = capfd.readouterr().err
    assert f"no partition of t within 1 s at {address}: is the broker there, and such a topic?" in said
    assert len(said.splitlines()) < 10, "a broker that is away does not flood the log"
