"""Bring one published SQLite file up to date from a staging file, in one transaction, under its readers.

The file is in WAL mode and changed in place: replacing a file under a running reader mixes old and new pages,
while a WAL writer that is killed at any point leaves every reader with the last committed state.
"""

import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from sluice import durable
from sluice.deliver.sqlite.opening import columns_of, connect
from sluice.deliver.sqlite.spec import Publication, Table
from sluice.deliver.sqlite.state import is_as_noted, may_stay
from sluice.stamps import clear, with_companions

READER_TIMEOUT_MS = 500
CACHE_KIB = 65_536  # changed rows lie all over the file: with SQLite's own 2 MiB it thrashes
SORTERS = 4  # threads for a new index, with SQLite's own small cache: 4 s instead of 6 for 10 million rows


def prepare_staging(staging: Path, publication: Publication) -> None:
    """Create an empty staging file with the tables that the warehouse then fills.

    A table has its final primary key already, so that a first publication can move the file into place as it is.
    """
    durable.make_folder(staging.parent.parent, is_public=True)
    durable.make_folder(staging.parent)
    for leftover in with_companions(staging):
        leftover.unlink(missing_ok=True)
    durable.create(staging)
    with closing(sqlite3.connect(staging)) as db:
        db.execute("pragma journal_mode = off")
        db.execute("pragma page_size = 8192")
        for table in publication.tables:
            staged = _staged(table)
            db.execute(_create_table(staged))
            if table.mode == "replace":
                types = dict(staged.columns)
                columns = ", ".join(f'"{name}" {types[name]}' for name in staged.changed_by)
                db.execute(f'create table "{table.name}__changed" ({columns})')
                if table.file_by:
                    db.execute(
                        f'create index "{table.name}__files" on "{table.name}__changed" ("{table.file_by}")'
                    )
        db.commit()


def apply_publications(publications: Sequence[tuple[Path, Path, Publication]]) -> None:
    """Apply several publications at once. Each is seen only after those before it, and not at all when one of them failed.

    Args:
        publications: target, staging and publication of each, see apply_publication.
    Raises:
        sqlite3.Error: the transaction of the first that failed was rolled back, and those of all after it.
    """
    before: Future[None] | None = None
    with ThreadPoolExecutor(max(1, len(publications))) as pool:
        for target, staging, publication in publications:
            turn = before.result if before else _no_wait
            before = pool.submit(apply_publication, target, staging, publication, turn)
    if before:
        before.result()


def _no_wait() -> None:
    """The turn of a publication that is alone."""


def apply_publication(
    target: Path, staging: Path, publication: Publication, turn: Callable[[], None] = _no_wait
) -> None:
    """Make the target reflect the staged rows, or leave it exactly as it was.

    Args:
        target: the published file; created when absent.
        staging: the file that prepare_staging made and the warehouse filled; it is consumed.
        publication: what to do with it.
        turn: called before anybody can see a change; it may wait, and what it raises undoes all.
    Raises:
        sqlite3.Error: the transaction was rolled back.
    """
    is_noted = is_as_noted(target)
    if target.exists() and (is_noted or may_stay(target)):
        _update(target, staging, publication, turn, is_noted)
    else:
        _create(target, staging, publication, turn)
    for leftover in with_companions(staging):
        leftover.unlink(missing_ok=True)


def _create(target: Path, staging: Path, publication: Publication, turn: Callable[[], None]) -> None:
    """A first publication, or one in the place of a damaged file: finish the staging file and move it into place."""
    with closing(sqlite3.connect(staging)) as db:
        db.execute("pragma journal_mode = off")
        db.execute(f"pragma threads = {SORTERS}")
        for table in publication.tables:
            db.execute(f'drop table if exists "{table.name}__changed"')
            if table.keep_where:
                db.execute(f'delete from "{table.name}" where not ({table.keep_where})')
            _create_indexes(db, "main", table)
        write_build(db, publication)
        db.commit()
        db.execute("pragma journal_mode = wal")
    turn()
    clear(target)
    durable.put(staging, target, is_public=publication.is_public)


def _update(
    target: Path, staging: Path, publication: Publication, turn: Callable[[], None], is_noted: bool
) -> None:
    with closing(connect(target)) as db:
        db.execute("pragma journal_mode = wal")
        db.execute("pragma synchronous = normal")
        db.execute(f"pragma cache_size = -{CACHE_KIB}")
        attach_staging(db, staging)
        db.execute("begin immediate")
        try:
            for table in publication.tables:
                update_table(db, table, Staged.whole(table))
            if not is_noted:  # what this publication leaves out is compared whole when it comes
                db.execute("drop table if exists main._published_batches")
            write_build(db, publication)
            turn()
            db.execute("commit")
        except BaseException:
            db.execute("rollback")
            raise
        db.execute("detach staging")
        tidy(db)


def tidy(db: sqlite3.Connection) -> None:
    """Move the write-ahead log into the file. Where a reader still needs it, that is left to the next build."""
    db.execute(f"pragma busy_timeout = {READER_TIMEOUT_MS}")
    db.execute("pragma wal_checkpoint(truncate)")


@dataclass(frozen=True)
class Staged:
    """What a table gets from the attached staging file, as table expressions."""

    rows: str
    changed: str

    @classmethod
    def whole(cls, table: Table) -> "Staged":
        """All that is staged."""
        return cls(f'staging."{table.name}"', f'staging."{table.name}__changed"')

    @classmethod
    def of_file(cls, table: Table, name: str) -> "Staged":
        """What is staged for one file of a folder; its name has been checked, and needs no quoting."""
        condition = f"where \"{table.file_by}\" = '{name}'"
        return cls(
            f'(select {_quoted(table.column_names)} from staging."{table.name}" {condition})',
            f'(select {_quoted(table.changed_by)} from staging."{table.name}__changed" {condition})',
        )


def update_table(db: sqlite3.Connection, table: Table, staged: Staged) -> None:
    """Bring one table of the main database up to date, inside the caller's transaction."""
    name, columns = f'"{table.name}"', _quoted(table.column_names)
    if columns_of(db, "main", table.name) != list(table.columns):
        db.execute(f"drop table if exists main.{name}")
        db.execute(_create_table(table))
        db.execute(f"insert into main.{name} ({columns}) select {columns} from {staged.rows}")
    elif table.mode == "replace":
        _delete_changed(db, table, staged)
        db.execute(f"insert into main.{name} ({columns}) select {columns} from {staged.rows}")
    elif table.key:
        _sync_by_key(db, table, staged)
    else:
        _sync_without_key(db, table, staged)
    if table.keep_where:
        db.execute(f"delete from main.{name} where not ({table.keep_where})")
    _create_indexes(db, "main", table)


def _delete_changed(db: sqlite3.Connection, table: Table, staged: Staged) -> None:
    name, changed = f'main."{table.name}"', _quoted(table.changed_by)
    if not table.null_is_any:
        db.execute(f"delete from {name} where ({changed}) in (select {changed} from {staged.changed})")
        return
    *first, last = table.changed_by
    any_last = f'select {_quoted(tuple(first))} from {staged.changed} where "{last}" is null'
    db.execute(f"delete from {name} where ({_quoted(tuple(first))}) in ({any_last})")
    rest = f'select {changed} from {staged.changed} where "{last}" is not null'
    if db.execute(f"select exists ({rest})").fetchone()[0]:
        indexed = "true"
        if table.partial_index and table.is_in_partial_index:
            column, condition = table.partial_index
            indexed = f'({condition}) and "{column}" in (select "{column}" from ({rest}))'
        # Without the plus, an index of the first column would be searched for each of the rows.
        db.execute(f"delete from {name} where {indexed} and (+{changed}) in ({rest})")


def _sync_by_key(db: sqlite3.Connection, table: Table, staged: Staged) -> None:
    """Make a keyed table equal to the staged rows, writing only what differs."""
    name, columns, key = f'"{table.name}"', _quoted(table.column_names), _quoted(table.key)
    scope = table.scope or "true"
    db.execute(
        f"delete from main.{name} where ({scope}) and ({key}) not in (select {key} from {staged.rows})"
    )
    rest = [column for column in table.column_names if column not in table.key]
    if not rest:
        db.execute(f"insert or ignore into main.{name} ({columns}) select {columns} from {staged.rows}")
        return
    updates = ", ".join(f'"{column}" = excluded."{column}"' for column in rest)
    differs = " or ".join(f'main.{name}."{column}" is not excluded."{column}"' for column in rest)
    db.execute(
        f"insert into main.{name} ({columns}) select {columns} from {staged.rows} where true "
        f"on conflict ({key}) do update set {updates} where {differs}".replace(f"main.{name}.", f"{name}.")
    )


def _sync_without_key(db: sqlite3.Connection, table: Table, staged: Staged) -> None:
    name, columns, scope = f'"{table.name}"', _quoted(table.column_names), table.scope or "true"
    differs = db.execute(
        f"select (select count(*) from main.{name} where {scope}) != (select count(*) from {staged.rows}) or exists "
        f"(select {columns} from {staged.rows} except select {columns} from main.{name})"
    ).fetchone()[0]
    if differs:
        db.execute(f"delete from main.{name} where {scope}")
        db.execute(f"insert into main.{name} ({columns}) select {columns} from {staged.rows}")


def write_build(db: sqlite3.Connection, publication: Publication) -> None:
    """Say in the main database which build it holds, and which batches of this warehouse it reflects."""
    db.execute(
        "create table if not exists _build "
        "(build_id text not null primary key, published_at text not null, contract_version text not null)"
    )
    db.execute("delete from main._build")
    db.execute(
        "insert into main._build values (:build_id, :published_at, :contract_version)", publication.build
    )
    if any(table.file_by for table in publication.tables):
        return  # a file of a folder says so in its header, see files.py
    columns = [("warehouse_id", "TEXT"), ("feed", "TEXT"), ("batch", "TEXT")]
    if columns_of(db, "main", "_published_batches") != columns:
        db.execute("drop table if exists main._published_batches")
        db.execute(
            "create table main._published_batches "
            "(warehouse_id TEXT not null, feed TEXT not null primary key, batch TEXT not null)"
        )
    db.executemany(
        "insert or replace into main._published_batches values (?, ?, ?)",
        [(publication.warehouse_id, feed, batch) for feed, batch in publication.batches],
    )


def _staged(table: Table) -> Table:
    """The table as it is staged: with the column that names the file first."""
    if not table.file_by:
        return table
    return replace(
        table,
        columns=((table.file_by, "TEXT"), *table.columns),
        key=(table.file_by, *table.key),
        changed_by=(table.file_by, *table.changed_by),
    )


def _create_table(table: Table) -> str:
    columns = ", ".join(
        f'"{name}" {kind}' + (" not null" if name in table.key else "") for name, kind in table.columns
    )
    if not table.key:
        return f'create table "{table.name}" ({columns})'
    return f'create table "{table.name}" ({columns}, primary key ({_quoted(table.key)})) without rowid'


def _create_indexes(db: sqlite3.Connection, schema: str, table: Table) -> None:
    for columns in table.indexes:
        index = f"{table.name}_by_{'_'.join(columns)}"
        db.execute(f'create index if not exists {schema}."{index}" on "{table.name}" ({_quoted(columns)})')
    if table.partial_index:
        column, condition = table.partial_index
        index = f'{schema}."{table.name}_some_by_{column}"'
        db.execute(f'create index if not exists {index} on "{table.name}" ("{column}") where {condition}')


def attach_staging(db: sqlite3.Connection, staging: Path) -> None:
    """As a file that nobody writes: a transaction that is to write would lock it too, and those that write other files at the
    same time would wait for each other."""
    db.execute("attach ? as staging", (f"{staging.absolute().as_uri()}?mode=ro&immutable=1",))


def _quoted(names: tuple[str, ...]) -> str:
    return ", ".join(f'"{name}"' for name in names)
