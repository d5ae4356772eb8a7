"""What counts as a landing file, and that nothing in the landing zone stops the listing."""

import os
import time
from pathlib import Path

import pytest

from sluice.landing.listing import list_landing_files


def names(landing: Path) -> list[str]:
    return [entry.file for entry in list_landing_files(landing)]


def put(landing: Path, name: str) -> None:
    path = landing / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x")


def test_absent_folder_is_empty(tmp_path: Path) -> None:
    assert list_landing_files(tmp_path / "none") == []


def test_files_have_their_stamp(tmp_path: Path) -> None:
    put(tmp_path, "feed/ingest_date=2026-01-01/a.csv")
    os.utime(tmp_path / "feed/ingest_date=2026-01-01/a.csv", ns=(0, 123_456_789))
    (entry,) = list_landing_files(tmp_path)
    assert entry.file == "feed/ingest_date=2026-01-01/a.csv"
    assert entry.path == str(tmp_path / entry.file)
    assert (entry.size_bytes, entry.modified_ns, entry.error) == (1, 123_456_789, None)


def test_unfinished_names_are_left_out(tmp_path: Path) -> None:
    for name in [
        "f/.a.csv",
        "f/_a.csv",
        "f/a.csv.tmp",
        "f/a.part",
        "_f/a.csv",
        ".f/x/a.csv",
        "f/a.csv",
        "b.txt",
    ]:
        put(tmp_path, name)
    assert names(tmp_path) == ["b.txt", "f/a.csv"]


def test_order_is_that_of_bytes(tmp_path: Path) -> None:
    for name in ["a/b.csv", "a.csv", "a-b/c.csv", "B.csv", "é.csv", "z.csv"]:
        put(tmp_path, name)
    assert names(tmp_path) == sorted(names(tmp_path), key=str.encode)
    assert names(tmp_path) == ["B.csv", "a-b/c.csv", "a.csv", "a/b.csv", "z.csv", "é.csv"]


def test_broken_things_become_entries_with_an_error(tmp_path: Path) -> None:
    put(tmp_path, "f/good.csv")
    (tmp_path / "f/gone.csv").symlink_to(tmp_path / "nowhere")
    (tmp_path / "f/loop").symlink_to(tmp_path / "f")
    (tmp_path / "f/self.csv").symlink_to(tmp_path / "f/self.csv")
    os.mkfifo(tmp_path / "f/pipe.csv")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/f/bad\xff.csv")).write_text("x")
    found = {entry.file: entry for entry in list_landing_files(tmp_path)}
    assert found.pop("f/good.csv").error is None
    assert found["f/bad\\xff.csv"].path == str(tmp_path / "f") + "/bad\\xff.csv"
    broken = {file: entry.error or "" for file, entry in found.items()}
    assert "not UTF-8" in broken.pop("f/bad\\xff.csv")
    assert "cannot be reached" in broken.pop("f/gone.csv")
    assert "cannot be reached" in broken.pop("f/self.csv")
    assert "not a regular file" in broken.pop("f/pipe.csv")
    assert all("leads back" in error for error in broken.values())
    assert set(broken) == {"f/loop/loop"} or set(broken) == {"f/loop"}


@pytest.mark.usefixtures("respects_permissions")
def test_unreadable_folder_is_an_entry(tmp_path: Path) -> None:
    put(tmp_path, "f/a.csv")
    (tmp_path / "f").chmod(0)
    try:
        (entry,) = list_landing_files(tmp_path)
    finally:
        (tmp_path / "f").chmod(0o755)
    assert entry.file == "f"
    assert "Permission denied" in (entry.error or "")


def test_a_file_in_place_of_the_folder_is_an_entry(tmp_path: Path) -> None:
    put(tmp_path, "landing")
    (entry,) = list_landing_files(tmp_path / "landing")
    assert entry.error is not None


def test_many_files_are_listed_quickly(tmp_path: Path) -> None:
    for number in range(5_000):
        (tmp_path / f"{number}.csv").touch()
    begin = time.process_time()
    assert len(list_landing_files(tmp_path)) == 5_000
    assert time.process_time() - begin < 0.5
