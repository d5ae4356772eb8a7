"""A build that is killed anywhere is completed by the next one, and readers never notice either."""

import random
import re
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
from tests.pipeline.harness import PROJECT, DataHome, csv_text
from tests.shop.deliveries import customers, event, events, order, orders
from tests.shop.outputs import lake_tables, reports

COLUMNS = ["event_id", "service", "event_type", "timestamp", "latency_ms", "status_code", "user_id"]
FEEDS = ("service_events", "customers", "orders", "product_events")
STARTED = re.compile(r" (\d+) of (\d+) START (?!hook)")
PUBLISHING = re.compile(r" START hook: \S*on-run-end")


@pytest.mark.slow
def test_killed_builds_are_completed_by_the_next_under_readers(home: DataHome) -> None:
    """Each build of a row of builds is killed at another stage, with work of the builds before it unfinished."""
    chance = random.Random(11)
    stages = [(at, at + 0.25) for at in (0, 0.25, 0.5, 0.75)]  # shares of the nodes of the graph
    pauses = [(0, 0), (0.1, 0.4), (0.4, 1)]  # seconds into publishing
    files = {number: _file(chance, number) for number in range(16)}
    _deliver(home, files, modified=1e9)
    home.build()

    readers = [Reader(home, keeps_open=False), Reader(home, keeps_open=True)]
    for reader in readers:
        reader.start()
    killed = []
    kills = [(chance.uniform(*stage), None) for stage in stages]
    kills += [(1.0, chance.uniform(*pause)) for pause in pauses]
    for round_number, (share, pause) in enumerate(kills, 1):
        numbers = [*chance.sample(sorted(files), 6), len(files)]
        changed = {number: _file(chance, number) for number in numbers}
        files |= changed
        _deliver(home, changed, modified=1e9 + round_number)
        if _build_and_kill(home, share, pause):
            killed.append(
                f"at {share:.0%} of the nodes" if pause is None else f"{pause:.2f} s into publishing"
            )
    home.build()
    for reader in readers:
        reader.stop()
    print("killed:", *killed, sep="\n  ")
    assert len(killed) > len(stages), killed
    assert [reader.errors[:3] for reader in readers] == [[], []]
    assert min(reader.reads for reader in readers) > 100
    assert all(len(reader.seen) > 1 for reader in readers), "the readers saw no build come"

    found = _outcome(home)
    home.clear()
    _deliver(home, files, modified=1e9)
    home.build()
    expected = _outcome(home)
    assert {name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name)} == set()


def _outcome(home: DataHome) -> dict[str, object]:
    return {**home.everything(), **lake_tables(home), **reports(home)}


def _file(chance: random.Random, number: int) -> str:
    """The text of a file, some of its records rivals of those in other files. Customers come and go with theirs."""
    feed = FEEDS[number % len(FEEDS)]
    if feed == "service_events":
        return _events(chance)
    if feed == "customers":
        return customers(*{f"c{chance.randrange(30)}" for _ in range(15)})
    named = [(chance.randrange(300), f"c{chance.randrange(30)}") for _ in range(100)]
    if feed == "orders":
        return orders(
            *(order(key, customer, amount=chance.choice([5, 7.5, -1, ""])) for key, customer in named)
        )
    return events(*(event(key, customer, duration=chance.choice([1, 2.5, "x"])) for key, customer in named))


def _events(chance: random.Random) -> str:
    """A file of service events."""
    rows = [
        (f"e{chance.randrange(4000)}", chance.choice(["cart", "auth", ""]), "request",
         f"2026-01-0{chance.randint(1, 3)} 10:{chance.randrange(60):02}:00", chance.choice(["", "5", "x"]), "200", "u1")
        for _ in range(400)
    ]  # fmt: skip
    return csv_text(COLUMNS, rows)


def _deliver(home: DataHome, files: dict[int, str], modified: float) -> None:
    for number, content in files.items():
        home.write(
            f"{FEEDS[number % len(FEEDS)]}/ingest_date=2026-01-0{1 + number // len(FEEDS) % 3}/{number}.csv",
            content,
            modified=modified,
        )


def _build_and_kill(home: DataHome, share: float, pause: float | None) -> bool:
    """Kill a build when it begins the node at this share of all, or so many seconds after it begins to publish.
    Returns whether it was killed before it had ended."""
    command = [Path(sys.executable).with_name("dbt"), "--no-use-colors", "build", "--project-dir", PROJECT]
    command += ["--profiles-dir", PROJECT, "--target-path", home.target, "--log-path", home.target]
    build = subprocess.Popen(
        command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    said = []
    for line in build.stdout:
        said.append(line)
        node = STARTED.search(line)
        if pause is None and node and int(node[1]) > share * int(node[2]):
            break
        if pause is not None and PUBLISHING.search(line):
            time.sleep(pause)
            break
    else:
        pytest.fail("the build ended before it could be killed:\n" + "".join(said[-20:]))
    build.kill()
    build.communicate()
    return build.returncode == -9


class Reader(threading.Thread):
    """Reads in a loop, one statement at a time, and notes every error and every mixture of two builds."""

    def __init__(self, home: DataHome, keeps_open: bool) -> None:
        super().__init__(daemon=True)
        self.path: Path = home.root / "published" / "sluice.db"
        self.keeps_open = keeps_open
        self.reads = 0
        self.seen: set[tuple[int, ...]] = set()
        self.errors: list[str] = []
        self.ended = threading.Event()

    def run(self) -> None:
        """Read until the end, on one connection or on a new one each time."""
        while not self.ended.is_set():
            try:
                with closing(sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=5)) as db:
                    self._read(db)
                    while self.keeps_open and not self.ended.is_set():
                        self._read(db)
            except sqlite3.Error as error:
                self.errors.append(repr(error))

    def _read(self, db: sqlite3.Connection) -> None:
        """Events, minutes and days of one statement must agree with one another."""
        counts = db.execute(
            "select (select count(*) from service_events), "
            "(select sum(request_count) from service_metrics_per_minute), "
            "(select sum(request_count) from service_metrics_per_day)"
        ).fetchone()
        if len(set(counts)) != 1:
            self.errors.append(f"a mixture: {counts}")
        self.seen.add(counts)
        self.reads += 1
        self.ended.wait(0.05)

    def stop(self) -> None:
        """End the loop."""
        self.ended.set()
        self.join()
