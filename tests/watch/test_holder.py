"""One process at a time has the warehouse: others queue, and say for whom."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Timer

import pytest
from tests.pipeline.harness import PROJECT, DataHome

from sluice.holder import (
    HeldError,
    lock_path,
    release_warehouse,
    take_warehouse,
    warehouse_holder,
    warehouse_taken,
)

OPEN = "import sys, time, duckdb; c = duckdb.connect(sys.argv[1]); print('held', flush=True); time.sleep(600)"
"""A tool that knows nothing of the queue."""
TAKE = (
    "import sys, time; from pathlib import Path; from sluice.holder import take_warehouse; take_warehouse(Path(sys.argv[1]));"
    " print('held', flush=True); time.sleep(float(sys.argv[2]))"
)


def start(code: str, *arguments: object) -> subprocess.Popen:
    """A process that has printed `held`."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT / "scripts")}
    other = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    assert other.stdout is not None and other.stdout.readline() == "held\n"
    return other


@pytest.fixture(params=[OPEN, TAKE], ids=["a tool", "one of us"])
def held(request: pytest.FixtureRequest, home: DataHome) -> Iterator[tuple[Path, subprocess.Popen]]:
    """The warehouse, open in another process, and that process."""
    warehouse = home.root / "warehouse.duckdb"
    with start(request.param, warehouse, 600) as other:
        yield warehouse, other
        other.terminate()
    release_warehouse()


def test_waiting_ends_when_the_other_process_dies(held: tuple[Path, subprocess.Popen]) -> None:
    warehouse, other = held
    said: list[str] = []
    started = time.monotonic()
    Timer(1.0, other.kill).start()
    take_warehouse(warehouse, said.append)
    assert time.monotonic() - started >= 1.0
    assert (
        len(said) == 1
        and said[0].startswith(f"waiting for process {other.pid} ")
        and str(warehouse) in said[0]
    )


def test_who_must_not_wait_is_told_at_once(
    held: tuple[Path, subprocess.Popen], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLUICE_WAIT_SECONDS", "0")
    with pytest.raises(HeldError, match=r"is open in process \d+ \(-c import sys, time.*end it"):
        take_warehouse(held[0])


def test_who_gave_up_does_not_hold_up_others(
    held: tuple[Path, subprocess.Popen], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLUICE_WAIT_SECONDS", "0.2")
    warehouse, other = held
    for _ in range(3):
        with pytest.raises(HeldError):
            take_warehouse(warehouse)
    other.kill()
    other.wait()
    with start(TAKE, warehouse, 0.1) as next_one:
        next_one.wait(20)
    assert warehouse_holder(warehouse) is None


def test_a_wrong_setting_is_named(
    held: tuple[Path, subprocess.Popen], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLUICE_WAIT_SECONDS", "a minute")
    with pytest.raises(HeldError, match="SLUICE_WAIT_SECONDS is 'a minute'"):
        take_warehouse(held[0])


def test_a_build_says_who_is_in_its_way(
    home: DataHome, held: tuple[Path, subprocess.Popen], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLUICE_WAIT_SECONDS", "0")
    result = home.build(expect_success=False)
    assert not result.success and "is open in process" in str(result.exception)
    assert str(held[1].pid) in str(result.exception)


def test_the_time_counts_for_each_one_that_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Five in a row of half a second each are no reason to give up after one second."""
    warehouse = tmp_path / "warehouse.duckdb"
    first = start(TAKE, warehouse, 0.5)
    monkeypatch.setenv("PYTHONPATH", str(PROJECT / "scripts"))
    others = [
        subprocess.Popen([sys.executable, "-c", TAKE, str(warehouse), "0.5"], stdout=subprocess.DEVNULL)
        for _ in range(4)
    ]
    time.sleep(0.5)
    monkeypatch.setenv("SLUICE_WAIT_SECONDS", "1")
    with warehouse_taken(warehouse):
        pass
    assert [process.wait(30) for process in (first, *others)] == [0] * 5


def test_who_only_looks_is_in_nobodys_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    warehouse = tmp_path / "warehouse.duckdb"
    monkeypatch.setenv("SLUICE_WAIT_SECONDS", "0")
    look = (
        "import sys; from pathlib import Path; from sluice.holder import warehouse_holder; print('held', flush=True)\n"
        "while True: warehouse_holder(Path(sys.argv[1]))"
    )
    with start(look, warehouse) as looking:
        for _ in range(300):
            with warehouse_taken(warehouse):
                assert warehouse_holder(warehouse) is None, "it is ours"
        looking.kill()
    assert lock_path(warehouse).stat().st_mode & 0o777 == 0o600


@pytest.mark.slow
def test_five_builds_at_once_all_go_well(home: DataHome, tmp_path: Path) -> None:
    home.write("customers/ingest_date=2026-01-01/a.csv", "customer_id,email\nc1,a@b.c\n")
    command = [
        str(Path(sys.executable).with_name("dbt")),
        "--no-use-colors",
        "build",
        "--project-dir",
        PROJECT,
    ]
    command += ["--profiles-dir", PROJECT]
    builds = [
        subprocess.Popen(
            [*command, "--target-path", tmp_path / f"{number}", "--log-path", tmp_path / f"{number}"],
            cwd=PROJECT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for number in range(5)
    ]
    said = [build.communicate()[0] for build in builds]
    assert [build.returncode for build in builds] == [0] * 5, "\n".join(said)
    assert "Traceback" not in "".join(said)
    assert any("waiting for process" in text for text in said)
    runs = home.query("select status, count(*) from state.runs group by status")
    assert runs == [("success", 5)]
