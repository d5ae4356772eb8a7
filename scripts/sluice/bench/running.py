"""Commands of the project in the background, and what they take."""

import contextlib
import os
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sluice.home import PROJECT_ROOT

PATIENCE_SECONDS = 300


@contextmanager
def running(
    command: Sequence[str], environment: Mapping[str, str], log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """A command, its output appended to `log`, until the block ends."""
    with (
        log.open("ab") as output,
        subprocess.Popen(
            command, env=dict(environment), cwd=PROJECT_ROOT, stdout=output, stderr=output
        ) as process,
    ):
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()


def fetch(url: str) -> bytes:
    """The body of a page. Raises OSError."""
    with urllib.request.urlopen(url, timeout=10) as answer:
        return bytes(answer.read())


def wait_for(url: str, what: str) -> None:
    """Until a page answers. Raises RuntimeError when it does not."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            fetch(url)
            return
        time.sleep(0.5)
    raise RuntimeError(f"{what} did not answer within {PATIENCE_SECONDS} s at {url}")


def wait_for_text(log: Path, text: str, what: str) -> None:
    """Until a command has said something. Raises RuntimeError when it does not."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while text not in log.read_text(encoding="utf-8"):
        if time.monotonic() > deadline:
            raise RuntimeError(f"{what} did not say '{text}' within {PATIENCE_SECONDS} s: {log.read_text()}")
        time.sleep(0.2)


def peak_mib(process: subprocess.Popen[bytes]) -> float:
    """The most memory the process has had."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return round(int(status.split("VmHWM:")[1].split()[0]) / 1024, 1)


def cpu_seconds(process: subprocess.Popen[Any]) -> float:
    """User and system time of the process and its ended children; it does not depend on what else the machine does."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
