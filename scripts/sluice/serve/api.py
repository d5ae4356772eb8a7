"""The routes for programs. The gate calls them itself: they need none of Datasette's page machinery."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from datasette import Response

from sluice.serve.facts import as_json
from sluice.serve.metrics import events, metrics
from sluice.serve.openapi import specification
from sluice.serve.prometheus import prometheus

if TYPE_CHECKING:
    from sluice.serve.site import Site

FRESH = {"Cache-Control": "no-store"}


async def health(site: "Site", request: Any) -> Response:
    """GET /health: the process lives."""
    return Response.json({"status": "ok"}, headers=FRESH)


async def ready(site: "Site", request: Any) -> Response:
    """GET /ready: something is published and can be read."""
    return Response.json(as_json(await site.facts(), site.warnings()), headers=FRESH)


async def document(site: "Site", request: Any) -> Response:
    """GET /openapi.json."""
    return Response.json(specification(), headers={"Cache-Control": "no-cache"})


ROUTES: dict[str, Callable[["Site", Any], Awaitable[Response]]] = {
    "/health": health,
    "/ready": ready,
    "/metrics": metrics,
    "/events": events,
    "/openapi.json": document,
    "/prometheus": prometheus,
}
