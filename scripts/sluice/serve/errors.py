"""Errors as the contract wants them, and the choice between JSON and a page."""

from typing import Any

from datasette import Response

from sluice.serve.access import PAGES

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


def json_error(status: int, message: str) -> Response:
    """The contract's error object."""
    headers = {"Cache-Control": "no-store"}
    if status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="sluice"'
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
    body = await datasette.render_template(
        ["error.html"],
        {"title": TITLES.get(status, f"Error {status}"), "error": message, "status": status},
        request=request,
    )
    response = Response.html(body, status=status)
    response.headers["Cache-Control"] = "no-store"
    if status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="sluice"'
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
