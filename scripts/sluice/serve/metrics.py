"""`/metrics` and `/events`: whole buckets and events, page by page, always through an index."""

import contextlib
import datetime as dt
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
from datasette import Response

from sluice.serve.access import PUBLIC, may_see_tenant, tenant_database
from sluice.serve.database import UnavailableError
from sluice.serve.errors import ApiError
from sluice.serve.params import Params, next_token

if TYPE_CHECKING:
    from sluice.serve.site import Site

BUCKET_SIZES = ("minute", "hour", "day")
DEFAULT_LIMIT, MAX_LIMIT = 1000, 10_000
DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE = 100, 1000
FORBIDDEN = "this is not for you to see, if it is there at all; a token that may see it is needed"
FIRST, LAST = "", "~"
"""Texts before and after every instant."""


@dataclass(frozen=True)
class Series:
    """A kind of bucketed table: one series of buckets per value of its columns."""

    prefix: str
    columns: tuple[str, ...]
    measures: tuple[str, ...]


SERVICE = Series(
    "service_metrics_per_",
    ("service",),
    ("request_count", "latency_count", "avg_latency_ms", "p50_latency_ms", "p95_latency_ms", "p99_latency_ms")
    + ("status_count", "error_count", "error_rate"),
)
TENANT = Series("metrics_per_", ("source", "event_type"), ("event_count", "amount_sum"))


def bucket_text(instant: dt.datetime | None, default: str) -> str:
    """The first possible bucket start at or after an instant, as the tables write it."""
    if instant is None:
        return default
    if instant.microsecond:
        instant = instant.replace(microsecond=0) + dt.timedelta(seconds=1)
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


def read_series_keys(
    connection: sqlite3.Connection, table: str, columns: Sequence[str], start: Sequence[str] | None = None
) -> Iterator[tuple[str, ...]]:
    """Every series in order, from `start` on, by jumping along the key instead of reading it. (Of a comparison of rows of
    values, SQLite uses the first column only, and would read the others.)"""
    names = ", ".join(columns)
    select, order = f"select {names} from {table}", f"order by {names} limit 1"

    def first(conditions: Sequence[str], values: Sequence[str]) -> tuple[str, ...] | None:
        where = f"where {' and '.join(conditions)}" if conditions else ""
        return connection.execute(f"{select} {where} {order}", tuple(values)).fetchone()

    def after(key: Sequence[str]) -> tuple[str, ...] | None:
        for length in range(len(columns), 0, -1):
            *same, last = columns[:length]
            if row := first([*(f"{column} = ?" for column in same), f"{last} > ?"], key[:length]):
                return row
        return None

    there = [f"{column} = ?" for column in columns]
    row = (first(there, start) or after(start)) if start is not None else first([], [])
    while row is not None:
        key = tuple(row)
        yield key
        row = after(key)


def read_buckets(
    connection: sqlite3.Connection,
    series: Series,
    bucket_size: str,
    wanted: Sequence[str | None],
    span: tuple[str, str],
    after: tuple[str, ...] | None,
    limit: int,
) -> list[dict[str, Any]]:
    """Up to `limit` rows ordered by series, then bucket; all of one build."""
    table = series.prefix + bucket_size
    equal = " and ".join(f"{column} = ?" for column in series.columns)
    columns = (*series.columns, bucket_size, *series.measures)
    select = f"select {', '.join(columns)} from {table} where {equal}"
    rows: list[dict[str, Any]] = []
    connection.execute("begin")
    if None in wanted:
        keys = read_series_keys(connection, table, series.columns, after[:-1] if after else None)
    else:
        keys = iter([tuple(value for value in wanted if value is not None)])
    for key in keys:
        if any(want is not None and want != value for want, value in zip(wanted, key, strict=True)):
            continue
        condition, since = f"{bucket_size} >= ?", span[0]
        if after and key <= after[:-1]:
            if key < after[:-1]:
                continue
            if after[-1] >= since:
                condition, since = f"{bucket_size} > ?", after[-1]
        found = connection.execute(
            f"{select} and {condition} and {bucket_size} < ? order by {bucket_size} limit ?",
            (*key, since, span[1], limit - len(rows)),
        )
        rows += [dict(zip(columns, row, strict=True)) for row in found]
        if len(rows) >= limit:
            break
    return rows


def read_events(
    connection: sqlite3.Connection,
    filters: dict[str, str | None],
    span: tuple[str, str],
    after: tuple[str, ...] | None,
    offset: int,
    limit: int,
) -> list[dict[str, Any]]:
    """Up to `limit` events ordered by time, then id; a later page is found at once, not by reading those before."""
    since = max(span[0], after[0]) if after else span[0]
    conditions, values = ["event_at >= ?", "event_at < ?"], [since, span[1]]
    for column, value in filters.items():
        if value is not None:
            conditions.append(f"{column} = ?")
            values.append(value)
    if after:
        conditions.append("(event_at, event_id) > (?, ?)")
        values += after
    found = connection.execute(
        f"select * from events where {' and '.join(conditions)} order by event_at, event_id limit ? offset ?",
        (*values, limit, offset),
    )
    return [_with_payload(dict(row)) for row in found]


def _with_payload(row: dict[str, Any]) -> dict[str, Any]:
    """The payload as the object it is, character for character; what is not JSON stays text."""
    payload = row.get("payload")
    if isinstance(payload, str):
        with contextlib.suppress(orjson.JSONDecodeError):
            orjson.loads(payload)
            row["payload"] = orjson.Fragment(payload)
    return row


def answer(rows: list[dict[str, Any]], token: str | None) -> Response:
    """The rows and where they go on."""
    body = orjson.dumps({"ok": True, "rows": rows, "next": token}).decode()
    headers = {"Cache-Control": "no-store", "Content-Length": str(len(body.encode()))}
    return Response(body, content_type="application/json; charset=utf-8", headers=headers)


def _tenant_database(request: Any, params: Params) -> str | None:
    """The database of the tenant asked for, once it is clear that the token may see it."""
    tenant_id = params.tenant_id()
    if tenant_id is None:
        return None
    if not may_see_tenant(request.actor, tenant_id):
        raise ApiError(403, FORBIDDEN)
    return tenant_database(tenant_id)


async def metrics(site: "Site", request: Any) -> Response:
    """GET /metrics: of services, or with `tenant_id` of that tenant's events."""
    known = {"service", "from", "to", "bucket_size", "limit", "next", "tenant_id", "source", "event_type"}
    params = Params(request.args, known)
    database = _tenant_database(request, params)
    series = SERVICE if database is None else TENANT
    for name in {"service", "source", "event_type"} - set(series.columns):
        if name in params:
            other = "goes only with tenant_id" if database is None else "does not go with tenant_id"
            raise ApiError(400, f"{name}: {other}")
    bucket_size = params.choice("bucket_size", BUCKET_SIZES)
    limit = params.integer("limit", DEFAULT_LIMIT, 1, MAX_LIMIT)
    since, until = params.span()
    span = (bucket_text(since, FIRST), bucket_text(until, LAST))
    kind = series.prefix + bucket_size
    after = params.position(kind, len(series.columns) + 1)
    wanted = [params.folded(column) for column in series.columns]
    try:
        rows = await site.read(
            database or PUBLIC,
            lambda connection: read_buckets(connection, series, bucket_size, wanted, span, after, limit + 1),
            is_quick=True,
        )
    except UnavailableError:
        if database is None:
            raise
        rows = []
    place = (
        [str(rows[limit - 1][column]) for column in (*series.columns, bucket_size)] if rows[limit:] else None
    )
    return answer(rows[:limit], next_token(kind, place) if place else None)


async def events(site: "Site", request: Any) -> Response:
    """GET /events: one tenant's events, oldest first."""
    params = Params(
        request.args, {"tenant_id", "source", "event_type", "from", "to", "page", "page_size", "next"}
    )
    database = _tenant_database(request, params)
    if database is None:
        raise ApiError(400, "tenant_id: is required")
    page = params.integer("page", 1, 1, 1_000_000)
    size = params.integer("page_size", DEFAULT_PAGE_SIZE, 1, MAX_PAGE_SIZE)
    after = params.position("events", 2)
    if after and "page" in params:
        raise ApiError(400, "page: does not go with next")
    since, until = params.span()
    instant = "%Y-%m-%dT%H:%M:%S.%fZ"
    span = (since.strftime(instant) if since else FIRST, until.strftime(instant) if until else LAST)
    filters = {column: params.folded(column) for column in ("source", "event_type")}
    try:
        rows = await site.read(
            database,
            lambda connection: read_events(connection, filters, span, after, (page - 1) * size, size + 1),
            is_quick=True,
        )
    except UnavailableError:
        rows = []
    place = [rows[size - 1]["event_at"], rows[size - 1]["event_id"]] if rows[size:] else None
    return answer(rows[:size], next_token("events", place) if place else None)
