"""The application: the two writes, health, metrics and documentation."""

import base64
import hashlib

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from sluice.ingest.access import AccessLog
from sluice.ingest.answers import Problem, Refusal, Status, retry_later
from sluice.ingest.metrics import CONTENT_TYPE
from sluice.ingest.openapi import STYLE, describe, docs_page
from sluice.ingest.service import Service
from sluice.ingest.settings import Settings
from sluice.ingest.writes import Writes

_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
_CONTENT_POLICY = f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'"


def create_app(service: Service) -> ASGIApp:
    """The application around a service that has been started."""
    pages = FastAPI(title="Sluice write side", version="1", docs_url=None, redoc_url=None)
    _answer_errors_as_json(pages)
    _add_pages(pages, service)
    return AccessLog(_for_browsers(Writes(pages, service), service.settings), service.metrics)


def _for_browsers(app: ASGIApp, settings: Settings) -> ASGIApp:
    """Answers a browser's preflight where pages of some origins may write."""
    if not settings.allow_origins:
        return app
    return CORSMiddleware(
        app,
        allow_origins=settings.allow_origins,
        allow_methods=("GET", "HEAD", "POST"),
        allow_headers=("Authorization", "Content-Type", "Content-Encoding"),
        expose_headers=("Retry-After",),
    )


def _add_pages(app: FastAPI, service: Service) -> None:
    @app.get("/health", response_model=Status, summary="Does the process live?")
    async def health() -> Response:
        """Always 200 while it does."""
        return JSONResponse({"status": "ok"})

    @app.get(
        "/ready",
        response_model=Status,
        responses={503: {"model": Problem, "description": "It cannot, with the reason."}},
        summary="Can it take events?",
    )
    async def ready() -> Response:
        """503 with the reason while it cannot."""
        reason = service.unready()
        if reason:
            raise retry_later(503, reason, 1)
        return JSONResponse({"status": "ready", "warnings": service.warnings()})

    @app.get("/prometheus", response_class=Response, summary="Metrics for Prometheus")
    async def prometheus() -> Response:
        """The text format."""
        return Response(service.metrics_text(), media_type=CONTENT_TYPE)

    describe(app)
    page = docs_page(app.openapi())

    @app.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        return HTMLResponse(page, headers={"Content-Security-Policy": _CONTENT_POLICY})


def _answer_errors_as_json(app: FastAPI) -> None:
    @app.exception_handler(Refusal)
    async def refusal(request: Request, error: Refusal) -> Response:
        return JSONResponse(error.body(), error.status, error.headers)

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        headers = dict(error.headers or {})
        if headers.get("Allow") == "GET":
            headers["Allow"] = "GET, HEAD"
        return await refusal(request, Refusal(error.status_code, str(error.detail), headers))

    @app.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> Response:
        return await refusal(request, Refusal(500, "internal error; see the log"))
