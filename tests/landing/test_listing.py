"""What counts as a landing file, and that nothing in the landing zone stops the listing."""

import os
import time
from pathlib import Path

import pytest

from sluice.landing.listing import list_landing_files
from sluice.landing.source import stamp
from sluice.landing.stamp import Stamp


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
    status = Path(entry.path).stat()
    assert (entry.changed_ns, entry.inode) == (status.st_ctime_ns, status.st_ino)
    assert entry.stamp == stamp(entry.path)


def test_content_that_is_replaced_under_the_same_size_and_time_is_another_version(tmp_path: Path) -> None:
    put(tmp_path, "f/a.csv")
    path = tmp_path / "f/a.csv"
    os.utime(path, ns=(5, 5))
    (before,) = list_landing_files(tmp_path)
    path.write_text("y")
    os.utime(path, ns=(5, 5))
    (after,) = list_landing_files(tmp_path)
    assert before.stamp[:2] == after.stamp[:2] and before.stamp != after.stamp


def test_numbers_beyond_64_bits_are_the_nearest_that_fit() -> None:
    status = os.stat_result(
        (0o100600, 1 << 64, 0, 1, 0, 0, 1 << 70, 0, 0, 0, 0.0, 0.0, 0.0, 0, -(1 << 80), 1 << 90)
    )
    assert Stamp.of(status) == ((1 << 63) - 1, -(1 << 63), (1 << 63) - 1, (1 << 63) - 1)


def test_unfinished_names_are_left_out(tmp_path: Path) -> None:
    for name in [
        "f/.a.csv",
        "f/_a.csv",
        "f/a.csv.tmp",
        "f/a.part",
        "f/a.csv.PART",
        "f/a.csv.filepart",
        "f/a.csv.crdownload",
        "f/a.csv.Partial",
        "f/a.csv.uploading",
        "f/.a.csv.swp",
        "f/a.csv.swp",
        "f/a.csv~",
        "f/tmp/_temporary/0/a.csv",
        "_f/a.csv",
        ".f/x/a.csv",
        "f/a.csv",
        "f/a.tmp.csv",
        "f/part",
        "g.tmp/a.csv",
        "b.txt",
    ]:
        put(tmp_path, name)
    assert names(tmp_path) == ["b.txt", "f/a.csv", "f/a.tmp.csv", "f/part", "g.tmp/a.csv"]


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


def test_links_out_of_the_landing_zone_are_not_followed(tmp_path: Path) -> None:
    """Not for a file, not for a folder, not by way of another link; and nobody learns whether anything is there."""
    landing, outside = tmp_path / "landing", tmp_path / "landing beside"
    put(landing, "f/a.csv")
    put(outside, "secret/b.csv")
    links = {
        "f/file.csv": outside / "secret/b.csv",
        "f/folder": outside / "secret",
        "f/gone.csv": outside / "nothing",
        "f/up.csv": Path("../../landing beside/secret/b.csv"),
        "f/chain.csv": landing / "f/file.csv",
        "f/deep/chain.csv": Path("../folder/b.csv"),
        "link": outside,
        "f/parent": tmp_path,
        "f/.hidden.csv": outside / "secret/b.csv",
        "f/unfinished.tmp": outside / "secret/b.csv",
    }
    for name, target in links.items():
        (landing / name).parent.mkdir(parents=True, exist_ok=True)
        (landing / name).symlink_to(target)
    found = {entry.file: entry for entry in list_landing_files(landing)}
    assert found.pop("f/a.csv").error is None
    assert set(found) == set(links) - {"f/.hidden.csv", "f/unfinished.tmp"}
    assert {entry.error for entry in found.values()} == {
        "The link leads out of the landing zone. Put the file itself here."
    }
    assert {entry.stamp for entry in found.values()} == {(0, 0, 0, 0)}


def test_links_within_a_landing_zone_that_is_a_link_are_followed(tmp_path: Path) -> None:
    put(tmp_path / "disk", "f/a.csv")
    (tmp_path / "landing").symlink_to("disk")
    (tmp_path / "landing/f/b.csv").symlink_to("a.csv")
    (tmp_path / "landing/g").symlink_to(tmp_path / "landing/f")
    (tmp_path / "landing/f/c.csv").symlink_to(tmp_path / "landing/g/b.csv")
    (tmp_path / "landing/h").symlink_to(tmp_path / "landing")
    found = [entry for entry in list_landing_files(tmp_path / "landing") if not entry.file.startswith("h/")]
    assert [entry.file for entry in found] == [f"{feed}/{name}.csv" for feed in "fg" for name in "abc"]
    assert {entry.error for entry in found} == {None} and len({entry.inode for entry in found}) == 1


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
