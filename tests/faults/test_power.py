"""The simulated power loss takes what was not synced, and nothing else."""

import os
from pathlib import Path

import pytest
from tests.faults.power import Recorder

from sluice import durable


def test_what_was_not_synced_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    (home / "folder").mkdir(parents=True)
    for name in ("old", "changed", "renamed", "removed", "a.db"):
        (home / name).write_text("before")
    for name in ("fsync", "fdatasync"):
        monkeypatch.setattr(os, name, getattr(os, name))  # to be given back
    recorder = Recorder(home, tmp_path / "kept")
    recorder.install()

    durable.write(home / "written", "whole")
    durable.append(home / "folder/log", b"one\n")
    (home / "folder/log").open("a").write("two\n")
    (home / "folder/unnamed").write_text("synced, but its folder was not")
    durable.sync(home / "folder/unnamed")
    (home / "changed").write_text("after")
    (home / "empty").write_text("its folder was synced, it was not")
    durable.sync(home)
    (home / "renamed").rename(home / "new name")
    (home / "removed").unlink()
    (home / "a.db").write_text("SQLite syncs it")
    (home / "a.db-wal").write_text("but not this")
    (home / "later").mkdir()
    (home / "later/file").write_text("nothing of it")

    lost = recorder.lose_power()
    assert {str(path.relative_to(home)): path.read_text() for path in home.rglob("*") if path.is_file()} == {
        **dict.fromkeys(("old", "changed", "renamed", "removed"), "before"),
        "a.db": "SQLite syncs it",
        "written": "whole",
        "folder/log": "one\n",
        "empty": "",
    }
    assert lost == ["a.db-wal", "changed", "empty", "folder/log", "folder/unnamed", "later/file", "new name"]
