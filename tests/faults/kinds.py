"""What goes wrong at a point of a step, inside the process that is struck."""

import os
import resource
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
from tests.faults.points import Points
from tests.permissions import give_up_reading_everything

STRUCK = "struck"
_open, _unlink, _replace = os.open, os.unlink, os.replace


def arm(points: Points, fault: dict[str, Any], note: Path) -> None:
    """Let a fault strike: {"kind", "step", "at", …}. `at`: the number of the point, or text of the statement. That it
    struck is noted in a file."""
    kind = KINDS[fault["kind"]]
    if fault["kind"] == "permission":
        give_up_reading_everything()

    def strike(is_first: bool) -> None:
        if is_first:
            (note / STRUCK).write_text(str(points.counts[points.step]))
        kind(points, fault, is_first)

    points.target, points.strike = (fault["step"], fault["at"]), strike


def kill(points: Points, fault: dict[str, Any], is_first: bool) -> None:
    """kill -9."""
    os.kill(os.getpid(), signal.SIGKILL)


def fill_disk(points: Points, fault: dict[str, Any], is_first: bool) -> None:
    """A file takes what is left of the file system, again at every further point."""
    descriptor = _open(fault["balloon"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        for size in (1 << 24, 1 << 20, 1 << 16, 1 << 12):
            try:
                while True:
                    os.posix_fallocate(descriptor, os.fstat(descriptor).st_size, size)
            except OSError:
                continue
    finally:
        os.close(descriptor)


def deny(points: Points, fault: dict[str, Any], is_first: bool) -> None:
    """Files may be read, and folders written to, no more. `deny`: pairs of path and mode."""
    for path, mode in fault["deny"] if is_first else ():
        Path(path).chmod(mode)


def change(points: Points, fault: dict[str, Any], is_first: bool) -> None:
    """Files vanish, or others are put in their places. `change`: pairs of path and the file to put there, or none."""
    for path, other in fault["change"] if is_first else ():
        if other:
            _replace(other, path)
        elif Path(path).is_dir():
            shutil.rmtree(path)
        else:
            _unlink(path)


def set_clock(points: Points, fault: dict[str, Any], is_first: bool) -> None:
    """The clock jumps at the first point of each step, there and back: libfaketime reads the file."""
    days = CLOCK_DAYS[len(points.counts) % len(CLOCK_DAYS)]
    Path(fault["clock"]).write_text(f"{days:+d}d\n")


CLOCK_DAYS = (3, -5, 400, 0)


def take_memory(points: Points, fault: dict[str, Any], is_first: bool) -> None:
    """DuckDB may use no more than it does (as with a small SLUICE_MEMORY_LIMIT); Python gets no more at this point. A process
    that the kernel ends for its memory is killed, which is a fault of its own."""
    if points.is_in_python:  # the cursor is busy then
        raise MemoryError
    if not is_first:
        return
    for limit in ("1MB", "4MB", "16MB", "64MB"):
        try:
            points.cursor.execute(f"set memory_limit = '{limit}'")
            return
        except duckdb.Error:
            continue


def take_descriptors(points: Points, fault: dict[str, Any], is_first: bool) -> None:
    """No further file can be opened."""
    used = max(int(path.name) for path in Path("/proc/self/fd").iterdir())
    holes = [number for number in range(used) if not Path(f"/proc/self/fd/{number}").is_symlink()]
    for _ in holes:
        os.dup(0)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (used + 1, hard))


def stop(points: Points, fault: dict[str, Any], is_first: bool) -> None:
    """Stand still until somebody sends SIGCONT."""
    if is_first:
        os.kill(os.getpid(), signal.SIGSTOP)


KINDS: dict[str, Callable[[Points, dict[str, Any], bool], None]] = {
    "kill": kill,
    "power loss": kill,
    "disk full": fill_disk,
    "permission": deny,
    "vanishing file": change,
    "clock": set_clock,
    "memory": take_memory,
    "descriptors": take_descriptors,
    "stop": stop,
}
