"""Whole processes, measured by the operating system: wall time, processor time, peak memory."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

from sluice.home import PROJECT_ROOT

Result = TypeVar("Result")


@dataclass(frozen=True)
class Run:
    """One finished process: seconds and bytes."""

    wall_s: float
    cpu_s: float
    peak_bytes: int


def measure(command: Sequence[str], env: Mapping[str, str] | None = None, cwd: Path | None = None) -> Run:
    """Run a command to its end and return what it took.

    Raises RuntimeError, with the end of its output, if it fails.
    """
    started = time.perf_counter()
    with subprocess.Popen(
        command, env={**os.environ, **(env or {})}, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        output = process.stdout.read() if process.stdout else b""
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed:\n{output.decode(errors='replace')[-3000:]}")
    scale = 1 if sys.platform == "darwin" else 1024
    return Run(time.perf_counter() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * scale)


def apart(function: Callable[..., Result], *arguments: object) -> Result:
    """What the function returns, called in a process of its own: what a measured process is told to have used at most is
    not less than what the process that starts it did."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def dbt(home: Path, command: str, *arguments: str) -> Run:
    """Run a dbt command on a data home, with its artifacts beside it, and return what it took."""
    target = str(home.parent / "target")
    return measure(
        [
            sys.executable,
            "-m",
            "dbt.cli.main",
            command,
            *arguments,
            "--target-path",
            target,
            "--log-path",
            target,
        ],
        env={"SLUICE_HOME": str(home)},
        cwd=PROJECT_ROOT,
    )
