"""The commands that are struck, as people call them or as services do their work: each returns its exit code."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from tests.faults.points import Points
from tests.pipeline.harness import DataHome

from sluice.archive.__main__ import main as archive_main
from sluice.backup.restore import main as restore_main
from sluice.home import data_home
from sluice.ingest.landing import LandingZone
from sluice.ingest.rows import HEADER
from sluice.ingest.settings import Settings
from sluice.ingest.writer import BusyError, NotDurableError, Writer
from sluice.streams.lander import Lander
from sluice.streams.names import Place

OTHER_FEEDS = ("customers", "orders", "product_events", "service_events", "transactions")
SELECTION = (
    *("--exclude", "resource_type:seed", *(f"config.meta.feed:{feed}" for feed in OTHER_FEEDS)),
    *("--indirect-selection", "buildable"),
)
"""A build of everything but the nodes of feeds that have no files: all steps, in a quarter of the time."""
PERSON = "zebra@example.org"
EVENTS = 12
BATCH = 5
PLACE = Place("kafka", "events", 0)


def build(home: DataHome, points: Points) -> int:
    """`dbt build`."""
    return 0 if home.build(*SELECTION, expect_success=False).success else 1


def build_all(home: DataHome, points: Points) -> int:
    """The first build, of all feeds."""
    return 0 if home.build(expect_success=False).success else 1


def erase(home: DataHome, points: Points) -> int:
    """`dbt run-operation forget`, which ends with a build."""
    asked = f"{{feed: tenant_events, column: user_email, value: {PERSON}}}"
    done = home.dbt("run-operation", "forget", "--args", asked, expect_success=False)
    return build(home, points) if done.success else 1


def archive(home: DataHome, points: Points) -> int:
    """`scripts/archive`."""
    points.step = "archive"
    return archive_main(["--older-than", "0"])


def restore(home: DataHome, points: Points, backup: str) -> int:
    """`scripts/restore`."""
    points.step = "restore"
    return restore_main([backup, "--replace"])


def ingest(home: DataHome, points: Points, acknowledged: str) -> int:
    """What `scripts/ingest` does for clients that send again whatever was not acknowledged, and note what was."""
    zone = LandingZone(data_home().root / "ingest", home.landing)
    zone.prepare()
    zone.recover(lambda _: None)
    writer = Writer(zone, Settings(segment_seconds=60.0, min_free_bytes=0))
    writer.start()
    log = Path(acknowledged)
    known = log.read_text().split() if log.exists() else []
    code = 0
    with log.open("a", buffering=1) as noted:
        for event in (f"i{number}" for number in range(EVENTS)):
            if event not in known:
                try:
                    asyncio.run(writer.commit(f"{event}\n".encode(), 1))
                    noted.write(f"{event}\n")
                except (BusyError, NotDurableError) as problem:
                    print(problem)
                    code = 1
    writer.close()
    return code or int(bool(writer.landing_error))


def land(home: DataHome, points: Points) -> int:
    """What `scripts/ingest` does with the segments that it finds, and `scripts/stream` with what it has read."""
    try:
        LandingZone(data_home().root / "ingest", home.landing).recover(lambda _: None)
        lander = Lander(home.landing / "tenant_events", PLACE)
        state = lander.open()
        for first in range(0, 4 * BATCH, BATCH):
            positions = [
                (offset,)
                for offset in range(first, first + BATCH)
                if state.last is None or (offset,) > state.last
            ]
            if positions:
                lines = [f"k{offset}\n".encode() for (offset,) in positions]
                encode = lambda skip, lines=lines: HEADER + b"".join(lines[skip:])  # noqa: E731
                state = lander.land(state.generation, state.last, positions, encode).landed
    except OSError as problem:
        print(problem)
        return 1
    return 0


COMMANDS: dict[str, Callable[..., int]] = {
    "build": build,
    "build all": build_all,
    "erase": erase,
    "archive": archive,
    "restore": restore,
    "ingest": ingest,
    "land": land,
}
