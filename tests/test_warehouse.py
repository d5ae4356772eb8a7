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
warehouse.execute("create table rows (id bigint, identity varchar default cast(uuid() as varchar))")
warehouse.execute("insert into rows (id) values (1)")
os.kill(os.getpid(), 9)
"""


def test_the_log_of_a_killed_process_is_replayed_with_its_functions(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    assert subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False).returncode == -9
    assert path.with_name(f"{path.name}.wal").exists()
    with closing(open_warehouse(path, {})) as warehouse:
        assert warehouse.execute("select id, length(identity) from rows").fetchall() == [(1, 36)]
    release_warehouse(path)
