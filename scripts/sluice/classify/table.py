"""Arrow in, Arrow out: what a dbt node calls. The caller keeps the state; nothing is remembered here."""

import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from tqdm import tqdm

from sluice.categories import CATEGORIES
from sluice.classify.answers import Answer
from sluice.classify.breaker import Clock
from sluice.classify.engine import Ask, classify
from sluice.classify.http import HttpAsk
from sluice.classify.settings import Settings

FIELDS = ("id", "description", "amount", "timestamp", "merchant", "operation_type", "side")
"""What the service is told about a transaction, and the columns of the table that is classified."""

RESULT = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("status", pa.string(), nullable=False),
        pa.field("category", pa.string()),
        pa.field("model_version", pa.string()),
        pa.field("error", pa.string()),
        pa.field("attempts", pa.int32(), nullable=False),
    ]
)
RESULT_ROWS = 10_000
RESULT_SECONDS = 2.0
"""A record batch is handed on when it has so many rows or is so old, whichever comes first."""


def classify_table(
    transactions: pa.Table | pa.RecordBatchReader,
    url: str | None = None,
    settings: Settings | None = None,
    **options: Any,
) -> pa.Table:
    """One row of `RESULT` per transaction, in no particular order; `options` as for classify_batches."""
    return pa.Table.from_batches(classify_batches(transactions, url, settings, **options), schema=RESULT)


def classify_batches(
    transactions: pa.Table | pa.RecordBatchReader,
    url: str | None = None,
    settings: Settings | None = None,
    *,
    ask: Ask | None = None,
    known: Iterable[str] = CATEGORIES,
    clock: Clock | None = None,
) -> Iterator[pa.RecordBatch]:
    """Record batches of `RESULT` as answers come in, so that a caller may store them as it goes.

    `transactions` has the columns `FIELDS` (others are ignored); `timestamp` may be text, sent as it is, or
    an instant, sent as UTC. `url` is SLUICE_PREDICT_URL; empty or not an address, everything stays pending.
    `ask` replaces HTTP in tests. Raises ValueError for a table that cannot be asked for, never for what the
    service does.
    """
    settings = settings or Settings()
    table = prepare(transactions)
    if ask is None:
        try:
            ask = _http(url, settings)
        except ValueError as problem:
            yield from _batches(Answer(i, "pending", None, None, str(problem), 0) for i in _ids(table))
            return
    answers = classify(_rows(table, settings.batch_size), ask, settings, known=known, clock=clock)
    shown = tqdm(
        answers,
        total=table.num_rows,
        desc="classify",
        unit=" transactions",
        unit_scale=True,
        delay=2,
        disable=not sys.stderr.isatty(),
    )
    yield from _batches(shown)


def prepare(transactions: pa.Table | pa.RecordBatchReader) -> pa.Table:
    """The columns to send, in types that JSON has words for."""
    table = transactions.read_all() if isinstance(transactions, pa.RecordBatchReader) else transactions
    missing = [name for name in FIELDS if name not in table.column_names]
    if missing:
        raise ValueError(f"transactions to classify lack the column {', '.join(missing)}")
    if table["id"].null_count:
        raise ValueError(f"{table['id'].null_count} transactions to classify have no id")
    columns = [_sendable(name, table[name]) for name in FIELDS]
    return pa.table(columns, names=list(FIELDS)).combine_chunks()


def _sendable(name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    if name == "amount":
        return column.cast(pa.float64())
    if pa.types.is_date(kind):
        kind = pa.timestamp("us")
        column = column.cast(kind)
    if pa.types.is_timestamp(kind):
        zoned = kind.tz is not None
        column = column.cast(pa.timestamp("us", tz="UTC" if zoned else None), safe=False)
        text = column.cast(pa.timestamp("us")).cast(pa.string())
        return pc.binary_join_element_wise(pc.replace_substring(text, " ", "T"), "Z", "")
    return column.cast(pa.string())


def _http(url: str | None, settings: Settings) -> HttpAsk:
    if url is None or not url.strip():
        raise ValueError("SLUICE_PREDICT_URL is not set")
    return HttpAsk(url, settings)


def _rows(table: pa.Table, size: int) -> Iterator[list[dict[str, Any]]]:
    """The rows as dicts, by way of numpy: several times as fast as to_pylist. An amount that is null
    becomes NaN, which is null in JSON."""
    for batch in table.to_batches(max_chunksize=size):
        columns = [column.to_numpy(zero_copy_only=False).tolist() for column in batch.columns]
        yield [
            {
                "id": i,
                "description": description,
                "amount": amount,
                "timestamp": timestamp,
                "merchant": merchant,
                "operation_type": operation_type,
                "side": side,
            }
            for i, description, amount, timestamp, merchant, operation_type, side in zip(
                *columns, strict=True
            )
        ]


def _ids(table: pa.Table) -> Iterator[str]:
    for batch in table.to_batches():
        yield from batch.column("id").to_pylist()


def _batches(answers: Iterable[Answer]) -> Iterator[pa.RecordBatch]:
    some: list[Answer] = []
    for answer in answers:
        if not some:
            due = time.monotonic() + RESULT_SECONDS
        some.append(answer)
        if len(some) >= RESULT_ROWS or time.monotonic() >= due:
            yield _record_batch(some)
            some = []
    if some:
        yield _record_batch(some)


def _record_batch(answers: Sequence[Answer]) -> pa.RecordBatch:
    columns = dict(zip(Answer._fields, zip(*answers, strict=True), strict=True))
    return pa.record_batch([pa.array(columns[field.name], field.type) for field in RESULT], schema=RESULT)
