"""Several published files at once: the order in which they are seen, and what happens when one fails."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from sluice.deliver.sqlite import apply
from sluice.deliver.sqlite.apply import apply_publications, prepare_staging
from sluice.deliver.sqlite.spec import Publication, Table
from sluice.serve.facts import read_tables

ITEMS = Table("items", (("id", "INTEGER"), ("kind", "TEXT")), ("id",))
MARKED = Table(
    "items",
    (("id", "INTEGER"), ("kind", "TEXT")),
    mode="replace",
    changed_by=("id", "kind"),
    null_is_any=True,
    partial_index=("kind", "instr(kind, 'x')"),
    is_in_partial_index=True,
)


def publication(number: int, table: Table = ITEMS) -> Publication:
    build = {"build_id": f"b{number}", "published_at": "2026-01-01T00:00:00Z", "contract_version": "1"}
    return Publication((table,), build, (("orders", number),), "warehouse")


def staged(
    folder: Path,
    name: str,
    number: int,
    rows: list[tuple],
    changed: list[tuple] = (),
    table: Table = ITEMS,
) -> tuple[Path, Path, Publication]:
    """A staging file with rows, and what apply_publications is to do with it."""
    staging, what = folder / ".staging" / name, publication(number, table)
    prepare_staging(staging, what)
    with closing(sqlite3.connect(staging)) as db, db:
        db.executemany("insert into items values (?, ?)", rows)
        if changed:
            db.executemany("insert into items__changed values (?, ?)", changed)
    return folder / name, staging, what


def rows(path: Path) -> list[tuple]:
    with closing(sqlite3.connect(path)) as db:
        return db.execute("select * from items order by 1, 2").fetchall()


def build(path: Path) -> str:
    with closing(sqlite3.connect(path)) as db:
        return db.execute("select build_id from _build").fetchone()[0]


@pytest.mark.parametrize("first", [True, False], ids=["first publication", "update"])
def test_files_are_seen_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: bool) -> None:
    names = ["a.db", "b.db", "c.db"]
    if not first:
        apply_publications([staged(tmp_path, name, 1, [(1, "old")]) for name in names])
    seen = []

    def look() -> None:
        seen.append([build(tmp_path / name) if (tmp_path / name).exists() else None for name in names])

    write_build = apply.write_build
    monkeypatch.setattr(apply, "write_build", lambda *given: (look(), write_build(*given)))
    apply_publications([staged(tmp_path, name, 2, [(2, name)]) for name in names])
    look()
    assert seen[-1] == ["b2"] * 3 and [rows(tmp_path / name) for name in names] == [
        [(2, name)] for name in names
    ]
    for states in seen:
        assert [state == "b2" for state in states] == sorted(
            (state == "b2" for state in states), reverse=True
        )
    assert not list((tmp_path / ".staging").iterdir())


def test_after_a_failure_nothing_is_seen_of_it_and_of_what_comes_after(tmp_path: Path) -> None:
    names = ["a.db", "b.db", "c.db"]
    apply_publications([staged(tmp_path, name, 1, [(1, "old")]) for name in names])
    given = [staged(tmp_path, name, 2, [(2, name)]) for name in names]
    given[1][1].write_bytes(b"this is no database, and longer than a header of one" * 100)
    with pytest.raises(sqlite3.DatabaseError):
        apply_publications(given)
    assert [build(tmp_path / name) for name in names] == ["b2", "b1", "b1"]
    assert [rows(tmp_path / name) for name in names] == [[(2, "a.db")], [(1, "old")], [(1, "old")]]
    apply_publications([])


def test_only_rows_that_may_have_changed_are_looked_for(tmp_path: Path) -> None:
    apply_publications([staged(tmp_path, "a.db", 1, [(1, "x"), (1, "y"), (2, "x"), (3, "xy")], table=MARKED)])
    changed = [(1, "x"), (1, "y"), (3, None)]
    apply_publications([staged(tmp_path, "a.db", 2, [(1, "new")], changed, MARKED)])
    assert rows(tmp_path / "a.db") == [(1, "new"), (1, "y"), (2, "x")]
    with closing(sqlite3.connect(tmp_path / "a.db")) as db:
        [index] = db.execute("select sql from sqlite_master where type = 'index'").fetchone()
        table = read_tables(db)["items"]
    assert index.endswith("where instr(kind, 'x')")
    assert table.sorted_by == set(), "an index of some rows sorts no page"
