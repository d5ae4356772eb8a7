"""What the commands say when there is no broker: the address, what may be wrong, and 1. No broker, of course."""

import logging
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from sluice.streams import consume, intake, produce, pulsar_source
from sluice.streams.brokers import free_port
from sluice.streams.telemetry import JsonLines


@pytest.fixture(autouse=True)
def quick_and_restored(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Patience of a second, and the signal handlers of before."""
    monkeypatch.setattr(produce, "_CONNECT_SECONDS", 1)
    monkeypatch.setattr(intake, "ONCE_PATIENCE_SECONDS", 1.0)
    monkeypatch.setattr(pulsar_source, "_OPERATION_SECONDS", 1)
    monkeypatch.setenv("SLUICE_HOME", str(tmp_path))
    monkeypatch.delenv("SLUICE_LANDING", raising=False)
    handlers = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)}
    yield
    log = logging.getLogger("sluice.streams")
    for each in [each for each in log.handlers if isinstance(each.formatter, JsonLines)]:
        log.removeHandler(each)  # it writes to this test's captured stderr
    for number, earlier in handlers.items():
        signal.signal(number, earlier)


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


@pytest.mark.parametrize("broker", ["kafka", "pulsar"])
def test_stream_once_without_a_broker(broker: str, capfd: pytest.CaptureFixture[str]) -> None:
    address = f"127.0.0.1:{free_port()}" if broker == "kafka" else f"pulsar://127.0.0.1:{free_port()}"
    where = "--bootstrap-servers" if broker == "kafka" else "--service-url"
    assert consume.main([broker, where, address, "--topic", "t", "--feed", "orders", "--once"]) == 1
    said = capfd.readouterr().err
    assert f"no partition of t within 1 s at {address}: is the broker there, and such a topic?" in said
    assert len(said.splitlines()) < 10, "a broker that is away does not flood the log"
