"""`scripts/brokers start|stop|status kafka|pulsar`: a real broker on loopback, with data that goes when it
stops."""

import argparse
import base64
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import uuid
from dataclasses import dataclass, field
from pathlib import Path

from sluice.home import data_home
from sluice.streams.artifacts import KAFKA, PULSAR, NoBrokerError, classpath, java

_READY_SECONDS = 90
_STOP_SECONDS = 20
_LET_GO_SECONDS = 6  # it takes one second; the rest of its end can take a minute
_STARTS = 3
_REGISTRATIONS = 20  # more than a broker makes that has found its storage
_OPENED = (
    "java.base/java.io", "java.base/java.lang", "java.base/java.nio", "java.base/java.util.zip",
    "java.base/jdk.internal.loader", "java.base/jdk.internal.misc", "java.base/jdk.internal.platform",
    "java.base/sun.net", "java.base/sun.nio.ch", "java.management/sun.management",
    "jdk.management/com.sun.management.internal",
)  # fmt: skip


def free_port() -> int:
    """A loopback port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Broker:
    """A broker in one folder: its settings, data, log and process id."""

    kind: str
    folder: Path
    port: int
    admin_port: int
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """What clients are given."""
        return f"127.0.0.1:{self.port}" if self.kind == "kafka" else f"pulsar://127.0.0.1:{self.port}"

    @property
    def admin_url(self) -> str:
        """Pulsar's web service."""
        return f"http://127.0.0.1:{self.admin_port}"

    def start(self) -> None:
        """Start, on the data that is there, and wait until it answers. Raises NoBrokerError.

        A Pulsar (4.0) that was killed leaves the registration of its storage behind. The next one removes it, takes its
        own for invalid when it hears of that, and registers again without end, on all processors. One that is asked to
        stop takes its registration along, so it is started once more.
        """
        for _ in range(_STARTS):
            log_size = (self.folder / "log").stat().st_size if (self.folder / "log").exists() else 0
            self._start()
            with (self.folder / "log").open("rb") as log:
                log.seek(log_size)
                if log.read().count(b"was invalidated") < _REGISTRATIONS:
                    return
            self._end(signal.SIGTERM, _LET_GO_SECONDS)
            self.kill()
        raise NoBrokerError(f"{self.kind} does not find its storage; see {self.folder / 'log'}")

    def _start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        command = self._kafka_command() if self.kind == "kafka" else self._pulsar_command()
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                command, stdout=log, stderr=log, cwd=self.folder, start_new_session=True
            )
        (self.folder / "pid").write_text(str(process.pid))
        deadline = time.monotonic() + _READY_SECONDS
        while not self._answers():
            if process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise NoBrokerError(f"{self.kind} did not start; see {self.folder / 'log'}")
            time.sleep(0.2)

    def pid(self) -> int | None:
        """The running broker's process id."""
        try:
            pid = int((self.folder / "pid").read_text())
            ours = str(self.folder).encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
        except (OSError, ValueError):
            return None
        return pid if ours else None

    def kill(self) -> None:
        """Kill it as a power cut would; the data stays."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Stop it and remove its data."""
        self._end(signal.SIGTERM)
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _end(self, how: signal.Signals, seconds: float = _STOP_SECONDS) -> None:
        pid = self.pid()
        if pid is None:
            return
        os.kill(pid, how)
        deadline = time.monotonic() + seconds
        while self.pid() and time.monotonic() < deadline:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            if self.kind == "pulsar":
                with urllib.request.urlopen(
                    f"{self.admin_url}/admin/v2/namespaces/public", timeout=2
                ) as answer:
                    if b"public/default" not in answer.read():
                        return False
            with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return True
        except OSError:
            return False

    def _kafka_command(self) -> list[str]:
        controller = f"127.0.0.1:{self.admin_port}"
        settings = {
            "process.roles": "broker,controller", "node.id": "1",
            "controller.quorum.voters": f"1@{controller}",
            "listeners": f"PLAINTEXT://{self.address},CONTROLLER://{controller}",
            "advertised.listeners": f"PLAINTEXT://{self.address}",
            "controller.listener.names": "CONTROLLER", "inter.broker.listener.name": "PLAINTEXT",
            "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
            "log.dirs": str(self.folder / "data"), "num.partitions": "2",
            "offsets.topic.replication.factor": "1", "offsets.topic.num.partitions": "4",
            "transaction.state.log.replication.factor": "1", "transaction.state.log.min.isr": "1",
            "transaction.state.log.num.partitions": "4",
            "group.initial.rebalance.delay.ms": "0", "log.retention.check.interval.ms": "1000",
            "log.segment.delete.delay.ms": "1000", **self.settings,
        }  # fmt: skip
        file = self.folder / "server.properties"
        file.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        run = [java(), "-Xms256m", "-Xmx512m", "-cp", classpath(KAFKA)]
        if not (self.folder / "data" / "meta.properties").exists():
            cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
            storage = [*run, "kafka.tools.StorageTool", "format", "-t", f"s{cluster[1:]}", "-c", str(file)]
            done = subprocess.run(storage, capture_output=True, text=True, check=False)
            if done.returncode:
                raise NoBrokerError(
                    f"Kafka's storage could not be formatted: {done.stdout[-500:]}{done.stderr[-500:]}"
                )
        return [*run, "kafka.Kafka", str(file)]

    def _pulsar_command(self) -> list[str]:
        settings = {
            "clusterName": "standalone", "brokerServicePort": str(self.port),
            "webServicePort": str(self.admin_port),
            "bindAddress": "127.0.0.1", "advertisedAddress": "127.0.0.1", "allowAutoTopicCreation": "true",
            "managedLedgerDefaultEnsembleSize": "1", "managedLedgerDefaultWriteQuorum": "1",
            "managedLedgerDefaultAckQuorum": "1", "webSocketServiceEnabled": "false",
            "bookkeeperDiskUsageThreshold": "0.99", "diskUsageThreshold": "0.99",
            "defaultRetentionTimeInMinutes": "60", "defaultRetentionSizeInMB": "1024",  # or acknowledged is deleted
            **self.settings,
        }  # fmt: skip
        file = self.folder / "standalone.conf"
        file.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        opened = [argument for package in _OPENED for argument in ("--add-opens", f"{package}=ALL-UNNAMED")]
        return [
            java(), "-Xms256m", "-Xmx768m", "-XX:MaxDirectMemorySize=768m",
            "-Dio.netty.tryReflectionSetAccessible=true", *opened, "-cp", classpath(PULSAR),
            "org.apache.pulsar.PulsarStandaloneStarter", "--config", str(file),
            "--no-functions-worker", "--no-stream-storage", "-a", "127.0.0.1",
            "--bookkeeper-port", str(free_port()),
            "--metadata-dir", str(self.folder / "metadata"), "--bookkeeper-dir", str(self.folder / "ledgers"),
        ]  # fmt: skip


def main(argv: list[str] | None = None) -> int:
    """Run the command; the exit code."""
    cli = argparse.ArgumentParser(
        prog="scripts/brokers",
        description="Start or stop a real Kafka or Pulsar on loopback, for trying out and for tests. "
        "Needs Java 17 and, the first time, Maven. Stopping removes the data.",
    )
    cli.add_argument("action", choices=["start", "stop", "status"])
    cli.add_argument("broker", choices=["kafka", "pulsar"])
    cli.add_argument("--port", type=int, help="for clients (default: 9092, Pulsar 6650)")
    cli.add_argument(
        "--admin-port", type=int, help="Kafka's controller (default: 9093) or Pulsar's web service (8080)"
    )
    arguments = cli.parse_args(argv)
    kafka = arguments.broker == "kafka"
    broker = Broker(
        arguments.broker,
        data_home().root / "brokers" / arguments.broker,
        arguments.port or (9092 if kafka else 6650),
        arguments.admin_port or (9093 if kafka else 8080),
    )
    if arguments.action == "stop":
        broker.stop()
        return 0
    if arguments.action == "status":
        print(f"running, process {broker.pid()}" if broker.pid() else "not running")
        return 0 if broker.pid() else 1
    if broker.pid():
        print(f"{arguments.broker} is running already", file=sys.stderr)
        return 0
    try:
        broker.start()
    except NoBrokerError as problem:
        print(f"scripts/brokers: {problem}", file=sys.stderr)
        return 1
    print(
        f"--bootstrap-servers {broker.address}"
        if kafka
        else f"--service-url {broker.address} --admin-url {broker.admin_url}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
