"""The OpenAPI document of the read side, written where the routes' limits are known."""

import functools
from typing import Any

from sluice.serve.metrics import (
    BUCKET_SIZES,
    DEFAULT_LIMIT,
    DEFAULT_PAGE_SIZE,
    MAX_LIMIT,
    MAX_PAGE_SIZE,
)

Json = dict[str, Any]

ERROR: Json = {
    "type": "object",
    "required": ["ok", "error", "status"],
    "properties": {"ok": {"const": False}, "error": {"type": "string"}, "status": {"type": "integer"}},
}
NUMBER_OR_NULL: Json = {"type": ["number", "null"]}
COUNT: Json = {"type": "integer", "minimum": 0}
SERVICE_ROW: Json = {
    "type": "object",
    "description": "One bucket of one service; the bucket start is in minute, hour or day.",
    "required": ["service", "request_count"],
    "properties": {
        "service": {"type": "string"},
        **{name: {"type": "string", "format": "date-time"} for name in BUCKET_SIZES},
        **dict.fromkeys(("request_count", "latency_count", "status_count", "error_count"), COUNT),
        **dict.fromkeys([f"{name}_latency_ms" for name in ("avg", "p50", "p95", "p99")], NUMBER_OR_NULL),
        "error_rate": NUMBER_OR_NULL,
    },
}
TENANT_ROW: Json = {
    "type": "object",
    "description": "One bucket of one source and event type of a tenant.",
    "required": ["source", "event_type", "event_count"],
    "properties": {
        "source": {"type": "string"},
        "event_type": {"type": "string"},
        **{name: {"type": "string", "format": "date-time"} for name in BUCKET_SIZES},
        "event_count": COUNT,
        "amount_sum": NUMBER_OR_NULL,
    },
}
EVENT_ROW: Json = {
    "type": "object",
    "description": "One event; further columns are flattened from the payload.",
    "required": ["event_id", "source", "event_type", "event_at"],
    "properties": {
        "event_id": {"type": "string"},
        "source": {"type": "string"},
        "event_type": {"type": "string"},
        "event_at": {"type": "string", "format": "date-time"},
        "schema_version": {"type": ["integer", "null"]},
        "payload": {"description": "The JSON object that was posted, or null."},
    },
}


def _rows(row: Json) -> Json:
    return {
        "type": "object",
        "required": ["ok", "rows", "next"],
        "properties": {
            "ok": {"const": True},
            "rows": {"type": "array", "items": row},
            "next": {"type": ["string", "null"], "description": "Token of the next page; null on the last."},
        },
    }


def _query(name: str, description: str, schema: Json | None = None, required: bool = False) -> Json:
    schema = schema or {"type": "string", "minLength": 1}
    return {"name": name, "in": "query", "required": required, "description": description, "schema": schema}


def _json(description: str, schema: Json) -> Json:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _errors(*statuses: int) -> Json:
    said = {
        400: "A parameter cannot be used; the error names it.",
        401: "The token is not known or has expired.",
        403: "Not for this token to see, if it is there at all.",
        404: "Nothing at this address.",
        503: "Nothing has been published yet, or a query took too long.",
    }
    return {str(status): _json(said[status], {"$ref": "#/components/schemas/Error"}) for status in statuses}


def _text(description: str, media_type: str) -> Json:
    return {"description": description, "content": {media_type: {"schema": {"type": "string"}}}}


def _get(summary: str, ok: Json, errors: Json, parameters: list[Json] | None = None) -> Json:
    return {"get": {"summary": summary, "parameters": parameters or [], "responses": {"200": ok, **errors}}}


TENANT_ID: Json = {"type": "string", "pattern": "^[a-z0-9_-]{1,64}$"}
INSTANT = "any timestamp format of the feeds, e.g. 2026-01-15T10:30:00Z, 2026-01-15, 1768473000"
SPAN = [
    _query("from", f"First instant: {INSTANT}."),
    _query("to", "Instant before which to stop, in the same formats."),
]


@functools.cache
def specification() -> Json:
    """The document."""
    tenant_filters = [
        _query("source", "Only this source of the tenant."),
        _query("event_type", "Only this type of event of the tenant."),
    ]
    metrics = [
        _query("service", "Only this service."),
        *SPAN,
        _query(
            "bucket_size",
            "Size of a bucket.",
            {"type": "string", "enum": [*BUCKET_SIZES], "default": "minute"},
        ),
        _query(
            "limit",
            "Most rows in one answer.",
            {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
        ),
        _query("next", "Token of the previous answer; go on after it."),
        _query("tenant_id", "That tenant's metrics instead, for a token that may see it.", TENANT_ID),
        *tenant_filters,
    ]
    events = [
        _query("tenant_id", "Whose events.", TENANT_ID, required=True),
        *tenant_filters,
        *SPAN,
        _query(
            "page",
            "Page number, from 1; not with next.",
            {"type": "integer", "minimum": 1, "maximum": 1_000_000},
        ),
        _query(
            "page_size",
            "Most events in one answer.",
            {"type": "integer", "minimum": 1, "maximum": MAX_PAGE_SIZE, "default": DEFAULT_PAGE_SIZE},
        ),
        _query("next", "Token of the previous answer: stays in place while new events arrive."),
    ]
    ready = {
        "type": "object",
        "required": ["ok", "published_at", "latest_event_at"],
        "properties": {
            "ok": {"const": True},
            "status": {"const": "ready"},
            "published_at": {"type": "string", "format": "date-time"},
            "build_id": {"type": "string"},
            "latest_event_at": {
                "type": "object",
                "description": "Per feed; to the hour where the events are not published to everybody.",
                "additionalProperties": {"type": "string"},
            },
            "warnings": {
                "type": "array",
                "description": "What an operator should know though data can be read.",
                "items": {"type": "string"},
            },
        },
    }
    health = {"type": "object", "required": ["status"], "properties": {"status": {"const": "ok"}}}
    service_or_tenant = _rows({"anyOf": [SERVICE_ROW, TENANT_ROW]})
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Sluice, read side",
            "version": "1",
            "description": "Published metrics and events. Every table is also at /sluice/{table}.json and,"
            " complete, at /sluice/{table}.csv.",
        },
        "security": [{}, {"bearer": []}],
        "paths": {
            "/health": _get("The process lives", _json("It does.", health), _errors(401)),
            "/ready": _get(
                "Something is published, and how fresh it is", _json("Ready.", ready), _errors(401, 503)
            ),
            "/metrics": _get(
                "Metrics per minute, hour or day, ordered by service (or source and event type), then bucket",
                _json("Whole buckets with from ≤ start < to.", service_or_tenant),
                _errors(400, 401, 403, 503),
                metrics,
            ),
            "/events": _get(
                "One tenant's events, oldest first",
                _json("Events with from ≤ event_at < to.", _rows(EVENT_ROW)),
                _errors(400, 401, 403, 503),
                events,
            ),
            "/openapi.json": _get("This document", _json("OpenAPI 3.1.", {"type": "object"}), _errors(401)),
            "/prometheus": _get("Gauges and counters", _text("Text format.", "text/plain"), _errors(401)),
            "/lineage": _get("The dbt documentation site", _text("A page.", "text/html"), _errors(401, 404)),
        },
        "components": {
            "schemas": {"Error": ERROR},
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }
