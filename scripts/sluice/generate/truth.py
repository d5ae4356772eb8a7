"""The ground truth beside the data: Parquet files filled file by file, and the summary."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from sluice.generate.feeds import Feed
from sluice.generate.layout import LandingFile
from sluice.generate.paths import part_of

RECORDS = ("record_number", "key", "verdict", "reasons", "repaired", "time_shape")
REPEATED = [
    "file",
    "verdict",
    "time_shape",
    "service",
    "event_type",
    "currency",
    "status",
    "tenant_id",
    "ingest_date",
    "country",
]
"""Columns of few values, stored as dictionaries."""
METRICS = "service_metrics_per_minute.parquet"
SUMMARY = "summary.json"


def truth_names(feed: str) -> tuple[str, str]:
    """The ground truth files of a feed: every record, and the best record of each key."""
    return f"{feed}_records.parquet", f"{feed}_entities.parquet"


@dataclass
class FeedSummary:
    """What one feed holds. rows = clean + duplicates + quarantined; a record counts under each reason."""

    rows: int = 0
    files: int = 0
    clean: int = 0
    duplicates: int = 0
    quarantined: int = 0
    quarantined_by_reason: dict[str, int] = field(default_factory=dict)
    repaired_by_column: dict[str, int] = field(default_factory=dict)
    file_names: list[str] = field(default_factory=list)


@dataclass
class Summary:
    """What a run wrote; also ground_truth/summary.json."""

    rows_per_feed: int
    days: int
    seed: int
    start_date: str
    structural_faults: bool
    feeds: dict[str, FeedSummary] = field(default_factory=dict)

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self), indent=2, sort_keys=True) + "\n", encoding="utf-8")


class TruthWriter:
    """Appends to <feed>_records.parquet and <feed>_entities.parquet, which take their names at the end."""

    def __init__(self, folder: Path, feed: Feed) -> None:
        self.paths = [folder / name for name in truth_names(feed.name)]
        self.writers: list[pq.ParquetWriter] = []

    def append(self, tables: tuple[pa.Table, ...]) -> None:
        if not self.writers:
            self.writers = [
                pq.ParquetWriter(part_of(path), table.schema, use_dictionary=REPEATED, write_statistics=False)
                for path, table in zip(self.paths, tables, strict=True)
            ]
        for writer, table in zip(self.writers, tables, strict=True):
            writer.write_table(table)

    def __enter__(self) -> "TruthWriter":
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for writer in self.writers:
            writer.close()
        for path in self.paths:
            if kind is None:
                part_of(path).rename(path)
            else:
                part_of(path).unlink(missing_ok=True)


def truth_columns(feed: Feed, file: LandingFile) -> str:
    """What the truth must know of a row, as a select list."""
    values = [column for column in feed.entity if column not in (feed.key, "ingest_date")]
    constants = [f"date '{file.ingest_date}' as ingest_date", "cast(0 as integer) as file"]
    return ", ".join([*RECORDS, "is_best", *values, *constants])


def truth_of_rows(rows: pa.Table, feed: Feed, names: dict[str, pa.Array]) -> tuple[pa.Table, pa.Table]:
    """Some records of a file and the best among them, from their rows. `names` tell what the numbers in some
    columns stand for."""
    for column, meanings in names.items():
        coded = pa.DictionaryArray.from_arrays(rows[column].combine_chunks(), meanings)
        rows = rows.set_column(rows.schema.get_field_index(column), column, coded)
    best = rows.filter(rows["is_best"])
    entities = {column: best["key" if column == feed.key else column] for column in feed.entity}
    return rows.select(["file", *RECORDS]), pa.table(entities)


def summarise(feed: Feed, folder: Path, files: list[LandingFile]) -> FeedSummary:
    """Counts from the written records."""
    records = f"read_parquet('{_quoted(folder / f'{feed.name}_records.parquet')}')"
    with duckdb.connect() as session:
        verdicts = dict(session.execute(f"select verdict, count(*) from {records} group by 1").fetchall())

        def counts(column: str) -> dict[str, int]:
            names = f"select unnest({column}) as name from {records} where len({column}) > 0"
            return dict(
                session.execute(
                    f"select name, count(*) from ({names}) group by name order by name"
                ).fetchall()
            )

        return FeedSummary(
            rows=sum(verdicts.values()),
            files=len(files),
            clean=verdicts.get("clean", 0),
            duplicates=verdicts.get("duplicate", 0),
            quarantined=verdicts.get("quarantined", 0),
            quarantined_by_reason=counts("reasons"),
            repaired_by_column=counts("repaired"),
            file_names=[file.path for file in files],
        )


def write_minute_metrics(folder: Path) -> None:
    """The per-minute metrics of the best service events."""
    source, target = folder / "service_events_entities.parquet", folder / METRICS
    with duckdb.connect() as session:
        session.execute(f"""
            copy (
                with per_minute as (
                    select
                        service,
                        epoch_us(event_at) // 60000000 as minute_number,
                        count(*) as request_count,
                        count(latency_ms) as latency_count,
                        avg(latency_ms) as avg_latency_ms,
                        quantile_cont(latency_ms, [0.5, 0.95, 0.99]) as percentiles,
                        count(status_code) as status_count,
                        count(*) filter (status_code not between 200 and 299) as error_count
                    from read_parquet('{_quoted(source)}')
                    group by all
                )
                select
                    service, make_timestamp(minute_number * 60000000) as minute, request_count, latency_count, avg_latency_ms,
                    percentiles[1] as p50_latency_ms, percentiles[2] as p95_latency_ms,
                    percentiles[3] as p99_latency_ms,
                    status_count, error_count, error_count / nullif(status_count, 0) as error_rate
                from per_minute
                order by service, minute_number
            ) to '{_quoted(part_of(target))}' (format parquet)""")
    part_of(target).rename(target)


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
