"""The Datasette plugin: permissions, routes, descriptions and errors. State is in `datasette.sluice`."""

import sqlite3
import sys
import traceback
from typing import Any

from datasette import Response, hookimpl
from datasette.database import QueryInterrupted
from datasette.utils.asgi import Base400
from markupsafe import Markup, escape

from sluice.serve import csv_stream, lineage, metrics, openapi, pages, prometheus
from sluice.serve.access import may_see
from sluice.serve.database import TimedOutError, UnavailableError
from sluice.serve.errors import ApiError, error_response
from sluice.serve.facts import as_json
from sluice.serve.gate import Gate
from sluice.serve.metrics import FORBIDDEN

DATABASE_ACTIONS = ("view-database", "execute-sql")
TABLE_ACTIONS = ("view-table", "view-query")


@hookimpl(trylast=True)
def permission_allowed(actor: Any, action: str, resource: Any) -> bool:
    """The only permission rule. It answers everything, so whatever is not allowed here is denied."""
    if action == "view-instance":
        return True
    if action in DATABASE_ACTIONS:
        return may_see(actor, resource)
    if action in TABLE_ACTIONS:
        return may_see(actor, resource[0])
    return False


@hookimpl
def asgi_wrapper(datasette: Any) -> Any:
    """The gate stands before everything."""
    return lambda app: Gate(app, datasette.sluice)


@hookimpl
def get_metadata(datasette: Any) -> dict[str, Any]:
    """Descriptions, units, sorts and facets from the dbt YAML."""
    return datasette.sluice.metadata()


async def health(datasette: Any, request: Any) -> Response:
    """GET /health: the process lives."""
    return Response.json({"status": "ok"}, headers={"Cache-Control": "no-store"})


async def ready(datasette: Any, request: Any) -> Response:
    """GET /ready: something is published and can be read."""
    return Response.json(as_json(await datasette.sluice.facts()), headers={"Cache-Control": "no-store"})


@hookimpl
def register_routes() -> list[tuple[str, Any]]:
    """The routes of the contract's section 7; a `.csv` of a table is complete."""
    return [
        (r"/$", pages.index),
        (r"/health$", health),
        (r"/ready$", ready),
        (r"/metrics$", metrics.metrics),
        (r"/events$", metrics.events),
        (r"/openapi\.json$", openapi.document),
        (r"/api$", pages.api),
        (r"/lineage(?:/(?P<name>[a-z._]*))?$", lineage.lineage),
        (r"/prometheus$", prometheus.prometheus),
        (r"/sign-in$", pages.sign_in),
        (r"/sign-out$", pages.sign_out),
        (r"/(?P<database>[^\/\.]+)/(?P<table>[^\/\.]+)\.csv$", csv_stream.table_csv),
    ]


@hookimpl
def extra_template_vars(datasette: Any, request: Any) -> dict[str, Any]:
    """What the frame of every page shows."""
    return {
        "site_actor": request.actor if request else None,
        "has_tokens": datasette.sluice.tokens.configured,
    }


@hookimpl
def render_cell(value: Any, column: str) -> Any:
    """Numbers with their grouping, JSON in a typeface of its own."""
    if isinstance(value, float):
        shown = f"{value:,.4f}".rstrip("0").rstrip(".")
        return Markup(f'<span class="number" title="{value!r}">{shown if shown != "-0" else "0"}</span>')
    if isinstance(value, int):
        return Markup(f'<span class="number">{value}</span>')
    if isinstance(value, str) and value[:1] in "[{" and value[-1:] in "]}" and len(value) < 2000:
        return Markup('<code class="json">') + escape(value) + Markup("</code>")
    return None


@hookimpl
def forbidden(datasette: Any, request: Any, message: str) -> Any:
    """The same words whether the thing exists or not."""
    return lambda: error_response(datasette, request, 403, FORBIDDEN)


def _is_timeout(exception: Exception) -> bool:
    """Whether a query ran into its time limit; Datasette wraps its own interruption in a page."""
    return (
        isinstance(exception, TimedOutError | QueryInterrupted)
        or getattr(exception, "title", "") == "SQL Interrupted"
    )


def _as_status(exception: Exception) -> tuple[int, str]:
    """What an exception means to a client. Datasette leaves mistakes in its own parameters as bare
    Python errors; they are the client's, not the server's."""
    if isinstance(exception, ApiError):
        return exception.status, str(exception)
    if isinstance(exception, UnavailableError):
        return 503, str(exception)
    if isinstance(exception, TimedOutError):
        return 503, f"{exception}; narrow it down and try again"
    if _is_timeout(exception):
        return 400, "the query took too long; narrow it down"
    if isinstance(exception, Base400):
        return exception.status, str(exception)
    if hasattr(exception, "message_is_html"):
        status = exception.status if exception.status != 500 else 400
        return status, str(exception.message)
    if isinstance(exception, sqlite3.Error | ValueError | IndexError | KeyError | AssertionError):
        traceback.print_exception(exception, file=sys.stderr)
        return 400, "a parameter of this page cannot be used"
    traceback.print_exception(exception, file=sys.stderr)
    return 500, "something broke here; the server's log says what"


@hookimpl
def handle_exception(datasette: Any, request: Any, exception: Exception) -> Any:
    """Every error in the contract's form."""
    status, message = _as_status(exception)
    if _is_timeout(exception):
        datasette.sluice.counters.timeouts.inc()
    return lambda: error_response(datasette, request, status, message)
