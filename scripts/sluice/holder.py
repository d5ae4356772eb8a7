"""Who holds the warehouse: DuckDB lets one process at a time open it. Nothing here takes a lock."""

import fcntl
import os
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path

LOCK = struct.Struct("hhqqi4x")
"""struct flock of 64-bit Linux: type, whence, start, length, process."""
WAIT_SECONDS = 60.0
POLL_SECONDS = 0.05


class HeldError(RuntimeError):
    """Somebody else has held the warehouse for too long."""


def warehouse_holder(warehouse: Path) -> str | None:
    """Who holds the warehouse's lock, such as 'process 123 (dbt build)'; None if nobody else does.

    Do not call it while this process has the warehouse open: closing any descriptor of a file gives up a process's
    locks on it.
    """
    try:
        with warehouse.open("rb") as file:
            asked = LOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
            kind, _, _, _, process = LOCK.unpack(fcntl.fcntl(file, fcntl.F_GETLK, asked))
    except OSError:
        return None
    return None if kind == fcntl.F_UNLCK else f"process {process}{_command(process)}"


def wait_for_warehouse(warehouse: Path, say: Callable[[str], None] | None = None) -> None:
    """Return when nobody else holds the warehouse, after saying once who does.

    Waits SLUICE_WAIT_SECONDS (default 60; 0: not at all) at most. Raises HeldError then.
    """
    holder = warehouse_holder(warehouse)
    if not holder:
        return
    wait = wait_seconds()
    if wait:
        (say or _say)(f"waiting for {holder}, which has {warehouse} open (up to {wait:g} s)")
    deadline = time.monotonic() + wait
    while holder:
        if time.monotonic() >= deadline:
            raise HeldError(
                f"{warehouse} is open in {holder}; only one process at a time can have it. Wait for it or end it;"
                f" SLUICE_WAIT_SECONDS (now {wait:g}) says how long a build waits by itself."
            )
        time.sleep(POLL_SECONDS)
        holder = warehouse_holder(warehouse)


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
