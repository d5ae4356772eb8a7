"""The Datasette plugin: permissions, routes, descriptions and errors. State is in `datasette.sluice`."""

import re
from typing import Any

from datasette import hookimpl
from markupsafe import Markup, escape

from sluice.serve import csv_stream, lineage, pages
from sluice.serve.access import may_see
from sluice.serve.errors import error_response, exception_response
from sluice.serve.metrics import FORBIDDEN

DATABASE_ACTIONS = ("view-database", "execute-sql")
TABLE_ACTIONS = ("view-table", "view-query")
INSTANT = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d{6})?Z)?", re.ASCII)
HASH = re.compile(r"[0-9a-f]{64}")


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
def get_metadata(datasette: Any) -> dict[str, Any]:
    """Descriptions, units, sorts and facets from the dbt YAML."""
    return datasette.sluice.metadata()


@hookimpl
def register_routes() -> list[tuple[str, Any]]:
    """The pages of the contract's section 7; a `.csv` of a table is complete."""
    return [
        (r"/$", pages.index),
        (r"/api$", pages.api),
        (r"/lineage(?:/(?P<name>[a-z._]*))?$", lineage.lineage),
        (r"/sign-in$", pages.sign_in),
        (r"/sign-out$", pages.sign_out),
        (r"/(?P<database>[^\/\.]+)\.csv$", csv_stream.query_csv),
        (r"/(?P<database>[^\/\.]+)/(?P<table>[^\/\.]+)\.csv$", csv_stream.table_csv),
        (r"/(?P<database>[^\/\.]+)/(?P<table>[^/]+?)/(?P<pks>[^/]+?)\.csv$", csv_stream.row_csv),
    ]


@hookimpl
def extra_template_vars(datasette: Any, request: Any) -> dict[str, Any]:
    """What the frame of every page shows."""
    return {
        "site_actor": request.actor if request else None,
        "has_tokens": datasette.sluice.tokens.configured,
        "nonce": request.scope.get("nonce", "") if request else "",
    }


@hookimpl
def render_cell(value: Any, column: str) -> Any:
    """Numbers with their grouping, instants in one piece, hashes cut short, JSON in a typeface of its own."""
    if isinstance(value, float):
        shown = f"{value:,.4f}".rstrip("0").rstrip(".")
        return Markup(f'<span class="number" title="{value!r}">{shown if shown != "-0" else "0"}</span>')
    if isinstance(value, int):
        return Markup(f'<span class="number">{value}</span>')
    if isinstance(value, str) and INSTANT.fullmatch(value):
        return Markup(f'<span class="instant">{value}</span>')
    if isinstance(value, str) and HASH.fullmatch(value):
        return Markup(f'<span class="hash" title="{value}">{value}</span>')
    if isinstance(value, str) and value[:1] in "[{" and value[-1:] in "]}" and len(value) < 2000:
        return Markup('<code class="json">') + escape(value) + Markup("</code>")
    return None


@hookimpl
def skip_csrf(scope: Any) -> bool:
    """Signing out needs no proof of origin: the gate's own error pages offer it too."""
    return scope["path"] == "/sign-out"


@hookimpl
def forbidden(datasette: Any, request: Any, message: str) -> Any:
    """The same words whether the thing exists or not."""
    return lambda: error_response(datasette, request, 403, FORBIDDEN)


@hookimpl
def handle_exception(datasette: Any, request: Any, exception: Exception) -> Any:
    """Every error in the contract's form."""
    return lambda: exception_response(datasette, request, exception)
