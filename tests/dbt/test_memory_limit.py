"""How much memory DuckDB gets when nobody says: by the size of the data, within the machine's."""

from pathlib import Path

import pytest

from sluice import dbt_plugin
from sluice.home import data_home

GB = 1_000_000_000


@pytest.fixture
def landing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty landing folder of a data home, on a machine of 24 GB."""
    monkeypatch.setenv("SLUICE_HOME", str(tmp_path))
    monkeypatch.delenv("SLUICE_LANDING", raising=False)
    monkeypatch.setattr(
        dbt_plugin.os, "sysconf", {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 24 * GB // 4096}.get
    )
    folder = tmp_path / "landing" / "orders" / "ingest_date=2026-01-01"
    folder.mkdir(parents=True)
    return folder


def sparse(path: Path, size: int) -> None:
    with path.open("wb") as file:
        file.truncate(size)


def test_small_data_get_what_their_threads_need(landing: Path) -> None:
    assert dbt_plugin.default_memory_limit(data_home(), 2) == 1_024
    assert dbt_plugin.default_memory_limit(data_home(), 1) == 1_024, "two threads' worth at least"
    assert dbt_plugin.default_memory_limit(data_home(), 8) == 4_096


def test_large_data_get_as_much_as_they_are_large(landing: Path, tmp_path: Path) -> None:
    sparse(landing / "a.csv", 2 * GB)
    sparse(landing / "b.csv", 1 * GB)
    assert dbt_plugin.default_memory_limit(data_home(), 2) == 3_000
    sparse(landing / "c.csv.gz", GB // 6)
    assert dbt_plugin.default_memory_limit(data_home(), 2) == pytest.approx(4_000, abs=1), "compressed"
    sparse(tmp_path / "warehouse.duckdb", 5 * GB)
    assert dbt_plugin.default_memory_limit(data_home(), 2) == 5_000


def test_never_more_than_three_quarters_of_the_machine(landing: Path) -> None:
    sparse(landing / "a.csv", 100 * GB)
    assert dbt_plugin.default_memory_limit(data_home(), 2) == pytest.approx(18_000, abs=1)
