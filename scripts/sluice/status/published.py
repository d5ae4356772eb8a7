"""What the published files say. Every function opens a file for reading only."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Summary:
    """The numbers of the default output, of one build."""

    published_at: str
    last_run: sqlite3.Row | None
    files: list[tuple[str, int]]
    feeds: list[sqlite3.Row]
    alerts: list[tuple[str, int]]
    guesses: list[str]


@dataclass(frozen=True)
class LedgerLine:
    """The version of a file that the ledger saw last."""

    status: str
    size_bytes: int | None
    modified_at: str | None
    error: str | None
    loaded_at: str | None = None
    content_hash: str | None = None


def read_summary(sluice: Path, operations: Path) -> Summary:
    """What stands in the two published files. Raises sqlite3.Error if one is not a publication."""
    with _reading(sluice) as db:
        published_at = db.execute("select published_at from _build").fetchone()[0]
        feeds = db.execute(
            "select feed, sum(records_read) as records_read, sum(clean_count) as clean_count,"
            " sum(quarantined_count) as quarantined_count, max(ingest_date) as last_delivery,"
            " (select max(event_date || printf(' %02d:', hour)) || '00 h' from hourly_events"
            " where hourly_events.feed = daily_metrics.feed) as newest_event"
            " from daily_metrics group by feed order by feed"
        ).fetchall()
        alerts = _counts(db, "alerts", "severity")
    with _reading(operations) as db:
        run = db.execute("select * from pipeline_runs order by started_at desc limit 1").fetchone()
        files = _counts(db, "file_loads", "status")
        guesses = _guesses(db)
    return Summary(published_at, run, files, feeds, alerts, guesses)


def _guesses(db: sqlite3.Connection) -> list[str]:
    """A sentence for each current file that was read in another way than plain UTF-8 below a header line."""
    rows = db.execute(
        "select file, encoding, is_encoding_guessed, skipped_lines, header_kind, date_order, is_date_order_assumed,"
        " decimal, note from file_loads where status in ('loaded', 'archived') and (encoding != 'utf-8' or"
        " skipped_lines > 0 or header_kind = 'none' or is_date_order_assumed or date_order in ('mdy', 'mixed')"
        " or decimal in ('comma', 'mixed') or note is not null) order by loaded_at desc, file"
    ).fetchall()
    return [f"{row['file']}: {', '.join(_how_read(row))}" for row in rows]


def _how_read(row: sqlite3.Row) -> Iterator[str]:
    if row["encoding"] != "utf-8":
        yield row["encoding"] + (" (guessed)" if row["is_encoding_guessed"] else "")
    if row["skipped_lines"]:
        yield f"{row['skipped_lines']} lines above the header"
    if row["header_kind"] == "none":
        yield "no header"
    if row["is_date_order_assumed"] or row["date_order"] in ("mdy", "mixed"):
        yield f"dates {row['date_order']}" + (" (assumed)" if row["is_date_order_assumed"] else "")
    if row["decimal"] in ("comma", "mixed"):
        yield f"decimal {row['decimal']}"
    if row["note"]:
        yield row["note"]


def read_alerts(sluice: Path, days: int | None) -> list[sqlite3.Row]:
    """The alerts that stand, newest and gravest first; with `days`, of that many newest ingest dates."""
    with _reading(sluice) as db:
        since = ""
        if days:
            dates = db.execute(
                "select ingest_date from daily_metrics union select ingest_date from alerts"
                " order by ingest_date desc limit ?",
                (days,),
            ).fetchall()
            since = dates[-1][0] if dates else ""
        return db.execute(
            "select ingest_date, alert, feed, severity, message from alerts where ingest_date >= ? order by"
            " ingest_date desc, case severity when 'critical' then 0 when 'warning' then 1 else 2 end,"
            " alert, feed",
            (since,),
        ).fetchall()


def read_ledger(operations: Path) -> dict[str, LedgerLine]:
    """Per landing file, the version that was seen last; nothing when nothing was published."""
    if not operations.exists():
        return {}
    with _reading(operations) as db:
        rows = db.execute(
            "select file, status, size_bytes, modified_at, error, loaded_at, content_hash from file_loads"
            " where status != 'superseded'"
            " order by status = 'failed'"
        ).fetchall()
    return {file: LedgerLine(*line) for file, *line in rows}


def _counts(db: sqlite3.Connection, table: str, column: str) -> list[tuple[str, int]]:
    rows = db.execute(f"select {column}, count(*) from {table} group by {column} order by {column}")
    return [tuple(row) for row in rows]


@contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=10)
    try:
        db.row_factory = sqlite3.Row
        db.execute("begin")
        yield db
    finally:
        db.close()
