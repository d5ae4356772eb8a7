"""Errors as the contract wants them, and the choice between JSON and a page."""

import sqlite3
import sys
import traceback
from typing import Any

from datasette import Response
from datasette.database import QueryInterrupted
from datasette.utils.asgi import Base400
from datasette.views.base import DatasetteError

from sluice.serve.access import PAGES
from sluice.serve.database import TimedOutError, UnavailableError
from sluice.serve.limits import TOO_MUCH_MEMORY, too_slow

API_PATHS = frozenset(
    f"/{page}" for page in ("health", "ready", "metrics", "events", "openapi.json", "prometheus")
)


class ApiError(Exception):
    """An answer with an error status; the message is shown to the client."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def wants_page(request: Any) -> bool:
    """Whether to answer an error with a page: only somebody who asks for HTML, on a page, gets one."""
    path = request.path
    return (
        "text/html" in request.headers.get("accept", "")
        and path not in API_PATHS
        and not path.endswith((".json", ".csv"))
    )


ALSO = {
    401: {"WWW-Authenticate": 'Bearer realm="sluice"'},
    405: {"Allow": "GET, HEAD, OPTIONS"},
    408: {"Connection": "close"},
    413: {"Connection": "close"},
}
"""Headers that a status requires."""


def json_error(status: int, message: str) -> Response:
    """The contract's error object."""
    headers = {"Cache-Control": "no-store", **ALSO.get(status, {})}
    return Response.json({"ok": False, "error": message, "status": status}, status=status, headers=headers)


TITLES = {
    400: "That did not work",
    401: "Token not accepted",
    403: "Not for you to see",
    404: "Nothing here",
    405: "Reading only",
    500: "Something broke",
    503: "Not ready",
}


async def error_response(datasette: Any, request: Any, status: int, message: str) -> Response:
    """The error as JSON, or as a page for people."""
    if not wants_page(request):
        return json_error(status, message)
    request.scope.setdefault("csrftoken", lambda: "")
    body = await datasette.render_template(
        ["error.html"],
        {"title": TITLES.get(status, f"Error {status}"), "error": message, "status": status},
        request=request,
    )
    return Response.html(body, status=status, headers={"Cache-Control": "no-store", **ALSO.get(status, {})})


TIMED_OUT = "x-sluice-timed-out"
"""The header by which a page process tells the server to count a time-out; it goes no further."""


async def exception_response(datasette: Any, request: Any, exception: Exception) -> Response:
    """The answer of a page process to an exception."""
    response = await error_response(datasette, request, *as_status(exception))
    if is_timeout(exception):
        response.headers[TIMED_OUT] = "1"
    return response


def route_label(path: str) -> str:
    """The route of a path for the request counters: patterns, so that no name shows in them."""
    segments = path.strip("/").split("/")
    first = segments[0].partition(".")[0]
    if path == "/" or path == "/.json":
        return "/"
    if first in PAGES:
        return f"/{first}" if len(segments) == 1 else f"/{first}/*"
    if first == "-":
        return "/-/*"
    return "/{database}" + "/{table}" * (len(segments) > 1) + "/{row}" * (len(segments) > 2)


def is_timeout(exception: Exception) -> bool:
    """Whether a query ran into its time limit; Datasette wraps its own interruption in a page."""
    return (
        isinstance(exception, TimedOutError | QueryInterrupted)
        or getattr(exception, "title", "") == "SQL Interrupted"
    )


def as_status(exception: Exception) -> tuple[int, str]:
    """What an exception means to a client. Datasette leaves mistakes in its own parameters as bare
    Python errors; they are the client's, not the server's."""
    if isinstance(exception, ApiError):
        return exception.status, str(exception)
    if isinstance(exception, UnavailableError):
        return 503, str(exception)
    if isinstance(exception, TimedOutError):
        return exception.status, str(exception)
    if is_timeout(exception):
        return 400, too_slow()
    if isinstance(exception, MemoryError):
        return 400, TOO_MUCH_MEMORY
    if isinstance(exception, Base400):
        return exception.status, str(exception)
    if isinstance(exception, DatasetteError):
        return exception.status if exception.status != 500 else 400, str(exception.message)
    if isinstance(exception, sqlite3.Error | ValueError | IndexError | KeyError | AssertionError):
        traceback.print_exception(exception, file=sys.stderr)
        return 400, "a parameter of this page cannot be used"
    traceback.print_exception(exception, file=sys.stderr)
    return 500, "something broke here; the server's log says what"
