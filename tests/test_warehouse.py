"""Opening the warehouse after its process was killed."""

import subprocess
import sys
from contextlib import closing
from pathlib import Path

from sluice.holder import release_warehouse
from sluice.warehouse import open_warehouse

KILLED = """
import os, sys, duckdb
warehouse = duckdb.connect(sys.argv[1])
warehouse.execute("create table rows (id bigint)")
warehouse.execute("alter table rows add column identity varchar default cast(uuid() as varchar)")
warehouse.execute("insert into rows (id) values (1)")
os.kill(os.getpid(), 9)
"""


def test_the_log_of_a_killed_process_is_replayed(tmp_path: Path) -> None:
    """A log that DuckDB 2.0.1 cannot replay by itself takes a whole build to make: tests/streams/test_kill_list.py does."""
    path = tmp_path / "warehouse.duckdb"
    assert subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False).returncode == -9
    assert path.with_name(f"{path.name}.wal").exists()
    with closing(open_warehouse(path, {})) as warehouse:
        assert warehouse.execute("select id, length(identity) from rows").fetchall() == [(1, 36)]
    release_warehouse(path)
