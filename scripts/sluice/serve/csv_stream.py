"""CSV: a table's is complete, every row from one build, at one scan's cost; that of a query or a page is what it shows.

`?_safe=1` makes cells that a spreadsheet would take for formulas plain text. Pages link to it; programs leave it out
and get each value as it is.
"""

import csv
import io
import re
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from datasette import Response
from datasette.utils import tilde_decode
from datasette.utils.asgi import Request

from sluice.serve.access import tenant_of
from sluice.serve.database import TimedOutError, open_published, time_limit
from sluice.serve.errors import ApiError
from sluice.serve.limits import too_slow

ROWS_PER_CHUNK = 2000
LIMIT_SUFFIX = " limit 1"
CONTENT_TYPE = "text/csv; charset=utf-8"
FORMULA = re.compile(r"\s*[=+\-@\t\r\n\uff0b\uff0d\uff1d\uff20]")
"""How a cell begins that Excel, LibreOffice or Sheets may calculate, also in full-width letters and after blanks."""
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def safe_cell(value: Any) -> Any:
    """The value, with an apostrophe before a text that a spreadsheet would calculate; numbers stay numbers."""
    if isinstance(value, str) and FORMULA.match(value) and not NUMBER.fullmatch(value.strip()):
        return f"'{value}"
    return value


def csv_text(rows: Iterable[Sequence[Any]], is_safe: bool) -> str:
    """Lines of CSV (RFC 4180). Safe ones have every text in quotes, so that no other delimiter splits them either."""
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_NONNUMERIC if is_safe else csv.QUOTE_MINIMAL)
    plain = ([value.hex() if isinstance(value, bytes) else value for value in row] for row in rows)
    writer.writerows([safe_cell(value) for value in row] for row in plain) if is_safe else writer.writerows(
        plain
    )
    return text.getvalue()


def wants_safe(request: Any) -> bool:
    """Whether the request has `_safe=1`; ApiError 400 for anything but 0 and 1."""
    value = request.args.get("_safe") or "0"
    if value not in ("0", "1"):
        raise ApiError(400, "_safe: must be 1, for a spreadsheet, or 0")
    return value == "1"


class TableCsv:
    """An open snapshot of a table that gives CSV text piece by piece."""

    def __init__(self, database: Any, sql: str, params: dict[str, Any], request: Any, limit_ms: int) -> None:
        self._database, self._sql, self._params, self._limit_ms = database, sql, params, limit_ms
        self._has_header = request.args.get("_header") != "off"
        self._is_safe = wants_safe(request)
        self._connection: sqlite3.Connection | None = None
        self._cursor: sqlite3.Cursor | None = None

    def next_chunk(self) -> str | None:
        """The next lines, or None at the end."""
        rows: list[Sequence[Any]] = []
        try:
            if self._connection is None:
                self._connection = open_published(self._database.file)
                self._connection.row_factory = None
                self._connection.text_factory = lambda raw: str(raw, "utf-8", "replace")
            with self._database.hard_limit(self._limit_ms), time_limit(self._connection, self._limit_ms):
                if self._cursor is None:
                    self._cursor = self._connection.execute(self._sql, self._params)
                    if self._has_header:
                        rows.append([column[0] for column in self._cursor.description])
                rows += self._cursor.fetchmany(ROWS_PER_CHUNK)
        except sqlite3.OperationalError as error:
            if str(error) == "interrupted":
                raise TimedOutError(too_slow(self._limit_ms), 400) from error
            raise ApiError(400, str(error)) from error
        return csv_text(rows, self._is_safe) or None

    def close(self) -> None:
        """Let go of the snapshot."""
        if self._connection is not None:
            self._connection.close()


class CsvResponse(Response):
    """Sends a table's CSV, row by row. The first rows are read before it begins, so that errors can be told."""

    def __init__(self, table: TableCsv, request: Any, headers: dict[str, str]) -> None:
        super().__init__(body="", headers=headers, content_type=CONTENT_TYPE)
        self._table, self._is_head = table, request.method == "HEAD"
        self._first = table.next_chunk()

    async def asgi_send(self, send: Any) -> None:
        """Send until the end; the server ends this process when nobody listens any more."""
        headers = [(name.lower().encode(), value.encode()) for name, value in self.headers.items()]
        headers.append((b"content-type", self.content_type.encode()))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            chunk = self._first
            while chunk is not None:
                await send({"type": "http.response.body", "body": chunk.encode("utf-8"), "more_body": True})
                chunk = None if self._is_head else self._table.next_chunk()
            await send({"type": "http.response.body", "body": b""})
        finally:
            self._table.close()


def _headers(request: Any, name: str) -> dict[str, str]:
    headers = {"Cache-Control": "no-store"}
    if request.args.get("_dl"):
        headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return headers


async def _page_csv(view: Any, request: Any, name: str) -> Response:
    """The rows that one of Datasette's pages shows, as CSV."""
    is_safe = wants_safe(request)
    extra = "&".join(filter(None, [request.query_string, "_nofacet=1&_nocount=1"]))
    try:
        answer = await view.data(Request({**request.scope, "query_string": extra.encode("latin-1")}, None))
    except sqlite3.OperationalError as error:
        raise ApiError(400, str(error)) from error
    if isinstance(answer, Response):
        return answer
    data = answer[0]
    if data.get("error"):
        raise ApiError(400, data["error"])
    if "rows" not in data:
        raise ApiError(400, "name a table (/database/table.csv), or give a query with ?sql=")
    rows = [] if request.args.get("_header") == "off" else [data["columns"]]
    text = csv_text([*rows, *data["rows"]], is_safe)
    return Response(text, headers=_headers(request, name), content_type=CONTENT_TYPE)


async def query_csv(datasette: Any, request: Any) -> Response:
    """GET /{database}.csv?sql=: the rows of a query, as many as its page shows."""
    from datasette.views.database import DatabaseView  # not where newer Datasettes keep it

    return await _page_csv(DatabaseView(datasette), request, request.url_vars["database"])


async def row_csv(datasette: Any, request: Any) -> Response:
    """GET /{database}/{table}/{row}.csv."""
    from datasette.views.row import RowView

    return await _page_csv(RowView(datasette), request, request.url_vars["table"])


async def table_csv(datasette: Any, request: Any) -> Response:
    """GET /{database}/{table}.csv with Datasette's filters; `_size` and `_next` give Datasette's pages."""
    from datasette.views.table import TableView

    view, name = TableView(datasette), request.url_vars["table"]
    if "_next" in request.args or ("_size" in request.args and request.args["_size"] != "max"):
        return await _page_csv(view, request, name)
    database_name = tilde_decode(request.url_vars["database"])
    if tenant_of(database_name) and database_name not in datasette.sluice.databases:
        raise ApiError(404, "Database not found")
    database = datasette.sluice.database(database_name)
    extra = "&".join(filter(None, [_without_size(request), "_size=0&_nofacet=1&_nocount=1&_nosuggest=1"]))
    sql, params = await _full_query(
        view, Request({**request.scope, "query_string": extra.encode("latin-1")}, None)
    )
    if not {"_sort", "_sort_desc"} & set(request.args):
        sql = sql.rpartition(" order by ")[0] or sql
    table = TableCsv(database, sql, params, request, datasette.setting("sql_time_limit_ms"))
    return CsvResponse(table, request, _headers(request, name))


def _without_size(request: Any) -> str:
    return "&".join(
        part for part in request.query_string.split("&") if not part.startswith(("_size=", "_stream="))
    )


async def _full_query(view: Any, request: Request) -> tuple[str, dict[str, Any]]:
    """The query behind a table page, without its page limit."""
    answer = await view.data(request)
    if isinstance(answer, Response):
        raise ApiError(400, "filters of the page's form must be given as column__op=value for CSV")
    query = answer[0]["query"]
    if not query["sql"].endswith(LIMIT_SUFFIX):
        raise ApiError(400, "this is not a table")
    return query["sql"].removesuffix(LIMIT_SUFFIX), query["params"]
