"""One process at a time has the warehouse: others wait, and say for whom."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Timer

import pytest
from tests.pipeline.harness import DataHome

from sluice.holder import HeldError, wait_for_warehouse

HOLD = "import sys, time, duckdb; c = duckdb.connect(sys.argv[1]); print('held', flush=True); time.sleep(600)"


@pytest.fixture
def held(home: DataHome) -> Iterator[tuple[Path, subprocess.Popen]]:
    """The warehouse, open in another process, and that process."""
    warehouse = home.root / "warehouse.duckdb"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(warehouse)], stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None and other.stdout.readline() == "held\n"
        yield warehouse, other
        other.terminate()


def test_waiting_ends_when_the_other_process_lets_go(held: tuple[Path, subprocess.Popen]) -> None:
    warehouse, other = held
    said: list[str] = []
    started = time.monotonic()
    Timer(1.0, other.kill).start()
    wait_for_warehouse(warehouse, said.append)
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
    with pytest.raises(HeldError, match=r"is open in process \d+ \(-c import sys, time, duckdb.*end it"):
        wait_for_warehouse(held[0])


def test_a_wrong_setting_is_named(
    held: tuple[Path, subprocess.Popen], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLUICE_WAIT_SECONDS", "a minute")
    with pytest.raises(HeldError, match="SLUICE_WAIT_SECONDS is 'a minute'"):
        wait_for_warehouse(held[0])


def test_a_build_says_who_is_in_its_way(
    home: DataHome, held: tuple[Path, subprocess.Popen], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLUICE_WAIT_SECONDS", "0")
    result = home.build(expect_success=False)
    assert not result.success and "is open in process" in str(result.exception)
    assert str(held[1].pid) in str(result.exception)
