"""A build that is killed anywhere is completed by the next one, and readers never notice either."""

import os
import random
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing

import pytest
from tests.pipeline.harness import PROJECT, DataHome, csv_text

COLUMNS = ["event_id", "service", "event_type", "timestamp", "latency_ms", "status_code", "user_id"]


def _delivery(seed: int) -> dict[str, str]:
    """Ten files of events, some of them rivals of events in other files; another seed rewrites the same files."""
    chance = random.Random(seed)
    files = {}
    for number in range(10):
        rows = [
            (f"e{chance.randrange(4000)}", chance.choice(["cart", "auth", ""]), "request",
             f"2026-01-0{chance.randint(1, 3)} 10:{chance.randrange(60):02}:00", chance.choice(["", "5", "x"]), "200", "u1")
            for _ in range(400)
        ]  # fmt: skip
        files[f"service_events/ingest_date=2026-01-0{1 + number % 3}/{number}.csv"] = csv_text(COLUMNS, rows)
    return files


@pytest.mark.slow
def test_a_killed_build_is_completed_by_the_next_under_readers(home: DataHome) -> None:
    chance = random.Random(11)
    for file, content in _delivery(1).items():
        home.write(file, content, modified=1e9)
    home.build()
    reader = Reader(home)
    reader.start()
    kills = []
    for round_number in range(2, 6):
        for file, content in _delivery(round_number).items():
            home.write(file, content, modified=1e9 + round_number)
        build = _start_build(home)
        delay = chance.uniform(2.5, 9)
        try:
            build.wait(timeout=delay)
        except subprocess.TimeoutExpired:
            build.kill()
            build.wait()
            kills.append(f"round {round_number} after {delay:.1f} s")
    home.build()
    reader.stop()
    found = home.everything()
    print("killed:", kills)

    home.build("--full-refresh")
    assert home.everything() == found
    home.clear()
    for file, content in _delivery(5).items():
        home.write(file, content, modified=1e9)
    home.build()
    assert home.everything() == found
    assert reader.reads > 10 and not reader.errors, reader.errors[:3]


def _start_build(home: DataHome) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "dbt.cli.main", "--quiet", "build", "--project-dir", str(PROJECT), "--profiles-dir",
         str(PROJECT), "--target-path", str(home.target), "--log-path", str(home.target)],
        cwd=PROJECT, env={**os.environ, "SLUICE_HOME": str(home.root)}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


class Reader(threading.Thread):
    """Reads in a loop, one statement at a time, and notes every error and every mixture of two builds."""

    def __init__(self, home: DataHome) -> None:
        super().__init__(daemon=True)
        self.path = home.root / "published" / "sluice.db"
        self.reads, self.errors, self.running = 0, [], True

    def run(self) -> None:
        """Events, minutes and days of one statement must agree with one another."""
        while self.running:
            try:
                with closing(sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=5)) as db:
                    counts = db.execute(
                        "select (select count(*) from service_events), "
                        "(select sum(request_count) from service_metrics_per_minute), "
                        "(select sum(request_count) from service_metrics_per_day)"
                    ).fetchone()
                if len(set(counts)) != 1:
                    self.errors.append(f"a mixture: {counts}")
            except sqlite3.Error as error:
                self.errors.append(repr(error))
            self.reads += 1
            time.sleep(0.05)

    def stop(self) -> None:
        """End the loop."""
        self.running = False
        self.join()
