"""The HTTP face of the write side: `POST /events`, `POST /events/bulk`, health, metrics and documentation."""

import asyncio
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.exceptions import HTTPException

from sluice.ingest.access import AccessLog
from sluice.ingest.answers import Accepted, BulkAccepted, Problem, Refusal, Status, retry_later
from sluice.ingest.events import Verdict, judge, names_another_tenant, needs_macro
from sluice.ingest.metrics import CONTENT_TYPE
from sluice.ingest.openapi import describe, docs_page, request_body
from sluice.ingest.service import Service
from sluice.ingest.wire import (
    Fault,
    MalformedError,
    ShapeError,
    TooManyEventsError,
    WireEvent,
    decode_bulk,
    decode_event,
)
from sluice.tokens import Identity

_INLINE_BYTES = 32 * 1024
_ACCEPTED = b'{"ok":true,"accepted":1}'
_MEANINGS = {
    400: "The body is not JSON.",
    401: "No token, or an unknown or expired one.",
    403: "The token may not write these events.",
    408: "The body took too long to arrive.",
    413: "The body is over 8 MiB, or holds more than 5,000 events.",
    415: "The body is compressed.",
    422: "JSON, but not what this takes.",
    429: "The tenant sends more than its rate; see Retry-After.",
    503: "Nothing was kept: the disk is nearly full, the writer lags or the service stops; see Retry-After.",
}
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "description": meaning} for status, meaning in _MEANINGS.items()
}


def create_app(service: Service) -> FastAPI:
    """The application around a service that has been started."""
    app = FastAPI(title="Sluice write side", version="1", docs_url=None, redoc_url=None)
    app.add_middleware(AccessLog, metrics=service.metrics)
    _answer_errors_as_json(app)
    _add_writes(app, service)
    _add_pages(app, service)
    return app


def _add_writes(app: FastAPI, service: Service) -> None:
    async def judged(
        request: Request, decode: Callable[[bytes], list[WireEvent | Fault]]
    ) -> tuple[int, Verdict]:
        """The common part of both writes: up to the verdict, with 4xx and 503 raised on the way."""
        identity = service.authorise(request.headers.get("authorization"))
        service.admit(identity)
        async with service.body(request) as body:
            if len(body) > _INLINE_BYTES:
                work = asyncio.get_running_loop().run_in_executor(
                    service.executor, lambda: _judge(decode(body), identity)
                )
                count, verdict = await work
            else:
                events = decode(body)
                if needs_macro(events):
                    count, verdict = await asyncio.get_running_loop().run_in_executor(
                        service.executor, _judge, events, identity
                    )
                else:
                    count, verdict = _judge(events, identity)
        service.check_rate(list(verdict.tenants))
        service.rates.pay(verdict.tenants if identity.tenant_id is None else {identity.tenant_id: count})
        for _, faults in verdict.rejected:
            for fault in faults:
                service.metrics.rejected.labels(fault.reason).inc()
        return count, verdict

    @app.post(
        "/events",
        status_code=201,
        response_model=Accepted,
        responses=_PROBLEMS,
        openapi_extra=request_body("Event"),
        summary="Write one event",
    )
    async def post_event(request: Request) -> Response:
        """Durable when answered. Sending an event again is harmless: (tenant_id, event_id) counts once."""
        _, verdict = await judged(request, lambda body: [decode_event(body)])
        if verdict.rejected:
            faults = verdict.rejected[0][1]
            raise Refusal(422, "; ".join(fault.message for fault in faults), rejected=_reasons(faults))
        await service.commit(verdict.rows)
        return Response(_ACCEPTED, 201, media_type="application/json")

    @app.post(
        "/events/bulk",
        response_model=BulkAccepted,
        responses=_PROBLEMS,
        openapi_extra=request_body("Bulk"),
        summary="Write 1 to 5,000 events",
    )
    async def post_bulk(request: Request) -> Response:
        """Bad events are refused one by one, good ones kept; durable when answered. An event of another
        tenant refuses the whole request."""
        _, verdict = await judged(request, decode_bulk)
        if verdict.rows:
            await service.commit(verdict.rows)
        rejected = [_rejected(index, faults) for index, faults in verdict.rejected]
        return JSONResponse({"ok": True, "accepted": len(verdict.rows), "rejected": rejected})


def _judge(events: list[WireEvent | Fault], identity: Identity) -> tuple[int, Verdict]:
    if identity.tenant_id is not None and names_another_tenant(events, identity.tenant_id):
        raise Refusal(403, "this token may not write another tenant's events; nothing was kept")
    return len(events), judge(events, identity.tenant_id)


def _reasons(faults: list[Fault]) -> list[dict[str, Any]]:
    return [{"field": fault.field, "reason": fault.reason} for fault in faults]


def _rejected(index: int, faults: list[Fault]) -> dict[str, Any]:
    first, *more = _reasons(faults)
    return {"index": index, **first, **({"more": more} if more else {})}


def _add_pages(app: FastAPI, service: Service) -> None:
    @app.get("/health", response_model=Status, summary="Does the process live?")
    async def health() -> Response:
        """Always 200 while it does."""
        return JSONResponse({"status": "ok"})

    @app.get("/ready", response_model=Status, responses={503: _PROBLEMS[503]}, summary="Can it take events?")
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
        return HTMLResponse(
            page, headers={"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
        )


def _answer_errors_as_json(app: FastAPI) -> None:
    @app.exception_handler(Refusal)
    async def refusal(request: Request, error: Refusal) -> Response:
        return error.response()

    @app.exception_handler(MalformedError)
    async def malformed(request: Request, error: MalformedError) -> Response:
        return Refusal(400, f"malformed JSON: {error}").response()

    @app.exception_handler(ShapeError)
    async def shape(request: Request, error: ShapeError) -> Response:
        return Refusal(422, str(error)).response()

    @app.exception_handler(TooManyEventsError)
    async def too_many(request: Request, error: TooManyEventsError) -> Response:
        return Refusal(413, str(error)).response()

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        return Refusal(error.status_code, str(error.detail), error.headers).response()

    @app.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> Response:
        return Refusal(500, "internal error; see the log").response()
