"""Bring one published SQLite file up to date from a staging file, in one transaction, under its readers.

The file is in WAL mode and changed in place: replacing a file under a running reader mixes old and new pages,
while a WAL writer that is killed at any point leaves every reader with the last committed state.
"""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from sluice.publish.spec import Publication, Table

BUSY_TIMEOUT_SECONDS = 60
CACHE_KIB = 65_536  # changed rows lie all over the file: with SQLite's own 2 MiB it thrashes


def prepare_staging(staging: Path, publication: Publication) -> None:
    """Create an empty staging file with the tables that the warehouse then fills.

    A table has its final primary key already, so that a first publication can move the file into place as it is.
    """
    staging.parent.mkdir(parents=True, exist_ok=True)
    for leftover in _with_companions(staging):
        leftover.unlink(missing_ok=True)
    with closing(sqlite3.connect(staging)) as db:
        db.execute("pragma journal_mode = off")
        db.execute("pragma page_size = 8192")
        for table in publication.tables:
            db.execute(_create_table(table))
            if table.mode == "replace":
                types = dict(table.columns)
                columns = ", ".join(f'"{name}" {types[name]}' for name in table.changed_by)
                db.execute(f'create table "{table.name}__changed" ({columns})')
        db.commit()


def apply_publication(target: Path, staging: Path, publication: Publication) -> None:
    """Make the target reflect the staged rows, or leave it exactly as it was.

    Args:
        target: the published file; created when absent.
        staging: the file that prepare_staging made and the warehouse filled; it is consumed.
        publication: what to do with it.
    Raises:
        sqlite3.Error: the transaction was rolled back.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        _update(target, staging, publication)
    else:
        _create(target, staging, publication)
    for leftover in _with_companions(staging):
        leftover.unlink(missing_ok=True)


def published_state(target: Path) -> dict[str, object]:
    """What a published file reflects: {"warehouse_id": str, "batches": {feed: batch}, "tables": {name: columns}}.

    An absent file, or one that is no Sluice publication, reflects nothing.
    """
    nothing: dict[str, object] = {"warehouse_id": "", "batches": {}, "tables": {}}
    if not target.exists():
        return nothing
    with closing(_connect(target)) as db:
        try:
            rows = db.execute("select warehouse_id, feed, batch_id from _published_batches").fetchall()
        except sqlite3.OperationalError:
            return nothing
        tables = [name for (name,) in db.execute("select name from sqlite_master where type = 'table'")]
        return {
            "warehouse_id": rows[0][0] if rows else "",
            "batches": {feed: batch for _, feed, batch in rows},
            "tables": {name: _columns_of(db, "main", name) for name in tables},
        }


def _create(target: Path, staging: Path, publication: Publication) -> None:
    """A first publication: finish the staging file and move it into place. Nobody reads it yet."""
    with closing(sqlite3.connect(staging)) as db:
        db.execute("pragma journal_mode = off")
        for table in publication.tables:
            db.execute(f'drop table if exists "{table.name}__changed"')
            if table.keep_where:
                db.execute(f'delete from "{table.name}" where not ({table.keep_where})')
            _create_indexes(db, "main", table)
        _write_build(db, "main", publication)
        db.commit()
        db.execute("pragma journal_mode = wal")
    staging.chmod(publication.mode)
    with staging.open("rb") as written:
        os.fsync(written.fileno())
    staging.rename(target)


def _update(target: Path, staging: Path, publication: Publication) -> None:
    with closing(_connect(target)) as db:
        db.execute("pragma journal_mode = wal")
        db.execute("pragma synchronous = normal")
        db.execute(f"pragma cache_size = -{CACHE_KIB}")
        db.execute("attach ? as staging", (str(staging),))
        db.execute("begin immediate")
        try:
            for table in publication.tables:
                _update_table(db, table)
            _write_build(db, "main", publication)
            db.execute("commit")
        except BaseException:
            db.execute("rollback")
            raise
        db.execute("detach staging")
        db.execute("pragma wal_checkpoint(truncate)")


def _update_table(db: sqlite3.Connection, table: Table) -> None:
    name, columns = f'"{table.name}"', _quoted(table.column_names)
    if _columns_of(db, "main", table.name) != list(table.columns):
        db.execute(f"drop table if exists main.{name}")
        db.execute(_create_table(table))
        db.execute(f"insert into main.{name} ({columns}) select {columns} from staging.{name}")
    elif table.mode == "replace":
        changed = _quoted(table.changed_by)
        db.execute(
            f'delete from main.{name} where ({changed}) in (select {changed} from staging."{table.name}__changed")'
        )
        db.execute(f"insert into main.{name} ({columns}) select {columns} from staging.{name}")
    elif table.key:
        _sync_by_key(db, table)
    else:
        _sync_without_key(db, table)
    if table.keep_where:
        db.execute(f"delete from main.{name} where not ({table.keep_where})")
    _create_indexes(db, "main", table)


def _sync_by_key(db: sqlite3.Connection, table: Table) -> None:
    """Make a keyed table equal to the staged rows, writing only what differs."""
    name, columns, key = f'"{table.name}"', _quoted(table.column_names), _quoted(table.key)
    scope = table.scope or "true"
    db.execute(
        f"delete from main.{name} where ({scope}) and ({key}) not in (select {key} from staging.{name})"
    )
    rest = [column for column in table.column_names if column not in table.key]
    if not rest:
        db.execute(f"insert or ignore into main.{name} ({columns}) select {columns} from staging.{name}")
        return
    updates = ", ".join(f'"{column}" = excluded."{column}"' for column in rest)
    differs = " or ".join(f'main.{name}."{column}" is not excluded."{column}"' for column in rest)
    db.execute(
        f"insert into main.{name} ({columns}) select {columns} from staging.{name} where true "
        f"on conflict ({key}) do update set {updates} where {differs}".replace(f"main.{name}.", f"{name}.")
    )


def _sync_without_key(db: sqlite3.Connection, table: Table) -> None:
    name, columns, scope = f'"{table.name}"', _quoted(table.column_names), table.scope or "true"
    differs = db.execute(
        f"select (select count(*) from main.{name} where {scope}) != (select count(*) from staging.{name}) or exists "
        f"(select {columns} from staging.{name} except select {columns} from main.{name})"
    ).fetchone()[0]
    if differs:
        db.execute(f"delete from main.{name} where {scope}")
        db.execute(f"insert into main.{name} ({columns}) select {columns} from staging.{name}")


def _write_build(db: sqlite3.Connection, schema: str, publication: Publication) -> None:
    db.execute(
        f"create table if not exists {schema}._build "
        "(build_id text not null primary key, published_at text not null, contract_version text not null)"
    )
    db.execute(
        f"create table if not exists {schema}._published_batches "
        "(warehouse_id text not null, feed text not null primary key, batch_id integer not null)"
    )
    db.execute(f"delete from {schema}._build")
    db.execute(
        f"insert into {schema}._build values (:build_id, :published_at, :contract_version)", publication.build
    )
    db.executemany(
        f"insert or replace into {schema}._published_batches values (?, ?, ?)",
        [(publication.warehouse_id, feed, batch) for feed, batch in publication.batches],
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


def _columns_of(db: sqlite3.Connection, schema: str, table: str) -> list[tuple[str, str]]:
    return [(row[1], row[2]) for row in db.execute(f'pragma {schema}.table_info("{table}")')]


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None, timeout=BUSY_TIMEOUT_SECONDS)


def _quoted(names: tuple[str, ...]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _with_companions(path: Path) -> list[Path]:
    return [path, *(path.with_name(path.name + suffix) for suffix in ("-journal", "-wal", "-shm"))]
