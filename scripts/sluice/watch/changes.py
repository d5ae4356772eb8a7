"""What changed since the last build: in the landing zone, and in the code."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event

from watchfiles import watch

from sluice import durable
from sluice.home import PROJECT_ROOT
from sluice.landing.listing import list_landing_files

CODE = ("dbt_project.yml", "profiles.yml", "models", "macros", "seeds", "tests", "scripts/sluice")
CODE_SUFFIXES = (".sql", ".yml", ".yaml", ".csv", ".py")
LOOK_AGAIN_SECONDS = 10.0
"""Notices may get lost (a network drive, a folder made a moment ago): look at least this often."""

Listing = dict[str, tuple[int, int]]
"""Per landing file: size in bytes, modification time in nanoseconds."""


def list_landing(landing: Path) -> Listing:
    """The landing zone as it is now."""
    return {entry.file: (entry.size_bytes, entry.modified_ns) for entry in list_landing_files(landing)}


def changed_folders(before: Listing, now: Listing) -> set[str]:
    """The first folders of files that came, went or changed: names of feeds, if all is well."""
    files = {file for file, version in now.items() if before.get(file) != version} | (
        before.keys() - now.keys()
    )
    return {file.partition("/")[0] for file in files}


def code_version() -> Listing:
    """The files that the project is made of."""
    found: Listing = {}
    for name in CODE:
        path = PROJECT_ROOT / name
        for file in path.rglob("*") if path.is_dir() else [path]:
            if file.suffix in CODE_SUFFIXES and (name != "tests" or file.suffix != ".py"):
                try:
                    status = os.stat(file)  # noqa: PTH116 - many files, many times
                except OSError:
                    continue
                found[str(file)] = (status.st_size, status.st_mtime_ns)
    return found


def notices(landing: Path, interval: float, stop: Event) -> Iterator[None]:
    """Yields when the landing zone or the code may have changed, a moment after it did; ends when `stop` is set.

    The system's notices are followed by two more looks, an interval apart: a file in a folder that was made a moment
    ago may have come before its folder was watched. Without notices there is a look every LOOK_AGAIN_SECONDS.
    """
    durable.make_folder(landing)
    watched = [landing, *(PROJECT_ROOT / name for name in CODE)]
    events = watch(
        *watched,
        watch_filter=None,
        debounce=200,
        step=20,
        rust_timeout=max(int(interval * 1000), 50),
        yield_on_timeout=True,
        stop_event=stop,
        raise_interrupt=False,
    )
    looks, looked = 1, time.monotonic()
    for changes in events:
        if changes:
            looks = 3
        if looks or time.monotonic() - looked > LOOK_AGAIN_SECONDS:
            looks, looked = max(looks - 1, 0), time.monotonic()
            yield
