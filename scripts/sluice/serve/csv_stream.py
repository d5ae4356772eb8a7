"""A table's `.csv`: every row, from one build, at one scan's cost."""

import asyncio
import csv
import io
import sqlite3
from typing import Any

from datasette import Response
from datasette.utils import tilde_decode
from datasette.utils.asgi import Request

from sluice.serve.database import TimedOutError, open_published, time_limit
from sluice.serve.errors import ApiError

ROWS_PER_CHUNK = 2000
LIMIT_SUFFIX = " limit 1"


class TableCsv:
    """An open snapshot of a table that gives CSV text piece by piece."""

    def __init__(
        self, database: Any, sql: str, params: dict[str, Any], has_header: bool, milliseconds: int
    ) -> None:
        self._database, self._sql, self._params = database, sql, params
        self._has_header, self._milliseconds = has_header, milliseconds
        self._connection: sqlite3.Connection | None = None
        self._cursor: sqlite3.Cursor | None = None

    def next_chunk(self) -> str | None:
        """The next lines, or None at the end."""
        text = io.StringIO()
        writer = csv.writer(text)
        try:
            if self._cursor is None:
                self._connection = open_published(self._database.file)
                self._connection.row_factory = None
                self._connection.text_factory = lambda raw: str(raw, "utf-8", "replace")
            with time_limit(self._connection, self._milliseconds):
                if self._cursor is None:
                    self._cursor = self._connection.execute(self._sql, self._params)
                    if self._has_header:
                        writer.writerow([column[0] for column in self._cursor.description])
                rows = self._cursor.fetchmany(ROWS_PER_CHUNK)
        except sqlite3.OperationalError as error:
            if str(error) == "interrupted":
                raise TimedOutError(f"the query took longer than {self._milliseconds} ms") from error
            raise ApiError(400, str(error)) from error
        writer.writerows(rows)
        return text.getvalue() or None

    def close(self) -> None:
        """Let go of the snapshot."""
        if self._connection is not None:
            self._connection.close()


class CsvResponse(Response):
    """Sends a table's CSV; a failure half-way breaks the connection: nobody takes a part for the whole."""

    def __init__(
        self, table: TableCsv, first: str, request: Any, headers: dict[str, str], executor: Any
    ) -> None:
        super().__init__(body="", headers=headers, content_type="text/csv; charset=utf-8")
        self._table, self._first, self._request, self._executor = table, first, request, executor

    async def asgi_send(self, send: Any) -> None:
        """Send until the end or until nobody listens any more."""
        gone = asyncio.create_task(self._disconnected())
        loop = asyncio.get_running_loop()
        headers = [(name.lower().encode(), value.encode()) for name, value in self.headers.items()]
        headers.append((b"content-type", self.content_type.encode()))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            chunk: str | None = self._first
            while chunk is not None and not gone.done():
                await send({"type": "http.response.body", "body": chunk.encode("utf-8"), "more_body": True})
                if self._request.method == "HEAD":
                    break
                chunk = await loop.run_in_executor(self._executor, self._table.next_chunk)
            await send({"type": "http.response.body", "body": b""})
        finally:
            gone.cancel()
            self._table.close()

    async def _disconnected(self) -> None:
        while (await self._request.receive())["type"] != "http.disconnect":
            pass


async def table_csv(datasette: Any, request: Any) -> Response:
    """GET /{database}/{table}.csv with Datasette's filters; `_size` and `_next` give Datasette's pages."""
    from datasette.views.table import TableView  # not where newer Datasettes keep it

    site = datasette.sluice
    view = TableView(datasette)
    request.scope["url_route"]["kwargs"]["format"] = "csv"
    if "_next" in request.args or ("_size" in request.args and request.args["_size"] != "max"):
        return await view.get(request)
    name = tilde_decode(request.url_vars["database"])
    database = site.database(name)
    extra = "&".join(filter(None, [_without_size(request), "_size=0&_nofacet=1&_nocount=1&_nosuggest=1"]))
    sql, params = await _full_query(
        view, Request({**request.scope, "query_string": extra.encode("latin-1")}, None)
    )
    if not {"_sort", "_sort_desc"} & set(request.args):
        sql = sql.rpartition(" order by ")[0] or sql
    table = TableCsv(
        database,
        sql,
        params,
        request.args.get("_header") != "off",
        datasette.setting("sql_time_limit_ms"),
    )
    headers = {"Cache-Control": "no-store"}
    if request.args.get("_dl"):
        headers["Content-Disposition"] = f'attachment; filename="{request.url_vars["table"]}.csv"'
    try:
        first = await asyncio.get_running_loop().run_in_executor(datasette.executor, table.next_chunk)
    except BaseException:
        table.close()
        raise
    return CsvResponse(table, first or "", request, headers, datasette.executor)


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
