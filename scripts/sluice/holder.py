"""Who has the warehouse: one process at a time, in the order in which they came.

DuckDB lets one process write to a file, and fails at once in every other. So whoever opens the warehouse first takes a lock
on a file beside it (flock on warehouse.duckdb.lock), where others queue: the kernel wakes them, in their order, and frees
the lock of a process that dies. Tools that know nothing of it and have the warehouse open are seen by DuckDB's own lock.
"""

import contextlib
import fcntl
import os
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from sluice import durable

DUCKDB_LOCK = struct.Struct("hhqqi4x")
"""struct flock of 64-bit Linux: type, whence, start, length, process."""
WAIT_SECONDS = 60.0
POLL_SECONDS = 0.05

_held: dict[Path, int] = {}
"""The descriptors of the locks that this process has, by the path of the warehouse."""


class HeldError(RuntimeError):
    """Somebody else has held the warehouse for too long."""


def warehouse_holder(warehouse: Path) -> str | None:
    """Who has the warehouse, such as 'process 123 (dbt build)'; None if nobody else does. It takes no lock.

    Do not call it while this process has the warehouse open: closing any descriptor of a file gives up a process's
    locks on it.
    """
    if warehouse.absolute() in _held:
        return None
    with contextlib.suppress(OSError), lock_path(warehouse).open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _process(_pid(file.fileno()))
    return _opener(warehouse)


def take_warehouse(warehouse: Path, say: Callable[[str], None] | None = None) -> None:
    """Return when this process alone may open the warehouse. It may until release_warehouse, or until it ends.

    Waits at most SLUICE_WAIT_SECONDS (default 60; 0: not at all) for any one process that has it, after saying once who
    does. Raises HeldError then; OSError if the lock file cannot be made.
    """
    warehouse = warehouse.absolute()
    if warehouse in _held:
        return
    queue = _Queue(warehouse, say or _say)
    try:
        if not queue.try_lock():
            queue.wait_for(lambda: _process(_pid(queue.descriptor)), queue.lock_in_turn())
        os.ftruncate(queue.descriptor, 0)
        os.pwrite(queue.descriptor, f"{os.getpid()}\n".encode(), 0)
        if _opener(warehouse):
            queue.wait_for(lambda: _opener(warehouse), lambda: _is_closed(warehouse))
    except BaseException:
        queue.leave()
        raise
    _held[warehouse] = queue.descriptor


def release_warehouse(warehouse: Path | None = None) -> None:
    """Let the next one have the warehouse, which this process has closed. None: all of them."""
    for path in list(_held) if warehouse is None else [warehouse.absolute()]:
        if path in _held:
            os.close(_held.pop(path))


@contextlib.contextmanager
def warehouse_taken(warehouse: Path) -> Iterator[None]:
    """The block has the warehouse for itself. Raises HeldError."""
    take_warehouse(warehouse)
    try:
        yield
    finally:
        release_warehouse(warehouse)


def openers(path: Path) -> list[str]:
    """The other processes that have a file open, as far as this user may know."""
    found = set()
    for descriptor in Path("/proc").glob("[0-9]*/fd/*"):
        process = int(descriptor.parts[2])
        with contextlib.suppress(OSError):
            if process != os.getpid() and descriptor.readlink() == path.resolve():
                found.add(process)
    return [_process(process) for process in sorted(found)]


def close_warehouse() -> None:
    """Close the warehouse that dbt has open in this process, and let others have it. dbt-duckdb would keep it open for the
    next command."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager  # not where there is no dbt

    if DuckDBConnectionManager._ENV is not None:
        DuckDBConnectionManager._ENV.close()
        DuckDBConnectionManager._ENV = None
    release_warehouse()


def lock_path(warehouse: Path) -> Path:
    """The file whose lock says who may open the warehouse."""
    return warehouse.with_name(f"{warehouse.name}.lock")


class _Queue:
    """One process's place in the queue."""

    def __init__(self, warehouse: Path, say: Callable[[str], None]) -> None:
        self.warehouse = warehouse
        durable.make_folder(warehouse.parent, is_public=True)
        self.descriptor = os.open(lock_path(warehouse), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._say = say
        self._is_left = False
        self._turn: threading.Thread | None = None

    def try_lock(self) -> bool:
        """Take the lock if it is free."""
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def lock_in_turn(self) -> Callable[[], bool]:
        """Queue for the lock in the kernel. Returns a function that waits a moment, and says whether it is taken."""

        def wait() -> None:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX)
            if self._is_left:
                os.close(self.descriptor)

        turn = self._turn = threading.Thread(target=wait, name="warehouse", daemon=True)
        turn.start()

        def is_taken() -> bool:
            turn.join(POLL_SECONDS)
            return not turn.is_alive()

        return is_taken

    def wait_for(self, holder: Callable[[], str | None], is_over: Callable[[], bool]) -> None:
        """Wait until it is over; the time counts from when the present holder was first seen. Raises HeldError.

        Args:
            holder: who is waited for now.
            is_over: waits for POLL_SECONDS at most, and says whether that is enough.
        """
        limit = wait_seconds()
        seen, deadline, is_said = None, 0.0, False
        while not is_over():
            now = holder()
            if now != seen:
                seen, deadline = now, time.monotonic() + limit  # the queue moves
            if limit and not is_said:
                self._say(f"waiting for {seen}, which has {self.warehouse} open (up to {limit:g} s)")
                is_said = True
            if time.monotonic() >= deadline:
                raise HeldError(
                    f"{self.warehouse} is open in {seen}; only one process at a time can have it. Wait for it or end it;"
                    f" SLUICE_WAIT_SECONDS (now {limit:g}) says how long a build waits by itself."
                )

    def leave(self) -> None:
        """Do not wait any longer. A thread that still waits in the kernel gives back what it gets."""
        self._is_left = True
        if self._turn is None or not self._turn.is_alive():
            os.close(self.descriptor)


def wait_seconds() -> float:
    """SLUICE_WAIT_SECONDS. Raises HeldError, which names the value, if it is no number of seconds."""
    text = os.environ.get("SLUICE_WAIT_SECONDS", "").strip()
    try:
        seconds = float(text or WAIT_SECONDS)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise HeldError(f"SLUICE_WAIT_SECONDS is '{text}'; give a number of seconds, 0 for not at all")
    return seconds


def _opener(warehouse: Path) -> str | None:
    """Who has the file open with DuckDB; None if no other process does."""
    try:
        with warehouse.open("rb") as file:
            asked = DUCKDB_LOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
            kind, _, _, _, process = DUCKDB_LOCK.unpack(fcntl.fcntl(file, fcntl.F_GETLK, asked))
    except OSError:
        return None
    return None if kind == fcntl.F_UNLCK else _process(process)


def _is_closed(warehouse: Path) -> bool:
    time.sleep(POLL_SECONDS)
    return _opener(warehouse) is None


def _pid(lock: int) -> int:
    """The process that took the lock last, as it wrote down; 0 in the moment before it does."""
    text = os.pread(lock, 32, 0).strip()
    return int(text) if text.isdigit() else 0


def _process(process: int) -> str:
    return f"process {process}{_command(process)}" if process else "another process"


def _command(process: int) -> str:
    """What a process runs, in brackets, as a person would have typed it; empty when that cannot be seen."""
    try:
        words = Path(f"/proc/{process}/cmdline").read_bytes().decode("utf-8", "replace").split("\0")
    except OSError:
        return ""
    words = [word for word in words if word]
    if words and Path(words[0]).name.startswith("python"):
        words = words[1:]
    if words[:1] == ["-m"]:
        words = words[1:]
    if words:
        words[0] = (
            words[0].replace("sluice.", "scripts/") if words[0].startswith("sluice.") else Path(words[0]).name
        )
    text = " ".join(words)
    return f" ({text[:80]})" if text.isprintable() and text else ""


def _say(text: str) -> None:
    print(f"sluice: {text}", file=sys.stderr, flush=True)
