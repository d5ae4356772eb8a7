"""Who may read what is made: raw records are the user's own, at every moment of a build."""

import contextlib
import os
import re
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from tests.pipeline.harness import PROJECT, DataHome

from sluice.archive.__main__ import main as archive

PUBLIC_FILES = ("lake/clean/", "lake/metrics/", "reports/", "lake/.sluice.json")
PUBLIC_FOLDERS = (".", "lake", "published", "reports")


def is_public(name: str) -> bool:
    name = re.sub(r"/\.([^/]*)\.sluice\.tmp$", r"/\1", name)  # written aside
    if name in PUBLIC_FOLDERS or name in ("lake/clean", "lake/metrics"):
        return True
    return name.startswith(PUBLIC_FILES) or name in [
        f"published/sluice.db{end}" for end in ("", "-wal", "-shm")
    ]


def modes(root: Path) -> dict[str, int]:
    """What is there now, by its path, without what was delivered."""
    found = {}
    for folder, _, files in os.walk(root):  # which passes over folders that go meanwhile
        for path in [Path(folder), *(Path(folder, file) for file in files)]:
            name = path.relative_to(root).as_posix()
            if not name.startswith("landing"):
                with contextlib.suppress(FileNotFoundError):
                    found[name] = stat.S_IMODE(path.stat().st_mode)
    return found


class Onlooker(threading.Thread):
    """Looks at everything again and again, and notes what others could read for a moment."""

    def __init__(self, root: Path) -> None:
        super().__init__(daemon=True)
        self.root, self.seen, self.open, self.ended = root, set(), set(), threading.Event()

    def run(self) -> None:
        """Look until the end."""
        while not self.ended.wait(0.005):
            for name, mode in modes(self.root).items():
                self.seen.add(name)
                if mode & 0o077 and not is_public(name) and ".staging/" not in name:
                    self.open.add((name, oct(mode)))


@pytest.mark.slow
@pytest.mark.parametrize("umask", [0o022, 0o027], ids=oct)
def test_raw_records_are_the_users_own(home: DataHome, umask: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLUICE_HOME", str(home.root))
    home.root.chmod(0o777 & ~umask)
    home.write("customers/ingest_date=2026-01-01/a.csv", "customer_id,email\nc1,a@b.c\n,b@b.c\n")
    home.write("customers/ingest_date=2026-01-01/b.csv.gz", b"broken")
    home.write(
        "tenant_events/ingest_date=2026-01-01/a.csv",
        "event_id,tenant_id,source,event_type,timestamp\ne1,acme,web,get,2026-01-01\ne2,a b,web,get,2026-01-01\n",
    )
    onlooker = Onlooker(home.root)
    onlooker.start()
    command = [Path(sys.executable).with_name("dbt"), "--quiet", "build", "--project-dir", PROJECT]
    command += ["--profiles-dir", PROJECT, "--target-path", home.target, "--log-path", home.target]
    environment = {key: value for key, value in os.environ.items() if key != "SLUICE_PII_KEY"}
    environment |= {"SLUICE_HOME": str(home.root)}
    for number in range(2):
        subprocess.run(command, cwd=PROJECT, env=environment, umask=umask, check=True)
        home.write(f"customers/ingest_date=2026-01-01/c{number}.csv", f"customer_id\nd{number}\n,\n")
    onlooker.ended.set()
    onlooker.join()
    assert archive(["--older-than", "0"]) == 0
    found = modes(home.root)
    assert {name: oct(mode) for name, mode in found.items() if not is_public(name) and mode & 0o077} == {}
    wrong = {}
    for name in filter(is_public, found):
        everything = 0o777 if (home.root / name).is_dir() else 0o666
        if found[name] != everything & ~umask:
            wrong[name] = oct(found[name])
    assert wrong == {}
    assert onlooker.open == set()
    assert {"warehouse.duckdb", "pii.key", "warehouse.duckdb.lock", "published/tenants/acme.db"} <= set(found)
    assert any(name.startswith("lake/quarantine/customers/") for name in found)
    assert any(name.startswith("archive/") and name.endswith(".parquet") for name in found)
    assert "warehouse.duckdb.wal" in onlooker.seen, "the onlooker was quick enough"
