"""What changed since the last build: in the landing zone, and in the code."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
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

WITHOUT_NOTICES_SECONDS = 3.0

Listing = Mapping[str, tuple[int, ...]]
"""Per file what tells its versions apart: of a landing file its Stamp, of code size and modification time."""


def list_landing(landing: Path) -> Listing:
    """The landing zone as it is now."""
    return {entry.file: entry.stamp for entry in list_landing_files(landing)}


def changed_folders(before: Listing, now: Listing) -> set[str]:
    """The first folders of files that came, went or changed: names of feeds, if all is well."""
    files = {file for file, version in now.items() if before.get(file) != version} | (
        before.keys() - now.keys()
    )
    return {file.partition("/")[0] for file in files}


def code_version() -> Listing:
    """The files that the project is made of."""
    found: dict[str, tuple[int, ...]] = {}
    for name in CODE:
        path = PROJECT_ROOT / name
        with suppress(OSError):  # a folder that goes while it is listed
            for file in path.rglob("*") if path.is_dir() else [path]:
                if file.suffix in CODE_SUFFIXES and (name != "tests" or file.suffix != ".py"):
                    with suppress(OSError):
                        status = os.stat(file)  # noqa: PTH116 - many files, many times
                        found[str(file)] = (status.st_size, status.st_mtime_ns)
    return found


def why_not_importable() -> str | None:
    """What is wrong with the Python files as they are now, if a process that starts with them would fail: half saved,
    perhaps. The first line of what Python says."""
    for file in sorted((PROJECT_ROOT / "scripts" / "sluice").rglob("*.py")):
        try:
            compile(file.read_bytes(), file.name, "exec", dont_inherit=True)
        except (SyntaxError, ValueError, OSError) as error:
            return f"{file.relative_to(PROJECT_ROOT)}: {error}"
    asked = [sys.executable, "-c", "import sluice.watch.__main__, sluice.watch.builds, sluice.dbt_plugin"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    return None if done.returncode == 0 else (done.stderr.strip() or "the import failed").splitlines()[-1]


def notices(landing: Path, interval: float, stop: Event, say: Callable[[str], None]) -> Iterator[None]:
    """Yields when the landing zone or the code may have changed, a moment after it did; ends when `stop` is set.

    The system's notices are followed by two more looks, an interval apart: a file in a folder that was made a moment
    ago may have come before its folder was watched. Without notices there is a look every LOOK_AGAIN_SECONDS. Where the
    system has no notices to give (its limit of watched folders is reached), `say` is told so once, and there is a look
    every WITHOUT_NOTICES_SECONDS.
    """
    durable.make_folder(landing)
    try:
        yield from _system_notices(landing, interval, stop)
    except (OSError, RuntimeError) as error:
        pause = max(interval, WITHOUT_NOTICES_SECONDS)
        say(
            f"the system gives no notices of files ({error}): looking every {pause:g} s instead;"
            " raising fs.inotify.max_user_watches and max_user_instances may help"
        )
        while not stop.is_set():
            yield
            stop.wait(pause)


def _system_notices(landing: Path, interval: float, stop: Event) -> Iterator[None]:
    watched = [landing, *(path for name in CODE if (path := PROJECT_ROOT / name).exists())]
    events = watch(
        *watched,
        watch_filter=None,
        debounce=200,
        step=20,
        rust_timeout=max(int(interval * 1000), 50),
        yield_on_timeout=True,
        stop_event=stop,
        raise_interrupt=False,
        ignore_permission_denied=True,
    )
    looks, looked = 1, time.monotonic()
    for changes in events:
        if changes:
            looks = 3
        if looks or time.monotonic() - looked > LOOK_AGAIN_SECONDS:
            looks, looked = max(looks - 1, 0), time.monotonic()
            yield
