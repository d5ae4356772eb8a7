"""A small data home on a file system of its own, processes that are struck, and what is left of both."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.faults import kinds
from tests.faults.power import Recorder
from tests.faults.worker import COUNTS
from tests.pipeline.harness import PROJECT, DataHome

SECONDS = 180
FAKETIME = ("/usr/lib/*/faketime/libfaketimeMT.so.1", "/usr/lib64/faketime/libfaketimeMT.so.1")


@dataclass
class Run:
    """One run of a command that has ended."""

    status: int
    said: str
    struck: bool
    counts: dict[str, int] = field(default_factory=dict)


class Worker:
    """The process that commands are forked from."""

    def __init__(self, home: DataHome, folder: Path, **environment: str) -> None:
        folder.mkdir()
        self._folder, self._runs = folder, 0
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("SLUICE_", "DBT_"))}
        paths = f"{PROJECT / 'scripts'}{os.pathsep}{PROJECT}"
        variables = {
            "SLUICE_HOME": str(home.root),
            "SLUICE_PII_KEY": home.pii_key,
            "SLUICE_ENV_FILE": "",
            "SLUICE_THREADS": "2",
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.worker", str(home.root)],
            **{
                "cwd": PROJECT,
                "env": {**kept, "PYTHONPATH": paths, **variables, **environment},
                "text": True,
            },
            **{"stdin": subprocess.PIPE, "stdout": subprocess.PIPE},
        )
        for line in self.process.stdout:
            if line.startswith('{"pid"'):
                break
        else:
            raise AssertionError("the worker did not start")

    def begin(self, command: str, *arguments: str, fault: dict[str, Any] | None = None) -> tuple[int, Path]:
        """Start a run. Returns its process, and the folder with what it notes."""
        self._runs += 1
        note = self._folder / str(self._runs)
        note.mkdir()
        asked = {
            "command": command,
            "arguments": arguments,
            "fault": fault,
            "log": str(note / "log"),
            "note": str(note),
        }
        return self._ask(asked)["pid"], note

    def end(self, pid: int, note: Path) -> Run:
        """Wait for a run."""
        status = self._ask({"wait": pid})["status"]
        counts = json.loads((note / COUNTS).read_text()) if (note / COUNTS).exists() else {}
        return Run(status, (note / "log").read_text(), (note / kinds.STRUCK).exists(), counts)

    def run(self, command: str, *arguments: str, fault: dict[str, Any] | None = None) -> Run:
        """Run a command to its end."""
        return self.end(*self.begin(command, *arguments, fault=fault))

    def _ask(self, asked: dict[str, Any]) -> dict[str, Any]:
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def stop(self) -> None:
        """End the process."""
        self.process.stdin.close()
        self.process.wait(SECONDS)
        self.process.stdout.close()


class Lab:
    """The data home, what is kept of it, and the worker."""

    def __init__(self, folder: Path, disk: Path, is_small: bool) -> None:
        self.folder, self.disk, self.is_small = folder, disk, is_small
        self.home = DataHome(disk / "home")
        self.home.landing.mkdir(parents=True)
        self.worker = Worker(self.home, folder / "runs")
        self.balloon = disk / "balloon"

    def keep(self, name: str) -> None:
        """Keep the home as it is now, under a name."""
        shutil.copytree(self.home.root, self.folder / name, symlinks=True)

    def bring_back(self, name: str) -> None:
        """Make the home what was kept."""
        shutil.rmtree(self.home.root)
        shutil.copytree(self.folder / name, self.home.root, symlinks=True)

    def lose_power(self, note: Path) -> list[str]:
        """What was not synced by the run with this folder of notes is gone. Returns the files that lost something."""
        return Recorder(self.home.root, note / "kept").lose_power()


@contextmanager
def small_disk(folder: Path, mib: int) -> Iterator[bool]:
    """A file system of this size at the folder. Gives whether it could be mounted."""
    folder.mkdir()
    options = f"size={mib}m,mode=0700,uid={os.geteuid()},gid={os.getegid()}"
    mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    as_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    try:
        is_mounted = subprocess.run([*as_root, *mount], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        is_mounted = False
    try:
        yield is_mounted
    finally:
        if is_mounted:
            subprocess.run([*as_root, "umount", "--lazy", str(folder)], check=True)


def wait_until_stopped(pid: int) -> None:
    """Return when a process stands still."""
    deadline = time.monotonic() + SECONDS
    while Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "T":
        assert time.monotonic() < deadline, "it did not stop"
        time.sleep(0.02)


def go_on(pid: int) -> None:
    """Let a process that stands still go on."""
    os.kill(pid, signal.SIGCONT)


def faketime() -> Path | None:
    """The library of libfaketime, where it is installed."""
    found: Sequence[Path] = [path for pattern in FAKETIME for path in Path("/").glob(pattern[1:])]
    return found[0] if found else None
